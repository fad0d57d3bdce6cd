package docker_test

import (
	"context"
	"errors"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

func TestEngineIsAwayAtTheBeginning(t *testing.T) {
	p := newProxy(t, need(t))
	p.cut()
	o := bed.options(bed.instance())
	o.Host = p.host()
	r, err := docker.New(t.Context(), o)
	if err != nil {
		t.Fatalf("New while the Engine is away: %v", err)
	}
	b := &bench{T: t, bed: bed, rt: r}
	var cancel context.CancelFunc
	b.ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	var stop *sandbox.StopError
	if _, err := r.Up(b.ctx, b.spec()); err == nil || errors.As(err, &stop) {
		t.Errorf("Up while the Engine is away: %v", err)
	}
	p.mend(t)
	s := b.spec(runtimetest.Program{})
	b.launch(s)
	if o := b.inspect(s); !o.Up || o.Containers["c0"].State != sandbox.ContainerRunning {
		t.Errorf("%+v", o)
	}
	if err := errors.Join(r.Purge(b.ctx), r.Close()); err != nil {
		t.Error(err)
	}
}

func TestEngineGoesAndComesBack(t *testing.T) {
	p := newProxy(t, need(t))
	b := newBench(t, func(o *docker.Options) { o.Host = p.host() })
	hints := make(chan string, 100)
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	go func() {
		for id := range b.rt.Events(ctx) {
			hints <- id
		}
	}()
	s := b.spec(runtimetest.Program{Serve: 8080, Body: "still here"})
	b.launch(s)
	before := b.inspect(s).Containers["c0"]
	b.await("the server answers", func() bool { return fetch(b, s.ID, "127.0.0.1:8080") == "still here" })

	all := func(when string) {
		t.Helper()
		for {
			select {
			case id := <-hints:
				if id == "" {
					return
				}
			case <-b.ctx.Done():
				t.Fatal("no hint to look at all sandboxes " + when)
			}
		}
	}
	for len(hints) > 0 {
		<-hints
	}
	p.cut()
	all("when the Engine is gone")
	if _, err := b.rt.Inspect(b.ctx, s.ID); err == nil {
		t.Error("Inspect while the Engine is away: no error")
	}
	p.mend(t)
	all("after the gap")
	after := b.inspect(s)
	if c := after.Containers["c0"]; !after.Up || c.RuntimeID != before.RuntimeID || !c.StartedAt.Equal(before.StartedAt) {
		t.Errorf("after the gap %+v, before %+v", after, before)
	}
	b.await("the tunnel is up again", func() bool { return fetch(b, s.ID, "127.0.0.1:8080") == "still here" })
}
