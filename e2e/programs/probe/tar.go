package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// tarProgram understands "cf - PATH" and "-xmf - [-C DIR]".
func tarProgram(args []string) error {
	switch {
	case len(args) == 3 && strings.TrimPrefix(args[0], "-") == "cf" && args[1] == "-":
		return pack(args[2])
	case len(args) >= 2 && strings.Contains(args[0], "x") && args[1] == "-":
		dir := "."
		if len(args) == 4 && args[2] == "-C" {
			dir = args[3]
		}
		return unpack(dir)
	default:
		return fmt.Errorf("cannot do %q", args)
	}
}

func pack(path string) error {
	w := tar.NewWriter(os.Stdout)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", path)
	}
	h := &tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(path, "/"), Mode: int64(info.Mode().Perm()), Size: info.Size(), ModTime: info.ModTime()}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return errors.Join(err, w.Close())
}

func unpack(dir string) error {
	for r := tar.NewReader(os.Stdin); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, h.Name), text, 0o644); err != nil {
			return err
		}
	}
}
