package store_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/store"
)

func TestSecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a state?#%.db")
	first := open(t, path)
	_, err := store.Open(context.Background(), path, store.Options{})
	var locked *store.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || err.Error() != fmt.Sprintf("%s is in use by process %d", path, os.Getpid()) {
		t.Errorf("second Open: %v", err)
	}
	put(t, first, "rex", animal{})
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if got := keys(t, open(t, path), "", "", store.Range{}); len(got) != 1 {
		t.Errorf("after opening again: %v", got)
	}
}

func TestLockOfADeadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(path+".lock", []byte("1 2026-01-01T00:00:00Z\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, path), "rex", animal{})
}

// made returns the bytes of a state file.
func made(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.db")
	zoo(t, path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestUnusableFilesAreLeftAlone(t *testing.T) {
	const version, id = 60, 68 // offsets in SQLite's header
	patched := func(at int, v uint32) []byte {
		b := made(t)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	garbled := made(t)
	copy(garbled[100:], bytes.Repeat([]byte{0xa5}, 4000))
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"text":      {[]byte("not a database at all, but longer than the header of one" + strings.Repeat(".", 100)), "is not a Neargate state file"},
		"short":     {[]byte("SQLite format 3\x00"), "is not a Neargate state file"},
		"foreign":   {patched(id, 0), "is an SQLite file of another program"},
		"newer":     {patched(version, 99), "was written by a newer Neargate (schema 99, this one knows 2): use that one, or another file"},
		"truncated": {made(t)[:5000], "is damaged (restore a copy, or move it away to start afresh): database disk image is malformed"},
		"garbled":   {garbled, "is damaged (restore a copy, or move it away to start afresh): database disk image is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, c.content, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := store.Open(context.Background(), path, store.Options{})
			var bad *store.FileError
			if !errors.As(err, &bad) || err.Error() != path+" "+c.want {
				t.Errorf("Open: %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.content) {
				t.Errorf("the file was touched (%v)", err)
			}
			// The lock is free again.
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			put(t, open(t, path), "rex", animal{})
		})
	}
}

func TestMissingFolder(t *testing.T) {
	_, err := store.Open(context.Background(), filepath.Join(t.TempDir(), "none", "state.db"), store.Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open: %v", err)
	}
}

func TestMeta(t *testing.T) {
	stores(t, func(t *testing.T, st *store.Store) {
		ctx := context.Background()
		for _, want := range []string{"", "1", "2"} {
			if got, err := st.Meta(ctx, "floor"); err != nil || got != want {
				t.Errorf("Meta = %q, %v, want %q", got, err, want)
			}
			if err := st.SetMeta(ctx, "floor", fmt.Sprint(len(want)+1)); want == "" && err != nil {
				t.Fatal(err)
			}
		}
	})
}
