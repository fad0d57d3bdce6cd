package runtimetest

import (
	"context"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// stopping: signal, grace, kill.
func stopping() []scenario {
	return []scenario{
		{"stop sends SIGTERM and returns when it has ended", nil, stopPolite},
		{"stop kills after the grace", nil, stopStubborn},
		{"stop of what has ended is no error and changes nothing", nil, stopEnded},
		{"stop of what never was is no error", nil, stopUnknown},
		{"stop from two sides", nil, stopConcurrently},
		{"stop sends the signal that was chosen", nil, stopSignal},
		{"a cancelled stop leaves it to the next one", nil, stopCancelled},
		{"stop of one leaves the others", nil, stopOne},
	}
}

func stopPolite(b *bench) {
	s := b.ready(Program{})
	b.atOnce("Stop", func() {
		if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*soon); err != nil {
			b.Fatal(err)
		}
	})
	c := b.inspect(s).Containers["c0"]
	if c.State != sandbox.ContainerStopped || c.ExitCode != 143 || c.FinishedAt.IsZero() {
		b.Errorf("%+v", c)
	}
}

func stopStubborn(b *bench) {
	s := b.ready(Program{IgnoreTerm: true})
	began := time.Now()
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*time.Second); err != nil {
		b.Fatal(err)
	}
	if took := time.Since(began); took < 2*time.Second || took > soon {
		b.Errorf("Stop took %v with a grace of 2 s", took)
	}
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerStopped || c.ExitCode != 137 || c.OOMKilled {
		b.Errorf("%+v", c)
	}
}

func stopEnded(b *bench) {
	s := b.launch(Exits(5))
	b.ended(s, "c0")
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Second); err != nil {
		b.Error(err)
	}
	if c := b.inspect(s).Containers["c0"]; c.ExitCode != 5 {
		b.Errorf("%+v", c)
	}
}

func stopUnknown(b *bench) {
	s := b.spec(Program{})
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Second); err != nil {
		b.Errorf("sandbox not up: %v", err)
	}
	b.up(s)
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Second); err != nil {
		b.Errorf("container never started: %v", err)
	}
}

func stopConcurrently(b *bench) {
	s := b.ready(Program{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*soon); err != nil {
				b.Error(err)
			}
			if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerStopped {
				b.Errorf("Stop returned before the end: %+v", c)
			}
		})
	}
	wg.Wait()
}

func stopSignal(b *bench) {
	s := b.spec(Program{Print: []string{"ready"}})
	s.Containers[0].StopSignal = "SIGINT"
	b.up(s)
	b.start(s, 0)
	b.says(s, "c0", "ready")
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*soon); err != nil {
		b.Fatal(err)
	}
	if c := b.inspect(s).Containers["c0"]; c.ExitCode != 130 {
		b.Errorf("%+v", c)
	}
}

func stopCancelled(b *bench) {
	s := b.ready(Program{IgnoreTerm: true})
	ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
	defer cancel()
	b.atOnce("a cancelled Stop", func() {
		if err := b.rt.Stop(ctx, s, &s.Containers[0], 5*time.Minute); err == nil {
			b.Error("a cancelled Stop of what still runs returned no error")
		}
	})
	b.atOnce("the next Stop", func() {
		if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Second); err != nil {
			b.Error(err)
		}
	})
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerStopped || c.ExitCode != 137 {
		b.Errorf("%+v", c)
	}
}

func stopOne(b *bench) {
	s := b.launch(Program{}, Program{})
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*soon); err != nil {
		b.Fatal(err)
	}
	if o := b.inspect(s); !o.Up || o.Containers["c1"].State != sandbox.ContainerRunning {
		b.Errorf("%+v", o)
	}
}
