package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/rs/zerolog"
)

// Memory as a path makes a store that leaves nothing on disk. Its readers wait
// for the writer, and the writer for them.
const Memory = "memory"

// Options of a Store. The zero value is good.
type Options struct {
	// History is how many changes are kept beside those that the records
	// themselves are made of; 0: 200000.
	History int
	// Audit tells, by a panic, when somebody has written into a value that was
	// got from Peek. It costs an encoding per Peek. Builds with -race always
	// do it.
	Audit bool
	Log   zerolog.Logger
}

const defaultHistory = 200_000

// Store is one open file. Its methods may be called from any goroutine.
type Store struct {
	log     zerolog.Logger
	history int64
	lock    *fileLock
	conns   lender
	cache   *cache
	hub     *hub
	keeper  *keeper
	done    chan struct{} // closed by Close

	// ahead is at least the newest revision that a snapshot can show; the hub
	// hears of a commit only a moment after that.
	ahead atomic.Int64

	readyMu sync.Mutex
	ready   atomic.Pointer[map[string]*tableState]

	// What follows belongs to whoever has the turn.
	turns     turns
	group     *group
	last      int64                // revision, with the open group's
	lastPoint int64                // id of a series row, with the open group's
	points    int64                // the same without the open group's
	floor     int64                // revisions up to here are pruned
	terms     map[indexValue]int64 // numbers of some terms
	unswept   int                  // commits since the unused ones were deleted
}

// Open opens the file at path, or makes it. It fails with *LockedError when
// another process has it and with *FileError when it is not Neargate's, damaged,
// or of a newer version; such a file is left as it is. A process that was killed
// leaves nothing that would have to be cleaned up.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	if o.History <= 0 {
		o.History = defaultHistory
	}
	s := &Store{log: o.Log, history: int64(o.History), cache: newCache(o.Audit || raceDetector), terms: map[indexValue]int64{}, done: make(chan struct{})}
	s.ready.Store(&map[string]*tableState{})
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(err, s.lock.release())
	}
	s.keeper = startKeeper(s)
	return s, nil
}

func (s *Store) open(ctx context.Context, path string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	source := memorySource
	if path != Memory {
		var err error
		if s.lock, err = lockFile(path + ".lock"); err != nil {
			return err
		}
		if err := checkHeader(path); err != nil {
			return err
		}
		source = fileSource(path)
	}
	c, err := connect(source, writerCache)
	if err != nil {
		return openError(path, err)
	}
	if err := s.load(c, path); err != nil {
		return errors.Join(err, c.close())
	}
	if path == Memory {
		s.conns = newInMemory(c, s.done)
		return nil
	}
	s.conns = &onDisk{newReaders(readerCount(), s.done, func() (*conn, error) { return connect(source, readerCache) }), c}
	return nil
}

// load brings the schema up to date and reads where the log stands.
func (s *Store) load(c *conn, path string) error {
	if err := migrate(c, path); err != nil {
		return err
	}
	var errs [4]error
	s.last, errs[0] = c.number("SELECT max(revision) FROM changes")
	s.floor, errs[1] = c.number(selectFloor)
	rows, err := c.number("SELECT max(id) FROM points")
	dropped, err2 := c.number("SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?", metaPoint)
	s.lastPoint = max(rows, dropped)
	s.points = s.lastPoint
	errs[2], errs[3] = err, err2
	if err := errors.Join(errs[:]...); err != nil {
		return damaged(path, err)
	}
	s.hub = newHub(s.last)
	s.ahead.Store(s.last)
	return nil
}

// Close waits for the transactions that run or queue, ends every Watch and
// WaitSeries, and closes the file. A second call does nothing.
func (s *Store) Close() error {
	if !s.turns.close() {
		return nil
	}
	s.turns.shut()
	if s.group != nil { // passed on to us as to the next writer
		s.commit(s.group)
	}
	close(s.done)
	s.keeper.wait()
	var errs []error
	for _, c := range s.conns.drain() {
		errs = append(errs, c.close())
	}
	return errors.Join(append(errs, s.lock.release())...)
}

// committed tells the readers what a group has written.
func (s *Store) committed(members []*Tx) {
	for _, tx := range members {
		s.trust(tx.built)
		if len(tx.changes) > 0 {
			s.hub.publish(tx.changes)
		}
		s.hub.appended(tx.appended)
	}
	if len(members) > 0 && s.last-s.floor > s.history+pruneSlack(s.history) {
		s.keeper.prune()
	}
}
