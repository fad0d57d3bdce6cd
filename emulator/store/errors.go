package store

import (
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

// What callers tell apart, with errors.Is.
var (
	// ErrNotFound: there is no record of this key.
	ErrNotFound = errors.New("not found")
	// ErrExists: Insert met a record of this key.
	ErrExists = errors.New("already exists")
	// ErrStale: the record changed since it was read. Read again and decide
	// again.
	ErrStale = errors.New("stale revision")
	// ErrCompacted: the history does not reach back to the revision asked for,
	// or the revision is of another file. List, and watch from there.
	ErrCompacted = errors.New("revision is no longer in the history")
	// ErrReadOnly: a write within View.
	ErrReadOnly = errors.New("write in a read transaction")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("store is closed")
	// ErrFull: there is no room for the write. Nothing of it was kept; reads
	// go on, and writes as soon as there is room.
	ErrFull = errors.New("database or disk is full")
	// errEnded: a Tx outlived its function.
	errEnded = errors.New("transaction has ended")
)

// recordError names the record an error is about.
type recordError struct {
	kind, key string
	err       error
}

func (e *recordError) Error() string { return e.kind + " " + e.key + ": " + e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// LockedError says that another process (or another Store of this one) has the
// file.
type LockedError struct {
	Path string
	PID  int // 0: unknown
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s is in use by another process", e.Path)
	}
	return fmt.Sprintf("%s is in use by process %d", e.Path, e.PID)
}

// FileError says that a file cannot be used as it is. The file was not touched.
type FileError struct {
	Path   string
	Reason string
	Err    error // of SQLite, when it had a say
}

func (e *FileError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("%s %s", e.Path, e.Reason)
	}
	return fmt.Sprintf("%s %s: %v", e.Path, e.Reason, e.Err)
}

func (e *FileError) Unwrap() error { return e.Err }

// translate gives SQLite's errors the names of this package.
func translate(err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && e.Code == sqlite3.ErrFull {
		return ErrFull
	}
	return err
}
