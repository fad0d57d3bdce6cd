package store

import (
	"context"
	"errors"
	"strconv"
	"sync"
)

const (
	metaFloor   = "floor"
	selectFloor = "SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'floor'"
	pruneBatch  = 500 // log rows per transaction, about a millisecond
)

// pruneSlack is how far the history may outgrow its bound before it is pruned,
// so that this happens now and then instead of at each commit.
func pruneSlack(history int64) int64 { return min(history/10+1, 2000) }

// keeper is the goroutine for what nobody should have to wait for: pruning the
// history, and building the indexes of tables that are only read.
type keeper struct {
	s      *Store
	wake   chan struct{}
	gone   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	stale map[string]*definition
}

func startKeeper(s *Store) *keeper {
	k := &keeper{s: s, wake: make(chan struct{}, 1), gone: make(chan struct{}), stale: map[string]*definition{}}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	go k.run()
	return k
}

func (k *keeper) run() {
	defer close(k.gone)
	for {
		select {
		case <-k.s.done:
			return
		case <-k.wake:
		}
		if err := errors.Join(k.buildAll(), k.pruneAll()); err != nil && !errors.Is(err, ErrClosed) && !errors.Is(err, context.Canceled) {
			k.s.log.Error().Err(err).Msg("housekeeping of the store")
		}
	}
}

// wait ends the goroutine; done is closed by now.
func (k *keeper) wait() {
	k.cancel()
	<-k.gone
}

func (k *keeper) prune() { poke(k.wake) }

// build asks for a table's indexes.
func (k *keeper) build(def *definition) {
	k.mu.Lock()
	k.stale[def.kind] = def
	k.mu.Unlock()
	poke(k.wake)
}

func (k *keeper) buildAll() error {
	k.mu.Lock()
	stale := k.stale
	k.stale = map[string]*definition{}
	k.mu.Unlock()
	var errs []error
	for _, def := range stale {
		errs = append(errs, k.s.Update(k.ctx, "store", func(tx *Tx) error {
			_, err := tx.state(def)
			return err
		}))
	}
	return errors.Join(errs...)
}

func (k *keeper) pruneAll() error {
	for {
		more := false
		err := k.s.Update(k.ctx, "store", func(tx *Tx) error {
			var err error
			more, err = tx.prune()
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// prune takes the next batch of changes out of the history and says whether
// there is another. Everything up to the floor is gone but the heads.
//
// A row is deleted when its successor leaves the history, not when it does so
// itself: the body that a kept change replaced is kept, and Change.Before never
// lies. So the sweep deletes what each row it passes had replaced, and the row
// itself when it is a deletion.
func (tx *Tx) prune() (more bool, err error) {
	from, err := tx.floor()
	if err != nil {
		return false, err
	}
	end := tx.base - tx.s.history
	to := min(end, from+pruneBatch)
	if to <= from {
		return false, nil
	}
	if err := tx.direct(); err != nil {
		return false, err
	}
	for _, sql := range []string{
		"DELETE FROM changes WHERE revision IN (SELECT previous FROM changes WHERE revision > ? AND revision <= ? AND previous > 0)",
		`DELETE FROM graves WHERE (kind, key, revision) IN
			(SELECT kind, key, revision FROM changes WHERE revision > ? AND revision <= ? AND body IS NULL)`,
		"DELETE FROM changes WHERE revision > ? AND revision <= ? AND body IS NULL",
	} {
		if err := tx.c.run(sql, from, to); err != nil {
			return false, tx.fail(err)
		}
	}
	err = tx.fail(tx.setMeta(metaFloor, strconv.FormatInt(to, 10)))
	tx.s.floor = to
	return to < end, err
}

func (tx *Tx) floor() (int64, error) { return tx.c.number(selectFloor) }
