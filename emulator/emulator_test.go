package emulator_test

import (
	"context"
	"testing"

	"github.com/neargate/neargate/emulator"
)

// newEmulator makes an emulator that does not run: enough for its answers.
func newEmulator(t *testing.T) *emulator.Emulator {
	t.Helper()
	c := emulator.Defaults()
	c.DataDir, c.Runtime, c.EKS = emulator.Memory, emulator.RuntimeFake, emulator.EKSRecords
	e, err := emulator.New(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}
