package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
)

// LogRows counts the rows of the log.
func LogRows(t testing.TB, s *Store) int64 {
	t.Helper()
	var n int64
	err := s.View(context.Background(), func(tx *Tx) error {
		var err error
		n, err = tx.c.number("SELECT count(*) FROM changes")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// IndexNames lists the indexes that the file has for a kind.
func IndexNames(t testing.TB, s *Store, kind string) (names []string) {
	t.Helper()
	err := s.View(context.Background(), func(tx *Tx) error {
		row := make([]driver.Value, 1)
		return tx.c.each("SELECT name FROM indexes WHERE kind = ? ORDER BY name", row, func() bool {
			names = append(names, row[0].(string))
			return true
		}, kind)
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// LimitPages makes the file full beyond so many pages more than it has; 0 takes
// the limit away.
func LimitPages(t testing.TB, s *Store, more int64) {
	t.Helper()
	err := s.Update(context.Background(), "test", func(tx *Tx) error {
		n, err := tx.c.number("PRAGMA page_count")
		if err != nil {
			return err
		}
		limit := n + more
		if more == 0 {
			limit = 1 << 30
		}
		_, err = tx.c.number(fmt.Sprintf("PRAGMA max_page_count = %d", limit))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Check has SQLite look for damage, and looks itself whether the tables agree
// with each other.
func Check(t testing.TB, s *Store) {
	t.Helper()
	err := s.View(context.Background(), func(tx *Tx) error {
		if text, err := tx.c.text("PRAGMA integrity_check"); err != nil || text != "ok" {
			return fmt.Errorf("integrity: %s, %w", text, err)
		}
		for what, sql := range map[string]string{
			"heads without a body":    "SELECT count(*) FROM heads h LEFT JOIN changes c USING (revision) WHERE c.body IS NULL",
			"graves with a body":      "SELECT count(*) FROM graves h LEFT JOIN changes c USING (revision) WHERE c.revision IS NULL OR c.body IS NOT NULL",
			"heads that are not last": "SELECT count(*) FROM heads h JOIN changes c USING (kind, key) WHERE c.revision > h.revision",
			"entries without a record": `SELECT count(*) FROM entries e LEFT JOIN terms t ON t.id = e.term LEFT JOIN indexes i ON i.id = t.idx
				LEFT JOIN heads h ON h.kind = i.kind AND h.key = e.key WHERE h.key IS NULL`,
			"wrong counts": `SELECT count(*) FROM (SELECT t.idx, t.value, count(*) n FROM entries e JOIN terms t ON t.id = e.term GROUP BY 1, 2 UNION ALL
				SELECT i.id, '', count(*) FROM heads h JOIN indexes i ON i.kind = h.kind AND i.name = '' GROUP BY 1) a
				FULL JOIN (SELECT idx, value, n FROM terms WHERE n <> 0) c USING (idx, value) WHERE a.n IS NOT c.n`,
		} {
			n, err := tx.c.number(sql)
			if err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			if n > 0 {
				t.Errorf("%d %s", n, what)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// CacheBytes is what the cache takes its size for.
func CacheBytes(s *Store) (n int) {
	for i := range s.cache.shards {
		n += s.cache.shards[i].bytes
	}
	return n
}

// MakeSchema1 makes a file as the first schema had it: n animals at home, a
// deletion, and indexes.
func MakeSchema1(t testing.TB, path string, n int) {
	t.Helper()
	c, err := connect(fileSource(path), writerCache)
	if err != nil {
		t.Fatal(err)
	}
	sql := fmt.Sprintf("%s; PRAGMA application_id = %d; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;\n", migrations()[0], applicationID) +
		"INSERT INTO indexes VALUES (1, 'zoo/animal', ''), (2, 'zoo/animal', 'home'), (3, 'zoo/animal', 'likes');\n"
	for i := 1; i <= n; i++ {
		sql += fmt.Sprintf(`INSERT INTO changes VALUES (%[1]d, %[1]d, 'zoo/animal', 'k%03[1]d', 0, CAST('{"Name":"n%[1]d","Home":"home"}' AS BLOB), 0, 'old');
			INSERT INTO heads VALUES ('zoo/animal', 'k%03[1]d', %[1]d, x'0204686f6d65'); INSERT INTO entries VALUES (2, 'home', 'k%03[1]d');`, i)
	}
	sql += fmt.Sprintf("INSERT INTO counts VALUES (1, '', %[1]d), (2, 'home', %[1]d)", n)
	if err := errors.Join(c.script(sql), c.close()); err != nil {
		t.Fatal(err)
	}
}

// Terms counts the terms of all indexes.
func Terms(t testing.TB, s *Store) (n int64) {
	t.Helper()
	err := s.View(context.Background(), func(tx *Tx) (err error) {
		n, err = tx.c.number("SELECT count(*) FROM terms")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
