package store

import (
	"context"
	"iter"
	"maps"
	"slices"
)

// Now as the start of a Watch means from here on.
const Now = int64(-1)

// How much a reader of the feed takes at once.
const (
	watchCommits = 64  // from memory
	watchChanges = 256 // from the file
)

// Watch follows the changes of the kinds (none given: all) after revision since:
// the last one seen, Tx.Revision of the snapshot that was listed, or Now. Each
// step is one commit's changes, in order and without a gap; it blocks until
// there are some. It ends with an error: ctx's, ErrClosed, or ErrCompacted when
// the history no longer reaches back. The loop's body may use the store.
//
// The place of Now is taken at the call, not at the first step.
func (s *Store) Watch(ctx context.Context, since int64, kinds ...string) iter.Seq2[[]Change, error] {
	if since == Now {
		since = s.hub.position()
	}
	foreign := since < 0 || since > s.ahead.Load()
	return func(yield func([]Change, error) bool) {
		if foreign {
			yield(nil, ErrCompacted)
			return
		}
		w := &watcher{kinds: map[string]bool{}, pos: since, wake: make(chan struct{}, 1)}
		for _, k := range kinds {
			w.kinds[k] = true
		}
		s.hub.enter(w)
		defer s.hub.leave(w)
		if err := s.follow(ctx, w, yield); err != nil {
			yield(nil, err)
		}
	}
}

// follow yields commits until the consumer has enough (nil) or something ends.
func (s *Store) follow(ctx context.Context, w *watcher, yield func([]Change, error) bool) error {
	kinds := slices.Sorted(maps.Keys(w.kinds))
	for {
		commits, behind, pos := s.hub.next(w, watchCommits)
		if behind {
			var err error
			if commits, pos, err = s.read(ctx, pos, kinds, watchChanges); err != nil {
				return err
			}
			s.hub.advance(w, pos)
		}
		for _, c := range commits {
			if err := s.over(ctx); err != nil {
				return err
			}
			if !yield(c, nil) {
				return nil
			}
		}
		if len(commits) > 0 || behind {
			continue
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.done:
			return ErrClosed
		}
	}
}

// over says why a reader should stop.
func (s *Store) over(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.done:
		return ErrClosed
	default:
		return nil
	}
}
