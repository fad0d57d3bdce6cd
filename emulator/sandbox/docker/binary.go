package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// The image of sandbox containers: an empty file system with the binary of
// PID 1 in it, imported under a tag that names the binary. Workload images are
// pull.go's matter.

// binaryPath is where PID 1 is inside its image.
const binaryPath = "/neargate-sandbox"

type binaryImage struct {
	mu   sync.Mutex
	ref  string // "" until it is known to be there
	data []byte // kept: the image may be removed while we run
	arch string
}

// binary makes sure that the image is there and returns its reference.
func (r *Runtime) binary(ctx context.Context) (string, error) {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return "", err
	}
	b := &r.image
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ref != "" && b.arch == f.arch {
		return b.ref, nil
	}
	if b.data == nil || b.arch != f.arch {
		if b.data, err = readBinary(r.options.PID1, f.arch); err != nil {
			return "", err
		}
		b.arch = f.arch
	}
	sum := sha256.Sum256(b.data)
	ref := "neargate-sandbox:" + hex.EncodeToString(sum[:8]) + r.names.prefix[len("neargate"):]
	if err := r.importBinary(ctx, ref, b.data); err != nil {
		return "", err
	}
	b.ref = ref
	return ref, nil
}

func readBinary(open func(arch string) (io.ReadCloser, error), arch string) ([]byte, error) {
	rc, err := open(arch)
	if err != nil {
		return nil, fmt.Errorf("the sandbox's binary for linux/%s: %w", arch, err)
	}
	defer rc.Close()
	data, err := io.ReadAll(rc)
	if err != nil {
		return nil, fmt.Errorf("the sandbox's binary for linux/%s: %w", arch, err)
	}
	return data, nil
}

func (r *Runtime) importBinary(ctx context.Context, ref string, data []byte) error {
	_, err := r.daemon.ImageInspect(ctx, ref)
	if err == nil || !errdefs.IsNotFound(err) {
		return err
	}
	root, err := binaryRoot(data)
	if err != nil {
		return err
	}
	result, err := r.daemon.ImageImport(ctx, client.ImageImportSource{Source: root, SourceName: "-"}, ref, client.ImageImportOptions{
		Message: "neargate-sandbox",
		Changes: []string{
			`ENTRYPOINT ["` + binaryPath + `"]`,
			fmt.Sprintf("LABEL %s=%q %s=%q", labelInstance, r.options.Instance, labelRole, roleSandbox),
		},
	})
	if err != nil {
		return err
	}
	defer result.Close()
	return importOutcome(result)
}

func binaryRoot(data []byte) (io.Reader, error) {
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for _, dir := range []string{"dev/", "etc/", "proc/", "run/", "sys/", "tmp/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: binaryPath[1:], Mode: 0o755, Size: int64(len(data))}
	if err := errors.Join(w.WriteHeader(h), write(w, data), w.Close()); err != nil {
		return nil, err
	}
	return &root, nil
}

func write(w io.Writer, data []byte) error {
	_, err := w.Write(data)
	return err
}

// forgetBinary makes the next sandbox import the image again: it was removed
// behind our back.
func (r *Runtime) forgetBinary() {
	r.image.mu.Lock()
	defer r.image.mu.Unlock()
	r.image.ref = ""
}
