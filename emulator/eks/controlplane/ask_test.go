package controlplane_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/neargate/neargate/emulator/eks/controlplane"
)

func TestFindProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if path, err := controlplane.FindProgram(self); err != nil || path != self {
		t.Errorf("%s, %v", path, err)
	}
	if path, err := controlplane.FindProgram(filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Errorf("found %s", path)
	}
}

func TestMemory(t *testing.T) {
	w := newWorld(t)
	if n := w.Memory(arnOf("well")); n != 0 {
		t.Errorf("%d bytes before there is a process", n)
	}
	w.ensure(t, "well")
	w.wait(t, "well", isReady)
	if n := w.Memory(arnOf("well")); runtime.GOOS == "linux" && n < 1<<20 {
		t.Errorf("%d bytes", n)
	}
}
