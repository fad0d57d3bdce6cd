package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// fileLock keeps other processes away. It is the kernel's lock on an open file,
// so it ends with the process however that ends; what the file says is only for
// the error message of the next one. The file stays: removing it would race
// with whoever is about to lock it.
type fileLock struct{ f *os.File }

// lockFile locks the file at path, which it makes. A nil *fileLock may be
// released.
func lockFile(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	busy, err := tryLock(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	if busy {
		return nil, errors.Join(&LockedError{Path: strings.TrimSuffix(path, ".lock"), PID: holder(f)}, f.Close())
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return &fileLock{f}, nil
}

// sign writes who has the lock and since when.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%d %s\n", os.Getpid(), time.Now().UTC().Format(time.RFC3339)), 0)
	return err
}

// holder reads what sign wrote; 0 when it is not there (yet).
func holder(f *os.File) int {
	b, err := io.ReadAll(io.LimitReader(f, 64))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return pid
}

func (l *fileLock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.f.Truncate(0), l.f.Close())
}
