//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// errand.go is what the binary does in containers that live for one moment,
// because the Engine cannot do it: a rename within a volume, and the end of a
// process that it has executed.

// errand does what the arguments ask for; done is false when they are none.
func errand(args []string) (done bool, err error) {
	switch {
	case len(args) == 3 && args[0] == "publish":
		return true, publish(args[1], args[2])
	case len(args) == 2 && args[0] == "kill":
		return true, kill(args[1])
	}
	return false, nil
}

// kill ends a process; one that has ended is no error.
func kill(pid string) error {
	n, err := strconv.Atoi(pid)
	if err != nil || n <= 1 {
		return fmt.Errorf("%q is no process that may be killed", pid)
	}
	if err := unix.Kill(n, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill %d: %w", n, err)
	}
	return nil
}

// The layout of a volume whose content changes at once, which is a kubelet's:
// ..data leads to the folder with the content, and each name into ..data.
const (
	currentLink = "..data"
	nextLink    = "..data_tmp"
)

// publish makes a folder in a volume its content: by one rename, so that at no
// moment anybody sees nothing, or two contents mixed. What belonged to the
// content before goes.
func publish(volume, folder string) error {
	root, err := os.OpenRoot(volume)
	if err != nil {
		return err
	}
	defer root.Close()
	content, err := fs.ReadDir(root.FS(), folder)
	if err != nil {
		return err
	}
	if err := root.Remove(nextLink); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.Symlink(folder, nextLink); err != nil {
		return err
	}
	if err := root.Rename(nextLink, currentLink); err != nil {
		return err
	}
	there := map[string]bool{}
	for _, f := range content {
		there[f.Name()] = true
		err := root.Symlink(filepath.Join(currentLink, f.Name()), f.Name())
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return tidy(root, folder, there)
}

// tidy removes links to what is not there any more, and earlier contents.
func tidy(root *os.Root, folder string, there map[string]bool) error {
	all, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	var failed []error
	for _, f := range all {
		name := f.Name()
		switch {
		case strings.HasPrefix(name, "..") && f.IsDir() && name != folder:
			failed = append(failed, root.RemoveAll(name))
		case strings.HasPrefix(name, "..") || f.Type()&fs.ModeSymlink == 0 || there[name]:
		default:
			to, err := root.Readlink(name)
			if err == nil && strings.HasPrefix(to, currentLink+"/") {
				err = root.Remove(name)
			}
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}
