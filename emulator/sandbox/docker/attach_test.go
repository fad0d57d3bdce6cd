package docker_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// A container that ends between the look at it and the Engine's attaching: the
// Engine would keep the streams open until its next start.
func TestAttachThatComesTooLate(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host = p.host() })
	s := b.spec(runtimetest.Program{})
	b.launch(s)
	asked, ended := make(chan struct{}), make(chan struct{})
	p.holding(func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/attach") {
			close(asked)
			<-ended
		}
	})
	done := make(chan error, 1)
	var out strings.Builder
	go func() { done <- b.rt.Attach(b.ctx, s.ID, "c0", sandbox.Streams{Out: &out}) }()
	<-asked
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Minute); err != nil {
		t.Fatal(err)
	}
	b.await("it has ended", func() bool { return b.inspect(s).Containers["c0"].State == sandbox.ContainerStopped })
	close(ended)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "container c0 does not run") {
		t.Errorf("attached to what has ended: %v, %q", err, out.String())
	}
	if err := b.rt.Attach(b.ctx, s.ID, "c0", sandbox.Streams{}); err == nil || !strings.Contains(err.Error(), "container c0 does not run") {
		t.Errorf("attached to what has ended long ago: %v", err)
	}
}
