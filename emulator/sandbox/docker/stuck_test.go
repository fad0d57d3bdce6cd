package docker_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// An Engine that is stuck with one container is told of, and holds nobody for
// ever; once it is not, the start goes on.
func TestAnEngineThatIsStuckWithAContainer(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host = p.host() })
	s := b.spec(runtimetest.Program{})
	b.up(s)
	var stuck atomic.Bool
	stuck.Store(true)
	goOn := make(chan struct{})
	p.holding(func(req *http.Request) {
		if strings.HasSuffix(req.URL.Path, "/start") && stuck.Load() {
			<-goOn
		}
	})
	c := &s.Containers[0]
	docker.Limit(b.rt, 200*time.Millisecond)
	err := b.rt.Start(b.ctx, s, c, 0, nil)
	if err == nil || !strings.Contains(err.Error(), "the Docker Engine is stuck") {
		t.Errorf("Start: %v", err)
	}
	docker.Limit(b.rt, patience)
	stuck.Store(false)
	close(goOn)
	b.start(s)
	if o := b.inspect(s); o.Containers[c.Name].State != "RUNNING" {
		t.Errorf("seen %+v", o)
	}
}
