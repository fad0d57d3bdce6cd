package docker

import (
	"regexp"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	const id = "0123456789abcdef0123456789abcdef"
	n := newNames("abc")
	for _, c := range []struct {
		container string
		attempt   int
		want      string
	}{
		{"app", 0, "neargate-abc-" + id + "-app"},
		{"app", 3, "neargate-abc-" + id + "-app.3"},
		{"a.b", 1, ""}, // only its form counts
	} {
		got := n.workload(id, c.container, c.attempt)
		if c.want != "" && got != c.want {
			t.Errorf("workload(%q, %d) = %q, want %q", c.container, c.attempt, got, c.want)
		}
		if strings.Count(got, ".") > 1 {
			t.Errorf("%q: a dot of the container's own name could be taken for the attempt's", got)
		}
		if back, ok := n.attempt(id, c.container, "/"+got); !ok || back != c.attempt {
			t.Errorf("attempt(%q) = %d, %v, want %d", got, back, ok, c.attempt)
		}
		if !regexp.MustCompile(n.pattern(id)).MatchString("/" + got) {
			t.Errorf("%q does not match %q", got, n.pattern(id))
		}
	}
	for _, other := range []string{n.workload(id, "app-2", 0), n.holder(id), n.sandbox(id), n.workload(id, "ap", 0)} {
		if _, ok := n.attempt(id, "app", other); ok {
			t.Errorf("%q passes as an attempt of app", other)
		}
	}
	if got := n.sandboxOf("/" + n.sandbox(id)); got != id {
		t.Errorf("sandboxOf its own name: %q", got)
	}
	for _, no := range []string{n.warm("x"), n.workload(id, "app", 0), "neargate-other-" + id, id} {
		if got := n.sandboxOf(no); got != "" {
			t.Errorf("sandboxOf(%q) = %q", no, got)
		}
	}
}

func TestInstancesWithACommonBeginningHaveDifferentNames(t *testing.T) {
	if a, b := newNames("0123456789-a"), newNames("0123456789-b"); a == b {
		t.Errorf("both are %q", a.prefix)
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"", "app", "a b", "ä", strings.Repeat("x", 300), "../..", "a_b", "a.b"} {
		f.Add(s, "other")
	}
	valid := regexp.MustCompile(`^[a-zA-Z0-9_-]*$`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if !valid.MatchString(safeName(a)) || len(safeName(a)) > 128 {
			t.Errorf("safeName(%q) = %q", a, safeName(a))
		}
		if a != b && safeName(a) == safeName(b) {
			t.Errorf("%q and %q are both %q", a, b, safeName(a))
		}
	})
}
