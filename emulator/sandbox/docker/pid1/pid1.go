// Package pid1 finds the binary that is PID 1 of every sandbox container:
// cmd/neargate-sandbox, built for Linux and the Docker Engine's architecture.
//
// `make build` puts it, compressed, into this folder, from where it is
// embedded. A build without make (go install, go test of a program that uses
// fixtures) has none: then it is looked for beside the executable, and at last
// built by the Go toolchain, which is there wherever tests are run.
package pid1

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// built holds neargate-sandbox-linux-<arch>.gz for each architecture that
// make has built; the README keeps the folder from being empty.
//
//go:embed all:*
var built embed.FS

const source = "github.com/neargate/neargate/cmd/neargate-sandbox"

// Open returns the binary for an architecture in Go's words, "amd64" or
// "arm64". The caller closes it.
func Open(arch string) (io.ReadCloser, error) {
	name := "neargate-sandbox-linux-" + arch
	for _, open := range []func(name, arch string) (io.ReadCloser, error){embedded, beside, compiled} {
		r, err := open(name, arch)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	return nil, fmt.Errorf("this build of Neargate carries no %s, none lies beside the executable, and there is no Go toolchain to build it: run `make build`", name)
}

func embedded(name, _ string) (io.ReadCloser, error) {
	f, err := built.Open(name + ".gz")
	if err != nil {
		return nil, err
	}
	return gzip.NewReader(f)
}

func beside(name, _ string) (io.ReadCloser, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(filepath.Dir(self), name))
}

// compiled builds the binary with the toolchain and module that the process
// was built with.
func compiled(name, arch string) (io.ReadCloser, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, fs.ErrNotExist
	}
	dir, err := os.MkdirTemp("", "neargate-sandbox-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, name)
	cmd := exec.CommandContext(context.Background(), tool, "build", "-trimpath", "-ldflags", "-s -w", "-o", out, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS=-buildvcs=false")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build %s: %w: %s", source, err, bytes.TrimSpace(text))
	}
	data, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}
