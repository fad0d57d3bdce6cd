package emulator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/addressbook"
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
	addresses *addressbook.Book // of this host
	services  services
	assembled chan struct{} // closed when services is complete
	wire      *apiwire.Handler
	metrics   *instruments
	handler   http.Handler
	loops     []loop
	shift     shift
	close     func() error // what Close does, once
}

// loop is a controller with its way of being run.
type loop struct {
	controller reconcile.Controller
	options    reconcile.Options
}

// New opens the store and puts the parts together. It starts no task's work
// and needs no runtime to answer: one that is away is waited for by Run.
//
// The error names the setting that cannot be; it is a *store.LockedError when
// another process has the data directory.
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
	e := &Emulator{config: c, startedAt: time.Now().UTC(), store: st, assembled: make(chan struct{}), shift: newShift()}
	e.close = sync.OnceValue(e.letGo)
	if err := e.assemble(ctx); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	return e, nil
}

func (e *Emulator) assemble(ctx context.Context) (err error) {
	if e.instance, err = instanceID(ctx, e.store); err != nil {
		return err
	}
	if e.addresses, err = e.openAddresses(); err != nil {
		return err
	}
	if e.runtime, err = e.newRuntime(ctx); err != nil {
		return fmt.Errorf("runtime %s: %w", e.config.Runtime, err)
	}
	e.metrics = newInstruments(e.store, e.startedAt)
	e.buildServices()
	e.metrics.know(e.wire.Coverage())
	e.handler = newGuard(e.config.Hosts, e.router(e.wire))
	close(e.assembled)
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

// Run runs the controllers until ctx ends. Tasks go on running in the runtime
// when it returns; the next Run takes them over. One Run works at a time: a
// second one waits until the first has returned. The error is never ctx's.
func (e *Emulator) Run(ctx context.Context) error {
	if !e.shift.begin(ctx) {
		return nil
	}
	defer e.shift.end()
	g, inner := errgroup.WithContext(ctx)
	g.Go(func() error { return e.shift.work(inner, func() worker { return e.newEngine() }) })
	if e.services.planes != nil {
		g.Go(func() error { return e.runPlanes(inner) })
	}
	for _, l := range e.loops {
		g.Go(func() error { return reconcile.Run(inner, e.store, l.controller, l.options) })
	}
	if err := g.Wait(); err != nil && (ctx.Err() == nil || !errors.Is(err, ctx.Err())) {
		return err
	}
	return nil
}

// Close lets go of the runtime and the store. Run must have returned. A second
// call does nothing more.
func (e *Emulator) Close() error { return e.close() }

func (e *Emulator) letGo() error {
	var err error
	if c, ok := e.runtime.(interface{ Close() error }); ok {
		err = c.Close()
	}
	return errors.Join(err, e.store.Close())
}

// Coverage tells which operations are served and which of AWS's are not.
func (e *Emulator) Coverage() []apiwire.Coverage { return e.wire.Coverage() }
