package controlplane_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/eks/controlplane"
)

func TestTelling(t *testing.T) {
	info := `{"level":"info","message":"all is well"}` + "\n"
	for _, c := range []struct {
		name, written string
		want          []string
	}{
		{"nothing", "", nil},
		{"only news", info, []string{"all is well"}},
		{"an error among news", `{"level":"error","message":"cannot","error":"full"}` + "\n" + strings.Repeat(info, 9), []string{"cannot: full"}},
		{"an error of long ago", `{"level":"error","message":"cannot"}` + "\n" + strings.Repeat(info, 20), slices.Repeat([]string{"all is well"}, 5)},
		{"last words", strings.Repeat(info, 9) + "neargate-kube: no port", []string{"neargate-kube: no port"}},
		{"the last ones of many", "1\n2\n3\n4\n5\n6\n7\n", []string{"3", "4", "5", "6", "7"}},
		{"a crash", "before\npanic: nil map\n\ngoroutine 1 [running]:\nmain.main()\n" + strings.Repeat("\tx.go:1\n", 200), []string{"panic: nil map", "", "goroutine 1 [running]:", "main.main()", "x.go:1"}},
		{"audit events", "why\n" + strings.Repeat(`{"component":"audit","time":"","event":{}}`+"\n", 500), []string{"why"}},
		{"bytes", "a\xff\x00b\n", []string{"a?\x00b"}},
		{"a long line", strings.Repeat("é", 200_000) + "\n", []string{strings.Repeat("é", 200) + "…", strings.Repeat("é", 200) + "…"}},
	} {
		got := controlplane.Telling(c.written)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// A file that is full is turned over once, and nothing is written twice.
func TestLogIsTurnedOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	o, done := controlplane.NewOutput(path)
	line := strings.Repeat("x", 1<<10-1) + "\n"
	for range 25 << 10 { // 25 MiB
		if n, err := o.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatal(n, err)
		}
	}
	done()
	var sizes []int64
	for _, p := range []string{path, path + ".1"} {
		i, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, i.Size())
	}
	if sizes[0] > 10<<20 || sizes[1] > 10<<20 || sizes[1] < 9<<20 {
		t.Error(sizes)
	}
	if left, err := filepath.Glob(path + "*"); err != nil || len(left) != 2 {
		t.Error(left, err)
	}
}
