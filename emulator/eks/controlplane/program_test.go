package controlplane_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/neargate/neargate/emulator/eks/controlplane"
)

// TestProgramIsFoundFromAnywhere: a control plane is started in its own
// directory, so that a path that was given from here has to be made whole.
func TestProgramIsFoundFromAnywhere(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("bin", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("bin", "kube"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if path, err := controlplane.FindProgram("bin/kube"); err != nil || !filepath.IsAbs(path) {
		t.Errorf("%q, %v", path, err)
	}
}
