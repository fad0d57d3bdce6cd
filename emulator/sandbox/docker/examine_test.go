package docker_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/docker"
)

func TestDescribe(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host = p.host() })
	is, err := b.rt.Describe(b.ctx)
	if err != nil || !strings.HasPrefix(is, "Docker ") || !strings.Contains(is, " (API 1.") || !strings.Contains(is, "cgroup v") {
		t.Errorf("the Engine is %q, %v", is, err)
	}
	p.cut()
	if is, err := b.rt.Describe(b.ctx); err == nil {
		t.Errorf("without an Engine it is %q", is)
	}
	p.mend(t)
	if again, err := b.rt.Describe(b.ctx); err != nil || again != is {
		t.Errorf("the Engine is %q, %v", again, err)
	}
}
