package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/mattn/go-sqlite3"
)

// conn is one SQLite connection with its prepared statements. One goroutine at
// a time runs a statement.
//
// Decision: the driver's connections directly instead of database/sql. A Get
// through database/sql costs three allocations and two mutexes per statement
// and needs a goroutine per pool; the store has one writer and a handful of
// readers, which a stack and a semaphore serve. A second database engine would
// change our mind.
type conn struct {
	c     *sqlite3.SQLiteConn
	alone bool // the only one there is: readers need no transactions

	mu         sync.Mutex
	statements map[string]*statement
}

type statement struct {
	s    *sqlite3.SQLiteStmt
	args []driver.NamedValue
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.statements {
		errs = append(errs, st.s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}

// script runs statements that need no preparing twice.
func (c *conn) script(sql string) error {
	_, err := c.c.Exec(sql, nil)
	return translate(err)
}

// rows runs a statement up to its first row. The caller must close them before
// it runs the same text again.
func (c *conn) rows(sql string, args []driver.Value) (driver.Rows, error) {
	st, err := c.prepare(sql)
	if err != nil {
		return nil, err
	}
	st.args = st.args[:0]
	for i, a := range args {
		st.args = append(st.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	// Query, for writes too: the driver binds and steps in one crossing into C.
	rows, err := st.s.QueryContext(context.Background(), st.args)
	return rows, translate(err)
}

func (c *conn) prepare(sql string) (*statement, error) {
	if st := c.statements[sql]; st != nil {
		return st, nil
	}
	s, err := c.c.Prepare(sql)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, translate(err))
	}
	st := &statement{s: s.(*sqlite3.SQLiteStmt)}
	c.statements[sql] = st
	return st, nil
}

// run executes a statement that returns no rows.
func (c *conn) run(sql string, args ...driver.Value) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, err := c.rows(sql, args)
	if err != nil {
		return err
	}
	return translate(rows.Close())
}

// affect executes a statement and counts the rows it touched.
func (c *conn) affect(sql string, args ...driver.Value) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	st, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	res, err := st.s.Exec(args)
	if err != nil {
		return 0, translate(err)
	}
	return res.RowsAffected()
}

// one reads the first row into dest and says whether there was one.
func (c *conn) one(sql string, dest []driver.Value, args ...driver.Value) (bool, error) {
	found := false
	err := c.each(sql, dest, func() bool { found = true; return false }, args...)
	return found, err
}

// each reads every row into dest and calls visit, until that says false. visit
// runs no statements.
func (c *conn) each(sql string, dest []driver.Value, visit func() bool, args ...driver.Value) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, err := c.rows(sql, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, translate(rows.Close())) }()
	for {
		switch err := rows.Next(dest); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return translate(err)
		case !visit():
			return nil
		}
	}
}

// number reads one integer, 0 when there is none.
func (c *conn) number(sql string, args ...driver.Value) (int64, error) {
	dest := make([]driver.Value, 1)
	if _, err := c.one(sql, dest, args...); err != nil {
		return 0, err
	}
	n, _ := dest[0].(int64)
	return n, nil
}

// text reads one string, "" when there is none.
func (c *conn) text(sql string, args ...driver.Value) (string, error) {
	dest := make([]driver.Value, 1)
	if _, err := c.one(sql, dest, args...); err != nil {
		return "", err
	}
	s, _ := dest[0].(string)
	return s, nil
}
