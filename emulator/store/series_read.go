package store

import (
	"database/sql/driver"
	"iter"
	"strings"
	"time"
)

// SeriesQuery chooses and orders rows. Their order is always (At, ID), or its
// reverse.
type SeriesQuery struct {
	From, To time.Time // half open: From ≤ At < To; zero: open
	AfterID  int64     // only rows with a greater ID, wherever they stand in time; 0: all
	BeforeID int64     // only rows with a smaller ID; 0: all
	After    Position  // only rows behind this one in the direction of reading: the last of the page before
	Limit    int       // at most so many; 0: all
	Reverse  bool      // newest first
}

// Position is the place of a row in the order (At, ID). The zero value is none.
type Position struct {
	At time.Time
	ID int64
}

// Position is the row's place, for the page behind it.
func (r Row[T]) Position() Position { return Position{r.At, r.ID} }

const seriesBatch = 256

// Read lists the rows of a key.
func (s *Series[T]) Read(tx *Tx, key string, q SeriesQuery) iter.Seq2[Row[T], error] {
	return s.ReadKeys(tx, []string{key}, q)
}

// ReadKeys lists the rows of several keys as one, in (At, ID) order.
func (s *Series[T]) ReadKeys(tx *Tx, keys []string, q SeriesQuery) iter.Seq2[Row[T], error] {
	merged := s.readSeries(tx, keys, q)
	return func(yield func(Row[T], error) bool) {
		for kr, err := range merged {
			if !yield(kr.Row, err) {
				return
			}
		}
	}
}

// KeyRow is a row with the key that it is of.
type KeyRow[T any] struct {
	Key string
	Row[T]
}

// ReadKeyRows is ReadKeys with the key of each row.
func (s *Series[T]) ReadKeyRows(tx *Tx, keys []string, q SeriesQuery) iter.Seq2[KeyRow[T], error] {
	return s.readSeries(tx, keys, q)
}

// ReadPrefix lists the rows of every key that begins so.
func (s *Series[T]) ReadPrefix(tx *Tx, prefix string, q SeriesQuery) iter.Seq2[KeyRow[T], error] {
	keys, err := tx.seriesKeys(s.kind, prefix)
	if err != nil {
		return func(yield func(KeyRow[T], error) bool) { yield(KeyRow[T]{}, err) }
	}
	return s.readSeries(tx, keys, q)
}

func (tx *Tx) seriesKeys(kind, prefix string) ([]string, error) {
	if tx.ended {
		return nil, errEnded
	}
	from, to := Range{Prefix: prefix}.bounds()
	var keys []string
	row := make([]driver.Value, 1)
	err := tx.c.each("SELECT key FROM series WHERE kind = ? AND key >= ? AND key < ? ORDER BY key", row, func() bool {
		keys = append(keys, row[0].(string))
		return true
	}, kind, from, to)
	return keys, err
}

// readSeries merges the keys' rows, a batch of each in memory at a time.
func (s *Series[T]) readSeries(tx *Tx, keys []string, q SeriesQuery) iter.Seq2[KeyRow[T], error] {
	return func(yield func(KeyRow[T], error) bool) {
		m := &merge{tx: tx, q: q}
		if err := m.start(s.kind, keys); err != nil {
			yield(KeyRow[T]{}, err)
			return
		}
		for n := 0; q.Limit <= 0 || n < q.Limit; n++ {
			key, row, err := m.next()
			if err == nil && row == nil {
				return
			}
			var out KeyRow[T]
			if err == nil {
				out.Key = key
				out.Row, err = decodeRow[T](row)
			}
			if err != nil {
				yield(KeyRow[T]{}, &recordError{s.kind, key, err})
				return
			}
			if !yield(out, nil) {
				return
			}
		}
	}
}

// cursor is one series' place in a merge.
type cursor struct {
	key   string
	id    int64
	rows  [][]driver.Value
	after Position
	byID  bool // there are few rows above AfterID: find them by id and sort
	end   bool // nothing behind rows
}

// merge reads several series in (At, ID) order.
type merge struct {
	tx      *Tx
	q       SeriesQuery
	cursors []*cursor // a heap by their first row; none is empty
	batch   int
}

