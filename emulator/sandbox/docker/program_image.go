package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/moby/moby/client"
)

// Images made on the spot of one static binary, for demonstrations and tests:
// no registry is needed.

// ImportProgram makes an image, under the reference ref, that holds nothing
// but the program at /<name>, which is its entrypoint. The program has to be a
// static Linux binary for the Engine's architecture. An image that has the
// reference already loses it.
func ImportProgram(ctx context.Context, host, ref, name string, program []byte) error {
	d, err := newDaemon(host)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := d.facts(ctx); err != nil {
		return err
	}
	root, err := programRoot(name, program)
	if err != nil {
		return err
	}
	result, err := d.ImageImport(ctx, client.ImageImportSource{Source: root, SourceName: "-"}, ref, client.ImageImportOptions{
		Changes: []string{fmt.Sprintf("ENTRYPOINT [%q]", "/"+path.Base(name))},
	})
	if err != nil {
		return err
	}
	defer result.Close()
	return importOutcome(result)
}

func programRoot(name string, program []byte) (io.Reader, error) {
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for _, dir := range []string{"etc/", "tmp/", "var/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o1777}); err != nil {
			return nil, err
		}
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: path.Base(name), Mode: 0o755, Size: int64(len(program))}
	return &root, errors.Join(w.WriteHeader(h), write(w, program), w.Close())
}

// RemoveImage removes a reference made by ImportProgram.
func RemoveImage(ctx context.Context, host, ref string) error {
	d, err := newDaemon(host)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.ImageRemove(ctx, ref, client.ImageRemoveOptions{})
	return err
}
