package logs

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Writer is the end of the awslogs driver that CloudWatch Logs sees: it takes
// a container's lines and puts them into a stream, each once, whatever is
// restarted in between.
//
// How far it has come is stored in the same commit as the events, together
// with what is not an event yet. When a call fails, whether it was committed
// after all is looked up before the next.
type Writer struct {
	api  *API
	o    StreamOptions
	key  string // of the stream
	name string // of the group, by key

	mu      sync.Mutex
	at      cursor
	doubt   doubt
	settled bool // the Write that failed was kept: it is done when it is called again
	gone    bool // the stream was deleted, and that was told
	closed  bool
	timer   *time.Timer // until the event that is put together is written as it is
}

// cursor is how far the output of one container was taken.
type cursor struct {
	At    int64 // ns since 1970, of the last line; 0: none
	Batch int64 // counts commits
	Open  assembly
}

// doubt says which call failed last, if it may have been committed.
type doubt int

const (
	none doubt = iota
	aboutWrite
	aboutFlush
)

// writerTimeout bounds writes that nobody waits for.
const writerTimeout = 10 * time.Second

// Resume is the time of the last line that was taken; zero when there was
// none.
func (w *Writer) Resume() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.at.At == 0 {
		return time.Time{}
	}
	return time.Unix(0, w.at.At).UTC()
}

// Write takes all of the lines in one commit, or fails and has to be called
// again with the same ones. Lines for a stream that was deleted are dropped, as
// the driver does.
func (w *Writer) Write(ctx context.Context, lines []Line) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.settle(ctx); err != nil {
		return err
	}
	if w.settled {
		w.settled = false
		return nil
	}
	if len(lines) == 0 {
		return nil
	}
	next := w.at
	var done []line
	next.Open, done = w.at.Open.take(w.o.Multiline, lines)
	for _, l := range lines {
		next.At = max(next.At, l.At.UnixNano())
	}
	next.Batch++
	return w.commit(ctx, next, done, aboutWrite)
}

// Close writes what is left and forgets the cursor: there is nothing more to
// come. It may be called again when it failed.
func (w *Writer) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), writerTimeout)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	if err := w.settle(ctx); err != nil || w.at.Batch == 0 {
		return err
	}
	return w.commit(ctx, cursor{}, w.at.Open.rest(w.o.Multiline), aboutFlush)
}

// Flush writes what waits for lines to come, because none will for now. It may
// be called again when it failed.
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush(ctx, everything)
}

// flush writes of what waits as much as is said.
func (w *Writer) flush(ctx context.Context, what extent) error {
	if err := w.settle(ctx); err != nil {
		return err
	}
	next := w.at
	var done []line
	if next.Open, done = w.at.Open.give(w.o.Multiline, what); next.Open == w.at.Open {
		return nil
	}
	next.Batch++
	return w.commit(ctx, next, done, aboutFlush)
}

// settle finds out whether the call that failed last was committed.
func (w *Writer) settle(ctx context.Context) error {
	if w.doubt == none {
		return nil
	}
	var stored cursor
	err := w.api.store.View(ctx, func(tx *store.Tx) error {
		t, err := readTally(tx, w.key)
		stored = t.Cursors[w.o.Cursor]
		return err
	})
	if err != nil {
		return err
	}
	if stored.Batch > w.at.Batch {
		w.arm(w.at.Open.Event, stored.Open.Event)
		w.at, w.settled = stored, w.doubt == aboutWrite
	}
	w.doubt = none
	return nil
}

// commit stores events and the cursor behind them.
func (w *Writer) commit(ctx context.Context, next cursor, done []line, on doubt) error {
	gone := false
	err := w.api.store.Update(ctx, "awslogs", func(tx *store.Tx) error {
		_, err := getStream(tx, w.name, w.o.Stream)
		if gone = isNotFound(err); gone {
			return nil
		}
		if err != nil {
			return err
		}
		return w.keep(tx, next, done)
	})
	if err != nil {
		w.doubt = on
		return err
	}
	w.tell(gone)
	w.arm(w.at.Open.Event, next.Open.Event)
	w.at = next
	return nil
}

// keep writes events and the cursor in one transaction. The zero cursor ends
// it, once.
func (w *Writer) keep(tx *store.Tx, next cursor, done []line) error {
	t, err := readTally(tx, w.key)
	if err != nil {
		return err
	}
	_, there := t.Cursors[w.o.Cursor]
	switch {
	case next.Batch > 0 && t.Cursors == nil:
		t.Cursors = map[string]cursor{w.o.Cursor: next}
	case next.Batch > 0:
		t.Cursors[w.o.Cursor] = next
	case !there:
		return nil
	default:
		delete(t.Cursors, w.o.Cursor)
	}
	if err := t.ingest(tx, w.key, done); err != nil {
		return err
	}
	return writeTally(tx, w.key, t)
}

// tell logs that lines are dropped, once.
func (w *Writer) tell(gone bool) {
	if gone && !w.gone {
		w.api.log.Warn().Str("stream", w.key).Msg("log stream was deleted: lines are dropped")
	}
	w.gone = gone
}

// arm bounds how long an event is put together.
func (w *Writer) arm(before, after *piece) {
	switch {
	case w.closed, before != nil && after != nil && before.First == after.First:
		return
	case w.timer != nil:
		w.timer.Stop()
	}
	if after != nil {
		w.timer = time.AfterFunc(w.patience(), w.expire)
	}
}

// defaultFlush is the driver's.
const defaultFlush = 5 * time.Second

func (w *Writer) patience() time.Duration { return cmp.Or(w.o.Multiline.Flush, defaultFlush) }

// expire writes an event that has waited long enough, and tries again later
// when it cannot.
func (w *Writer) expire() {
	ctx, cancel := context.WithTimeout(context.Background(), writerTimeout)
	defer cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.at.Open.Event == nil {
		return
	}
	if err := w.flush(ctx, theEvent); err != nil && !errors.Is(err, store.ErrClosed) {
		w.api.log.Debug().Err(err).Str("stream", w.key).Msg("write log event")
		w.timer = time.AfterFunc(w.patience(), w.expire)
	}
}
