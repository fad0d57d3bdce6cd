package e2e_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// binary is the path of the server under test: built once by TestMain.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

// build makes the server and, beside it, the sandbox's PID 1, for a tree in
// which `make build` has not embedded one.
func build(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "neargate-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "neargate")
	pid1 := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "neargate-sandbox-linux-"+runtime.GOARCH), "../cmd/neargate-sandbox")
	pid1.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	for _, cmd := range []*exec.Cmd{pid1, exec.Command("go", "build", "-trimpath", "-o", binary, "../cmd/neargate")} {
		if text, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "%v: %v\n%s", cmd.Args, err, text)
			return 1
		}
	}
	// The tests wait for other processes more than they compute, so that more
	// of them can be under way than there are processors.
	// Testcontainers need not watch over them: its watchman would be pulled from
	// a registry. And the Engine is on this machine, even if that looks like a
	// container: the tests go to the addresses of its containers.
	if err := errors.Join(flag.Set("test.parallel", "6"), os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true"),
		os.Setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer removePodImage()
	defer removeImages()
	return m.Run()
}
