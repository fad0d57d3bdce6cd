package sandbox_test

import (
	"context"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
)

// mute is a runtime whose events are all lost.
type mute struct{ *fake.Runtime }

func (mute) Events(ctx context.Context) iter.Seq[string] {
	return func(func(string) bool) { <-ctx.Done() }
}

func TestLostEventsCostTimeNotWork(t *testing.T) {
	mutely := func(c *sandbox.Config) { c.Runtime = mute{c.Runtime.(*fake.Runtime)} }
	for name, happens := range map[string]func(b *bench){
		"exit":      func(b *bench) { b.rt.Kill(id(1), "a", 3) },
		"removal":   func(b *bench) { b.rt.ForgetContainer(id(1), "a") },
		"namespace": func(b *bench) { b.rt.Forget(id(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, mutely, func(b *bench) {
				b.create(spec(1, ""))
				b.wait(1, sandbox.Running)
				<-time.After(10 * time.Minute)
				looks := b.rt.Calls("Inspect")
				<-time.After(5 * time.Minute)
				if n := b.rt.Calls("Inspect") - looks; n < 9 || n > 11 {
					b.Errorf("%d looks at the runtime in ten resyncs", n)
				}
				began := time.Now()
				happens(b)
				b.wait(1, sandbox.Stopped)
				if took := time.Since(began); took > time.Minute {
					b.Errorf("noticed after %v", took)
				}
			})
		})
	}
}

// A sandbox that rests is not left alone by what its record or its own clock
// asks for.
func TestRestEndsWithTheRecord(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(spec(1, "FAKE_RUN_FOR=7m"))
		b.create(spec(2, ""))
		b.wait(1, sandbox.Running)
		b.wait(2, sandbox.Running)
		<-time.After(5 * time.Minute)
		b.stopTask(2)
		synctest.Wait()
		b.wait(2, sandbox.Stopped)
		b.wait(1, sandbox.Stopped)
	})
}
