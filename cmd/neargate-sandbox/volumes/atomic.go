//go:build linux

package volumes

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The layout of a volume whose content changes at once, which is a kubelet's:
// ..data leads to the folder with the content, and each name into ..data.
const (
	currentLink = "..data"
	nextLink    = "..data_tmp"
)

// isGeneration tells names that a content's folder may have.
func isGeneration(name string) bool {
	return len(name) > 2 && strings.HasPrefix(name, "..") && !strings.Contains(name, "/") && name != currentLink && name != nextLink
}

// publish makes a folder in a volume its content: by one rename, so that at no
// moment anybody sees nothing, or two contents mixed. What belonged to the
// content before goes.
func publish(root *os.Root, folder string) error {
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
