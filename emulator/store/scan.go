package store

import (
	"database/sql/driver"
	"iter"
)

// Range narrows and orders a listing by key.
type Range struct {
	Prefix  string // only keys that begin so
	After   string // only keys behind this one, in the direction of the listing: the last key of the page before
	Limit   int    // at most so many; 0: all
	Reverse bool   // from the last key to the first
}

// found is one row of a listing.
type found struct {
	key      string
	revision int64
	body     []byte
}

// beyond sorts after every text, since SQLite puts blobs behind texts.
var beyond driver.Value = []byte{0xff}

// bounds are the first key of the range and the first one behind it.
func (r Range) bounds() (from string, to driver.Value) {
	from, to = r.Prefix, beyond
	if end := prefixEnd(r.Prefix); end != "" {
		to = end
	}
	if r.After == "" {
		return from, to
	}
	if r.Reverse {
		if end, ok := to.(string); !ok || r.After < end {
			to = r.After
		}
		return from, to
	}
	// The smallest key behind After is After and a zero byte.
	return max(from, r.After+"\x00"), to
}

// prefixEnd is the smallest string behind all that begin with p; "" when there
// is none.
func prefixEnd(p string) string {
	b := []byte(p)
	for len(b) > 0 && b[len(b)-1] == 0xff {
		b = b[:len(b)-1]
	}
	if len(b) == 0 {
		return ""
	}
	b[len(b)-1]++
	return string(b)
}

// fetch reads at most limit rows of a range.
type fetch func(tx *Tx, from string, to driver.Value, reverse bool, limit int) ([]found, error)

// allPages lists a kind by key.
func allPages(kind string, bodies bool) fetch {
	return func(tx *Tx, from string, to driver.Value, reverse bool, limit int) ([]found, error) {
		return tx.list(allSQL[bodies][reverse], bodies, kind, from, to, int64(limit))
	}
}

// indexPages lists one value of an index by key.
func indexPages(kind string, index int64, value string, bodies bool) fetch {
	return func(tx *Tx, from string, to driver.Value, reverse bool, limit int) ([]found, error) {
		if !bodies {
			return tx.list(indexSQL[bodies][reverse], bodies, index, value, from, to, int64(limit))
		}
		return tx.list(indexSQL[bodies][reverse], bodies, kind, index, value, from, to, int64(limit))
	}
}

const (
	allKeys   = "SELECT h.key FROM heads h WHERE h.kind = ? AND h.key >= ? AND h.key < ? ORDER BY h.key"
	allBodies = "SELECT h.key, h.revision, c.body FROM heads h CROSS JOIN changes c ON c.revision = h.revision" +
		" WHERE h.kind = ? AND h.key >= ? AND h.key < ? ORDER BY h.key"
	indexKeys = "SELECT e.key FROM terms t CROSS JOIN entries e ON e.term = t.id" +
		" WHERE t.idx = ? AND t.value = ? AND e.key >= ? AND e.key < ? ORDER BY e.key"
	indexBodies = "SELECT e.key, h.revision, c.body FROM terms t CROSS JOIN entries e ON e.term = t.id" +
		" CROSS JOIN heads h ON h.kind = ? AND h.key = e.key CROSS JOIN changes c ON c.revision = h.revision" +
		" WHERE t.idx = ? AND t.value = ? AND e.key >= ? AND e.key < ? ORDER BY e.key"
)

// The statements by whether they read bodies and whether they run backwards.
var (
	allSQL   = map[bool]map[bool]string{false: directions(allKeys), true: directions(allBodies)}
	indexSQL = map[bool]map[bool]string{false: directions(indexKeys), true: directions(indexBodies)}
)

func directions(sql string) map[bool]string {
	return map[bool]string{false: sql + " LIMIT ?", true: sql + " DESC LIMIT ?"}
}

func (tx *Tx) list(sql string, bodies bool, args ...driver.Value) ([]found, error) {
	if err := tx.settled(); err != nil {
		return nil, err
	}
	row := make([]driver.Value, 1, 3)
	if bodies {
		row = row[:3]
	}
	var out []found
	err := tx.c.each(sql, row, func() bool {
		f := found{key: row[0].(string)}
		if bodies {
			f.revision, f.body = row[1].(int64), row[2].([]byte)
		}
		out = append(out, f)
		return true
	}, args...)
	return out, err
}

// The sizes of the batches a listing is read in.
const (
	firstBatch = 16
	lastBatch  = 128
)

// scan lists a range in batches, so that a listing of any length needs little
// memory. The loop's body may write: what the listing has yet to reach is then
// read again, so it shows each key at most once and as it is when its turn
// comes.
func (tx *Tx) scan(f fetch, r Range) iter.Seq2[found, error] {
	return func(yield func(found, error) bool) {
		left, size := r.Limit, firstBatch
		for {
			ask := size
			if r.Limit > 0 {
				ask = min(ask, left)
			}
			from, to := r.bounds()
			rows, err := f(tx, from, to, r.Reverse, ask)
			if err != nil {
				yield(found{}, err)
				return
			}
			writes, used := tx.writes, 0
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
				used++
				r.After = row.key
				if tx.writes != writes {
					break
				}
			}
			left -= used
			if used == len(rows) && used < ask || r.Limit > 0 && left <= 0 {
				return
			}
			size = nextBatch(size, used == len(rows))
		}
	}
}

// nextBatch grows while batches are used up and starts small where they are
// thrown away.
func nextBatch(size int, usedUp bool) int {
	if usedUp {
		return min(size*2, lastBatch)
	}
	return 1
}
