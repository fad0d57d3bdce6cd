package sandbox_test

import (
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// TestKeep: a pod that has ended keeps its containers and its address until
// its owner lets go of it.
func TestKeep(t *testing.T) {
	for name, stop := range map[string]func(b *bench){
		"ended by itself": func(b *bench) {},
		"ended by its owner, who holds it": func(b *bench) {
			b.wait(1, sandbox.Running)
			b.update(func(tx *store.Tx) error {
				return sandbox.Stop(tx, id(1), sandbox.Desired{Code: "DeadlineExceeded", Held: true})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				p := spec(1, "FAKE_RUN_FOR=1m")
				p.Steps, p.Keep = 2, true
				p.Containers[0].Essential = false
				b.create(p)
				stop(b)
				b.wait(1, sandbox.Deprovisioning)
				<-time.After(time.Hour)
				s := b.get(1)
				if got := sandbox.LastStatus(s); got != sandbox.Deprovisioning || s.Status.Address == nil || s.Status.Containers[0].State != sandbox.ContainerStopped {
					b.Fatalf("after an hour: %s", b.dump(1))
				}
				if o, err := b.rt.Inspect(t.Context(), id(1)); err != nil || !o.Up {
					b.Errorf("the sandbox is gone from the runtime: %+v, %v", o, err)
				}
				grace := time.Second
				b.update(func(tx *store.Tx) error {
					return sandbox.Stop(tx, id(1), sandbox.Desired{Code: "UserInitiated", Grace: &grace})
				})
				b.wait(1, sandbox.Stopped)
			})
		})
	}
}
