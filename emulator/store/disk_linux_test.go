package store_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

// A disk that is full, where one may be made.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("no disk to fill: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	st, err := store.Open(t.Context(), filepath.Join(dir, "state.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	put(t, st, "rex", animal{Name: "Rex"})
	ballast := filepath.Join(dir, "ballast")
	full(t, st, func(limited bool) {
		var err error
		if limited {
			err = os.WriteFile(ballast, make([]byte, 1<<20), 0o644)
		} else {
			err = os.Remove(ballast)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestUnwritableFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // whom modes do not stop
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_RDONLY, ""); err != nil {
			t.Skipf("no way to make a folder unwritable for root: %v", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(dir, 0); err != nil {
				t.Error(err)
			}
		})
	}
	path := filepath.Join(dir, "state.db")
	_, err := store.Open(context.Background(), path, store.Options{})
	if err == nil || !strings.Contains(err.Error(), path+".lock") {
		t.Errorf("Open: %v", err)
	}
}
