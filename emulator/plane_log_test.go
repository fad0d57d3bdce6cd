package emulator

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPlaneLine(t *testing.T) {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.Local).Format(time.RFC3339)
	for text, want := range map[string]string{
		`{"time":"` + noon + `","level":"info","component":"kine","message":"compacting"}`: "12:00:00.000 info  kine: compacting",
		`{"level":"error","component":"kine","message":"open","error":"disk full"}`:        "error kine: open: disk full",
		`{"level":"warn","message":"gone"}`:                                                "warn  gone",
		"panic: runtime error \xff":                                                        "panic: runtime error ?",
		"":                                                                                 "",
	} {
		if got := readPlaneLine([]byte(text)).String(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// TestPlaneReader: lines come out whole however they come in.
func TestPlaneReader(t *testing.T) {
	const text = "one\ntwo\n\nthree\nunfinished"
	for size := 1; size <= len(text); size++ {
		var got []string
		r := &planeReader{take: func(l planeLine) error {
			got = append(got, l.String())
			return nil
		}}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := r.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if !slices.Equal(got, []string{"one", "two", "", "three"}) {
			t.Errorf("by %d bytes: %q", size, got)
		}
	}
	broken := errors.New("the reader has gone")
	r := &planeReader{take: func(planeLine) error { return broken }}
	if _, err := r.Write([]byte(text)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

func TestEKSRefs(t *testing.T) {
	const home, shop = "arn:aws:eks:us-east-1:000000000000:", "arn:aws:eks:us-east-1:000000000000:cluster/shop"
	for text, want := range map[string]string{
		"shop":                                 "key " + shop,
		"shop/fp":                              "key " + shop + "/fp",
		"shop/default/web":                     "pod default/web of " + shop,
		"nodegroup/shop/workers":               "key " + shop + "/workers, pod shop/workers of " + home + "cluster/nodegroup",
		"nodegroup/shop/workers/0a1b":          "key " + shop + "/workers",
		shop:                                   "key " + shop,
		shop + "/default/web":                  "pod default/web of " + shop,
		home + "fargateprofile/shop/fp/0a1b":   "key " + shop + "/fp",
		home + "cluster/shop/default":          "",
		"arn:aws:ecs:us-east-1:0:cluster/shop": "",
		"arn:aws:eks":                          "",
		"":                                     "",
		"shop/":                                "",
		"/default/web":                         "",
		"a/b/c/d":                              "",
	} {
		var got []string
		for _, of := range eksRefs("000000000000", "us-east-1", text) {
			if of.pod != "" {
				got = append(got, "pod "+of.pod+" of "+of.cluster)
			} else {
				got = append(got, "key "+of.key)
			}
		}
		if all := strings.Join(got, ", "); all != want {
			t.Errorf("%q: %s\nwant %s", text, all, want)
		}
	}
}

func TestCountsText(t *testing.T) {
	for _, row := range []struct {
		counts map[string]int
		want   string
	}{{nil, ""}, {map[string]int{"RUNNING": 1}, "1 RUNNING"}, {map[string]int{"PENDING": 2, "RUNNING": 10, "STOPPED": 2}, "10 RUNNING, 2 PENDING, 2 STOPPED"}} {
		if got := CountsText(row.counts); got != row.want {
			t.Errorf("%v: %q, want %q", row.counts, got, row.want)
		}
	}
}
