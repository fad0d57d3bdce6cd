package reconcile

import (
	"context"
	"errors"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// feed lists every key, then follows the changes from the listing's snapshot
// on. It returns an error when the store is gone, and nil at the end of ctx.
func (l *Loop) feed(ctx context.Context) error {
	for tries := 0; ; {
		since, keys, err := l.list(ctx)
		if err == nil {
			l.add(visitNow(keys, l.now()))
			tries, err = 0, l.follow(ctx, since)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrClosed):
			return err
		case errors.Is(err, store.ErrCompacted): // too far behind: list afresh
			continue
		}
		tries++
		l.trouble(err, "follow the changes")
		if !sleep(ctx, l.o.Backoff(tries)) {
			return nil
		}
	}
}

// list reads every key and the revision that they are of.
func (l *Loop) list(ctx context.Context) (since int64, keys []string, err error) {
	err = l.st.View(ctx, func(tx *store.Tx) error {
		since = tx.Revision()
		if l.o.List == nil {
			return nil
		}
		for key, err := range l.o.List(tx) {
			if err != nil {
				return err
			}
			keys = append(keys, key)
		}
		return nil
	})
	return since, keys, err
}

func (l *Loop) follow(ctx context.Context, since int64) error {
	for changes, err := range l.st.Watch(ctx, since, l.o.Kinds...) {
		if err != nil {
			return err
		}
		l.mark(changes)
	}
	return ctx.Err()
}

// mark queues the keys of one commit's changes.
func (l *Loop) mark(changes []store.Change) {
	for _, c := range changes {
		keys := l.o.Keys(c)
		origin, _ := c.Origin.(*call)
		l.mu.Lock()
		for _, key := range keys {
			if origin != nil && origin.loop == l && origin.key == key {
				l.q.changedItself(key)
			} else {
				l.q.changed(key)
			}
		}
		l.mu.Unlock()
	}
	l.poke()
}

func (l *Loop) add(s *sweep) {
	l.mu.Lock()
	l.sweeps = append(l.sweeps, s)
	l.mu.Unlock()
	l.poke()
}

// resync visits every key within each period, evenly spread over it.
func (l *Loop) resync(ctx context.Context) {
	for {
		_, keys, err := l.list(ctx)
		if err != nil {
			l.trouble(err, "list for the resync")
		}
		l.add(visitOver(keys, l.now(), l.o.Resync))
		if !sleep(ctx, l.o.Resync) {
			return
		}
	}
}

// hints queues what the world outside has to say.
func (l *Loop) hints(ctx context.Context) {
	for {
		for key := range l.o.Hints(ctx) {
			if key != "" {
				l.Touch(key)
				continue
			}
			_, keys, err := l.list(ctx)
			if err != nil {
				l.trouble(err, "list for a hint")
			}
			l.add(visitNow(keys, l.now()))
		}
		if !sleep(ctx, l.o.Backoff(1)) {
			return
		}
	}
}

// trouble logs an error of a source, which then tries again.
func (l *Loop) trouble(err error, doing string) {
	if errors.Is(err, context.Canceled) || errors.Is(err, store.ErrClosed) {
		return
	}
	l.o.Log.Warn().Err(err).Str("controller", l.o.Name).Msg(doing)
}

// sleep waits and says whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