func (m *merge) start(kind string, keys []string) error {
	m.batch = max(seriesBatch/max(len(keys), 1), 16)
	if m.q.Limit > 0 {
		m.batch = min(m.batch, m.q.Limit)
	}
	for _, key := range keys {
		id, err := m.tx.seriesID(seriesKey{kind, key}, false)
		if err != nil {
			return err
		}
		if id == 0 {
			continue
		}
		c := &cursor{key: key, id: id, after: m.q.After}
		if c.byID, err = m.few(id); err != nil {
			return err
		}
		if err := m.fill(c); err != nil {
			return err
		}
		if len(c.rows) > 0 {
			m.cursors = append(m.cursors, c)
		}
	}
	for i := len(m.cursors)/2 - 1; i >= 0; i-- {
		m.down(i)
	}
	return nil
}

// few says whether so little lies above AfterID that it is read at once. What a
// follower has yet to see is little, however long the series.
func (m *merge) few(id int64) (bool, error) {
	if m.q.AfterID <= 0 {
		return false, nil
	}
	n, err := m.tx.c.number("SELECT count(*) FROM (SELECT 1 FROM points INDEXED BY points_by_id WHERE series = ? AND id > ? LIMIT ?)",
		id, m.q.AfterID, int64(m.batch))
	return n < int64(m.batch), err
}

// next takes the next row of all; nil at the end.
func (m *merge) next() (string, []driver.Value, error) {
	if len(m.cursors) == 0 {
		return "", nil, nil
	}
	c := m.cursors[0]
	row := c.rows[0]
	c.rows = c.rows[1:]
	c.after = Position{time.UnixMilli(row[1].(int64)), row[0].(int64)}
	if len(c.rows) == 0 {
		if err := m.fill(c); err != nil {
			return c.key, nil, err
		}
		if len(c.rows) == 0 {
			last := len(m.cursors) - 1
			m.cursors[0] = m.cursors[last]
			m.cursors = m.cursors[:last]
		}
	}
	m.down(0)
	return c.key, row, nil
}

// fill reads a cursor's next batch.
func (m *merge) fill(c *cursor) error {
	if c.end {
		return nil
	}
	if m.tx.ended {
		return errEnded
	}
	sql, args := m.q.statement(c, m.batch)
	row := make([]driver.Value, 3)
	c.rows = c.rows[:0]
	err := m.tx.c.each(sql, row, func() bool {
		c.rows = append(c.rows, append([]driver.Value(nil), row...))
		return true
	}, args...)
	c.end = len(c.rows) < m.batch
	return err
}

// statement reads the next batch of one series.
func (q SeriesQuery) statement(c *cursor, limit int) (string, []driver.Value) {
	var b strings.Builder
	args := []driver.Value{c.id}
	b.WriteString("SELECT id, at, body FROM points INDEXED BY ")
	if c.byID {
		b.WriteString("points_by_id WHERE series = ?")
	} else {
		b.WriteString("points_by_time WHERE series = ?")
	}
	where := func(cond string, a ...driver.Value) { b.WriteString(" AND " + cond); args = append(args, a...) }
	if !q.From.IsZero() {
		where("at >= ?", ceilMilli(q.From))
	}
	if !q.To.IsZero() {
		where("at < ?", ceilMilli(q.To))
	}
	if q.AfterID > 0 {
		where("id > ?", q.AfterID)
	}
	if q.BeforeID > 0 {
		where("id < ?", q.BeforeID)
	}
	op, order := ">", " ORDER BY at, id LIMIT ?"
	if q.Reverse {
		op, order = "<", " ORDER BY at DESC, id DESC LIMIT ?"
	}
	if c.after != (Position{}) {
		where("(at, id) "+op+" (?, ?)", c.after.At.UnixMilli(), c.after.ID)
	}
	b.WriteString(order)
	return b.String(), append(args, int64(limit))
}

// ceilMilli is the first whole millisecond that is not before t.
func ceilMilli(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

// before says which of two cursors' first rows comes first.
func (m *merge) before(a, b *cursor) bool {
	x, y := a.rows[0], b.rows[0]
	less := x[1].(int64) < y[1].(int64) || x[1].(int64) == y[1].(int64) && x[0].(int64) < y[0].(int64)
	return less != m.q.Reverse
}

func (m *merge) down(i int) {
	for {
		first := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(m.cursors) && m.before(m.cursors[child], m.cursors[first]) {
				first = child
			}
		}
		if first == i {
			return
		}
		m.cursors[i], m.cursors[first] = m.cursors[first], m.cursors[i]
		i = first
	}
}
