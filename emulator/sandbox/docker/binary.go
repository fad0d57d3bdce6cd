package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	arch string
	tag  string // names the binary for arch; "" until it was read
	size int64  // of the binary, in bytes
}

// binary makes sure that the image is there and returns its reference.
func (r *Runtime) binary(ctx context.Context) (string, error) {
	b := &r.image
	b.mu.Lock()
	defer b.mu.Unlock()
	ref, err := r.binaryRef(ctx)
	if err != nil || b.ref == ref {
		return ref, err
	}
	if err := r.importBinary(ctx, ref); err != nil {
		return "", err
	}
	b.ref = ref
	return ref, nil
}

// binaryRef is the image's reference, which holds a digest of the binary. The
// binary is read for it once and not kept: it is megabytes that an idle
// emulator has no use for. r.image.mu is held.
func (r *Runtime) binaryRef(ctx context.Context) (string, error) {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return "", err
	}
	b := &r.image
	if b.tag == "" || b.arch != f.arch {
		sum := sha256.New()
		size, err := r.copyBinary(sum, f.arch)
		if err != nil {
			return "", err
		}
		b.arch, b.size, b.ref = f.arch, size, ""
		b.tag = hex.EncodeToString(sum.Sum(nil)[:8])
	}
	return "neargate-sandbox:" + b.tag + r.names.prefix[len("neargate"):], nil
}

func (r *Runtime) copyBinary(to io.Writer, arch string) (int64, error) {
	rc, err := r.options.PID1(arch)
	if err != nil {
		return 0, fmt.Errorf("the sandbox's binary for linux/%s: %w", arch, err)
	}
	defer rc.Close()
	n, err := io.Copy(to, rc)
	if err != nil {
		return 0, fmt.Errorf("the sandbox's binary for linux/%s: %w", arch, err)
	}
	return n, nil
}

func (r *Runtime) importBinary(ctx context.Context, ref string) error {
	_, err := r.daemon.ImageInspect(ctx, ref)
	if err == nil || !errdefs.IsNotFound(err) {
		return err
	}
	root, end := io.Pipe()
	go func() { end.CloseWithError(r.writeRoot(end)) }()
	defer root.Close() // ends the writer when the Engine reads no further
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

// writeRoot writes the image's file system as a tar.
func (r *Runtime) writeRoot(to io.Writer) error {
	w := tar.NewWriter(to)
	for _, dir := range []string{"dev/", "etc/", "proc/", "run/", "sys/", "tmp/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return err
		}
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: binaryPath[1:], Mode: 0o755, Size: r.image.size}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	if _, err := r.copyBinary(w, r.image.arch); err != nil {
		return err
	}
	return w.Close()
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
