package emulator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Emulator is one Neargate: make it with New, serve its Handler, and let Run
// do the work that the answers promise.
type Emulator struct {
	config    Config
	instance  string
	startedAt time.Time
	store     *store.Store
	runtime   sandbox.Runtime
	engine    *sandbox.Engine
	services  services
	wire      *apiwire.Handler
	metrics   *instruments
	handler   http.Handler
	loops     []loop
	resetting chan struct{} // holds one token: one reset at a time
}

// loop is a controller with its way of being run.
type loop struct {
	controller reconcile.Controller
	options    reconcile.Options
}

// New opens the store and puts the parts together. It starts nothing and
// needs no runtime to answer: one that is away is waited for by Run.
func New(ctx context.Context, c Config) (*Emulator, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	path, err := c.database()
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, path, store.Options{Log: c.Log})
	if err != nil {
		return nil, err
	}
	e := &Emulator{config: c, startedAt: time.Now().UTC(), store: st, resetting: make(chan struct{}, 1)}
	if err := e.assemble(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return e, nil
}

func (e *Emulator) assemble(ctx context.Context) (err error) {
	if e.instance, err = instanceID(ctx, e.store); err != nil {
		return err
	}
	if e.runtime, err = e.newRuntime(ctx); err != nil {
		return fmt.Errorf("runtime %s: %w", e.config.Runtime, err)
	}
	e.metrics = newInstruments(e.store, e.startedAt)
	e.buildServices()
	e.handler = &guard{hosts: e.config.Hosts, next: e.router(e.wire)}
	return nil
}

// instanceID is the name under which this data directory's things are known
// to the runtime. It is made once and kept.
func instanceID(ctx context.Context, st *store.Store) (string, error) {
	const key = "instance"
	id, err := st.Meta(ctx, key)
	if err != nil || id != "" {
		return id, err
	}
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	id = hex.EncodeToString(b)
	return id, st.SetMeta(ctx, key, id)
}

// Handler answers everything: AWS's APIs, /_neargate/ and /metrics.
func (e *Emulator) Handler() http.Handler { return e.handler }

// AWS answers AWS's APIs only, without looking where a request comes from: for
// containers of tasks, who reach it through their sandbox.
func (e *Emulator) AWS() http.Handler { return e.wire }

// Run runs the controllers until ctx ends. Tasks go on running in the runtime
// when it returns; the next Run takes them over.
func (e *Emulator) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.engine.Run(ctx) })
	for _, l := range e.loops {
		g.Go(func() error { return reconcile.Run(ctx, e.store, l.controller, l.options) })
	}
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// Close lets go of the runtime and the store. Run must have returned.
func (e *Emulator) Close() error {
	var err error
	if c, ok := e.runtime.(interface{ Close() error }); ok {
		err = c.Close()
	}
	return errors.Join(err, e.store.Close())
}

// Reset forgets everything and removes every container, network and volume
// that was made for it. Controllers may go on running: with no record left,
// they have nothing to do.
func (e *Emulator) Reset(ctx context.Context) error {
	select {
	case e.resetting <- struct{}{}:
		defer func() { <-e.resetting }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := e.store.Reset(ctx, "neargate:reset"); err != nil {
		return err
	}
	if p, ok := e.runtime.(purger); ok {
		return p.Purge(ctx)
	}
	return nil
}

// purger is a runtime that can remove all it has made at once.
type purger interface {
	Purge(ctx context.Context) error
}

// describer is a runtime that can tell what it runs on, as "Docker 20.10.24
// (API 1.41, overlay2, cgroup v1)", or why it cannot be reached.
type describer interface {
	Describe(ctx context.Context) (string, error)
}

// Coverage tells which operations are served and which of AWS's are not.
func (e *Emulator) Coverage() []apiwire.Coverage { return e.wire.Coverage() }
