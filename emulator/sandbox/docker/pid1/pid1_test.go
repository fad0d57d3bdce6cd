package pid1_test

import (
	"debug/elf"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/docker/pid1"
)

func TestOpenGivesAStaticLinuxBinary(t *testing.T) {
	r, err := pid1.Open(runtime.GOARCH)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path := filepath.Join(t.TempDir(), "pid1")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	binary, err := elf.Open(path)
	if err != nil {
		t.Fatalf("not a Linux binary: %v", err)
	}
	defer binary.Close()
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary asks for a dynamic loader: it has to run in an empty image")
		}
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	if _, err := pid1.Open("no-such-architecture"); err == nil {
		t.Fatal("there is a binary for an architecture that does not exist")
	}
}
