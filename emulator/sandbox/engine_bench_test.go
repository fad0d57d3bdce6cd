package sandbox_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

// BenchmarkUntilRunning measures how long a task takes from its creation to
// RUNNING on the fake runtime, with many on their way at once and a store on
// disk.
func BenchmarkUntilRunning(b *testing.B) {
	st, err := store.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := sandbox.New(sandbox.Config{Store: st, Runtime: fake.New(fake.Options{}), Log: zerolog.Nop()})
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	b.ResetTimer()
	for n := range b.N {
		p := spec(n, "")
		p.Network.VPCCIDR, p.Network.SubnetCIDR = "10.0.0.0/8", "10.0.0.0/9"
		if err := st.Update(b.Context(), "bench", func(tx *store.Tx) error { return sandbox.Create(tx, p) }); err != nil {
			b.Fatal(err)
		}
	}
	for n := range b.N {
		_, err := e.Wait(b.Context(), id(n), func(s *sandbox.Sandbox) bool { return sandbox.LastStatus(s) == sandbox.Running })
		if err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	cancel()
	<-done
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
}
