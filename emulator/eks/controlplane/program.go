package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const programName = "neargate-kube"

// errNoProgram is why no cluster can be run at all.
var errNoProgram = errors.New("neargate-kube, the Kubernetes of clusters, is not installed: make build-kube, and put it beside neargate or into PATH")

// findProgram returns the path of neargate-kube: the one that was named, else
// the one beside this program, else the one in PATH.
func findProgram(named string) (string, error) {
	if named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%w (looked for %s: %w)", errNoProgram, named, err)
		}
		return filepath.Abs(path) // it is started in a directory of its own
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), programName)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(programName)
	if err != nil {
		return "", errNoProgram
	}
	return path, nil
}
