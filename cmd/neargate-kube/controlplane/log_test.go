package controlplane_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

// What upstream says comes out with its level, its component and its text.
func TestLines(t *testing.T) {
	for _, row := range []struct{ line, level, component, message string }{
		{"I0102 03:04:05.000006       7 x.go:8] \"Starting\" a=\"b\"\n", "info", "kube-apiserver", `"Starting" a="b"`},
		{"W0102 03:04:05.000006       7 x.go:8] odd] things\n", "warn", "kube-apiserver", "odd] things"},
		{"E0102 03:04:05.000006       7 x.go:8] bad component=\"kube-controller-manager\"\n", "error", "kube-controller-manager", `bad component="kube-controller-manager"`},
		{"F0102 03:04:05.000006       7 x.go:8] dead\n", "fatal", "kube-apiserver", "dead"},
	} {
		var out bytes.Buffer
		if n, err := controlplane.NewLines(zerolog.New(&out), "kube-apiserver").Write([]byte(row.line + "\n")); n != len(row.line)+1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		var got struct{ Level, Component, Message string }
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%v: %s", err, &out)
		}
		if got.Level != row.level || got.Component != row.component || got.Message != row.message {
			t.Errorf("%+v of %s", got, row.line)
		}
	}
}

// That watches end with the database is said by each of them, and is no news.
func TestFarewellsAreLeftOut(t *testing.T) {
	var out bytes.Buffer
	line := "E0102 03:04:05.000006       7 x.go:8] connection error: desc = \"transport is closing\"\n"
	if n, err := controlplane.NewLines(zerolog.New(&out), "kube-apiserver").Write([]byte(line)); n != len(line) || err != nil || out.Len() > 0 {
		t.Errorf("%d %v: %s", n, err, &out)
	}
}

func TestRingKeepsTheNewest(t *testing.T) {
	r := controlplane.NewRing()
	line := strings.Repeat("x", 1023) + "\n"
	for range 400 {
		if _, err := r.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Write([]byte("last\n")); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Dump(&out); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 256<<10 || out.Len() < 255<<10 || !strings.HasSuffix(out.String(), line+"last\n") || !strings.HasPrefix(out.String(), "xx") {
		t.Errorf("%d bytes", out.Len())
	}
}
