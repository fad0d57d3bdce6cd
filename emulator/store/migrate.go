package store

import (
	"embed"
	"errors"
	"fmt"

	"github.com/mattn/go-sqlite3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations are the steps of the schema, in the order of their file names.
// PRAGMA user_version is how many of them a file has had.
func migrations() []string {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		panic(err) // embedded: cannot fail
	}
	var out []string
	for _, f := range files {
		b, err := migrationFiles.ReadFile("migrations/" + f.Name())
		if err != nil {
			panic(err)
		}
		out = append(out, string(b))
	}
	return out
}

// pageSize is for new files.
//
// Decision: 8 KiB, not SQLite's 4. A record of a task takes 2 KiB and more, of
// which a page of 4 has room for one: a store in memory needs 15 % less so, a
// file 20 %. Pages of 16 KiB save another 5 %, and make each commit that
// touches a page here and there write twice as much.
const pageSize = "PRAGMA page_size = 8192"

// migrate makes the schema in an empty file and brings an older one up to date,
// each step whole or not at all.
func migrate(c *conn, path string) error {
	version, err := schemaVersion(c, path)
	if err != nil {
		return err
	}
	if version == 0 {
		if err := c.script(pageSize); err != nil {
			return openError(path, err)
		}
	}
	steps := migrations()
	for i := version; i < int64(len(steps)); i++ {
		err := c.script(fmt.Sprintf("BEGIN IMMEDIATE;\n%s\nPRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", steps[i], applicationID, i+1))
		if err != nil {
			if !c.c.AutoCommit() {
				err = errors.Join(err, c.script("ROLLBACK"))
			}
			return fmt.Errorf("%s: schema %d: %w", path, i+1, err)
		}
	}
	if path == Memory {
		return nil
	}
	// Only now, so that a file always begins with its application id.
	mode, err := c.text("PRAGMA journal_mode = WAL")
	if err == nil && mode != "wal" {
		err = fmt.Errorf("SQLite keeps journal mode %q", mode)
	}
	if err != nil {
		return fmt.Errorf("%s: write-ahead log: %w", path, err)
	}
	return nil
}

// schemaVersion is 0 for an empty file.
func schemaVersion(c *conn, path string) (int64, error) {
	tables, err := c.number("SELECT count(*) FROM sqlite_master")
	if err != nil {
		return 0, openError(path, err)
	}
	if tables == 0 {
		return 0, nil
	}
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, openError(path, err)
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return 0, openError(path, err)
	}
	return version, checkVersion(path, id, version)
}

// openError tells damage from a file that cannot be opened.
func openError(path string, err error) error {
	var e sqlite3.Error
	if errors.As(err, &e) && (e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB) {
		return damaged(path, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}
