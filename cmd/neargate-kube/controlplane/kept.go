package controlplane

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/k3s-io/kine/pkg/logstructured"
	"github.com/k3s-io/kine/pkg/server"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// kept.go has the database say of a write that failed that it failed. Kine asks
// after an error whether the object is there after all, and forgets the error
// over that: an object that could not be made, because the disk is full, say, is
// answered as made, and a change as one that came too late, which the API server
// then tries for half a minute.

// write is one that is under way.
type write struct {
	failed error
	kept   bool
}

type underWay struct{}

// ledger is where kine appends what it writes. It notes in the context how the
// last attempt ended.
type ledger struct{ logstructured.Log }

// Append implements logstructured.Log.
func (l ledger) Append(ctx context.Context, e *server.Event) (int64, error) {
	revision, err := l.Log.Append(ctx, e)
	if w, ok := ctx.Value(underWay{}).(*write); ok {
		w.failed, w.kept = err, err == nil
		if errors.Is(err, server.ErrKeyExists) { // an answer, no failure
			w.failed = nil
		}
	}
	return revision, err
}

// keeper is kine, with the failures of its ledger told.
type keeper struct {
	server.Backend
	dir  string
	told func(why string)

	mu   sync.Mutex
	fate string      // as told last
	fine atomic.Bool // it is ""
}

// newKeeper has told called whenever writing begins to fail, with a sentence
// that reaches users, fails otherwise, and, with "", when it works again. It
// must not block.
func newKeeper(log logstructured.Log, dir string, told func(why string)) *keeper {
	k := &keeper{Backend: logstructured.New(ledger{log}), dir: dir, told: told}
	k.fine.Store(true)
	return k
}

// tell tells what became of a write, when that is new.
func (k *keeper) tell(why string) {
	if why == "" && k.fine.Load() {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fate == why {
		return
	}
	k.fate = why
	k.fine.Store(why == "")
	k.told(why)
}

// Create implements server.Backend.
func (k *keeper) Create(ctx context.Context, key string, value []byte, lease int64) (revision int64, err error) {
	failed := k.try(ctx, func(ctx context.Context) { revision, err = k.Backend.Create(ctx, key, value, lease) })
	if failed != nil {
		return 0, failed
	}
	return revision, err
}

// Update implements server.Backend.
func (k *keeper) Update(ctx context.Context, key string, value []byte, was, lease int64) (revision int64, kv *server.KeyValue, ok bool, err error) {
	failed := k.try(ctx, func(ctx context.Context) { revision, kv, ok, err = k.Backend.Update(ctx, key, value, was, lease) })
	if failed != nil {
		return 0, nil, false, failed
	}
	return revision, kv, ok, err
}

// Delete implements server.Backend.
func (k *keeper) Delete(ctx context.Context, key string, was int64) (revision int64, kv *server.KeyValue, ok bool, err error) {
	failed := k.try(ctx, func(ctx context.Context) { revision, kv, ok, err = k.Backend.Delete(ctx, key, was) })
	if failed != nil {
		return 0, nil, false, failed
	}
	return revision, kv, ok, err
}

// try writes, and tells why nothing was written. The text reaches users.
func (k *keeper) try(ctx context.Context, do func(context.Context)) error {
	var w write
	do(context.WithValue(ctx, underWay{}, &w))
	switch {
	case w.failed == nil:
		if w.kept {
			k.tell("")
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	why := fmt.Sprintf("Neargate cannot keep the cluster's state in %s: %v. Nothing was changed; it goes on as soon as it can.", k.dir, w.failed)
	k.tell(why)
	return status.Error(codes.ResourceExhausted, why)
}
