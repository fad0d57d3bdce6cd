package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// applicationID marks Neargate's files in the field that SQLite has for it:
// "NGAT".
const applicationID = 0x4e474154

// Page caches in KiB. They are ceilings: an idle server holds far less.
const (
	writerCache = 4096
	readerCache = 512
)

// settings of a connection that are not kept in the file. The log file is cut
// down to 16 MiB after a burst.
const settings = `PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;
	PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -%d`

const memorySource = "file::memory:?_mutex=no"

func fileSource(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?_mutex=no&_busy_timeout=5000"
}

// connect opens a connection with a page cache of so many KiB.
func connect(source string, cache int) (*conn, error) {
	d, err := (&sqlite3.SQLiteDriver{}).Open(source)
	if err != nil {
		return nil, translate(err)
	}
	c := &conn{c: d.(*sqlite3.SQLiteConn), statements: map[string]*statement{}}
	err = c.script(fmt.Sprintf(settings, cache))
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// The header of an SQLite file: https://www.sqlite.org/fileformat2.html#the_database_header
const (
	headerMagic   = "SQLite format 3\x00"
	headerSize    = 100
	headerVersion = 60 // user_version
	headerID      = 68 // application_id
)

// checkHeader looks at a file without SQLite, which would write to it.
func checkHeader(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := os.Stat(path + "-journal"); err == nil {
		return nil // killed while it was made; SQLite brings it in order
	}
	header := make([]byte, headerSize)
	n, err := io.ReadFull(f, header)
	switch {
	case n == 0 && errors.Is(err, io.EOF):
		return nil // empty: to be made
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return &FileError{Path: path, Reason: "cannot be read", Err: err}
	case n < headerSize || string(header[:len(headerMagic)]) != headerMagic:
		return &FileError{Path: path, Reason: "is not a Neargate state file"}
	}
	id := binary.BigEndian.Uint32(header[headerID:])
	return checkVersion(path, int64(id), int64(binary.BigEndian.Uint32(header[headerVersion:])))
}

// checkVersion judges a file that is there.
func checkVersion(path string, id, version int64) error {
	if id != applicationID {
		return &FileError{Path: path, Reason: "is an SQLite file of another program"}
	}
	if known := int64(len(migrations())); version > known {
		return &FileError{Path: path, Reason: fmt.Sprintf("was written by a newer Neargate (schema %d, this one knows %d): use that one, or another file", version, known)}
	}
	return nil
}

func damaged(path string, err error) error {
	return &FileError{Path: path, Reason: "is damaged (restore a copy, or move it away to start afresh)", Err: err}
}
