package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Services of Kubernetes clusters: the newest table of each, and how it comes
// to the pods. Each pod's PID 1 keeps its table for itself, and its cluster's
// name, which it tells at each greeting; so a pod that was adopted goes on
// with what it has, and gets the next table as all others do.

// tables are the newest ones by cluster.
type tables struct {
	mu  sync.Mutex
	all map[string]*table
}

// table is what a cluster's pods shall have.
type table struct {
	version uint64                 // 0: none has been told yet
	encoded tunnel.EncodedServices //
	changed chan struct{}          // closed when it is not the newest any more
}

// get returns the cluster's newest table.
func (t *tables) get(cluster string) table {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *t.at(cluster)
}

// at is get for callers that hold mu.
func (t *tables) at(cluster string) *table {
	if t.all == nil {
		t.all = map[string]*table{}
	}
	c := t.all[cluster]
	if c == nil {
		c = &table{changed: make(chan struct{})}
		t.all[cluster] = c
	}
	return c
}

func (t *tables) set(cluster string, encoded tunnel.EncodedServices) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.at(cluster)
	close(c.changed)
	*c = table{version: c.version + 1, encoded: encoded, changed: make(chan struct{})}
}

// SetServices implements [sandbox.ServiceNetwork].
func (r *Runtime) SetServices(_ context.Context, cluster string, t sandbox.ServiceTable) error {
	encoded, err := tunnel.EncodeServices(tableOf(t))
	if err != nil {
		return fmt.Errorf("the Services of %s: %w", cluster, err)
	}
	r.tables.set(cluster, encoded)
	return nil
}

// settle tells a sandbox what its spec wants of its network, and gives a pod
// the newest table.
func (r *Runtime) settle(ctx context.Context, s *sandbox.Spec, b *box) error {
	n, err := settings(s, b.place.ip)
	if err != nil {
		return err
	}
	l := r.linkOf(b)
	if l == nil {
		return errNoSandbox
	}
	t, err := l.get(ctx)
	if err != nil {
		return err
	}
	state, err := t.Configure(ctx, n)
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.UnknownCommand {
		// It has been set up by the release that made it.
		return nil
	}
	if err != nil {
		return fmt.Errorf("network of the sandbox: %w", err)
	}
	r.mu.Lock()
	b.dns, b.warnings = nameservers(s.Network), state.Warnings
	r.mu.Unlock()
	if n.Cluster == nil {
		return nil
	}
	r.serveCluster(b, t, n.Cluster.Name)
	return r.deliver(ctx, b, t, n.Cluster.Name)
}

// serveCluster does for a pod, over one session with it, what its cluster
// needs from outside. Doing so twice is doing it once.
func (r *Runtime) serveCluster(b *box, t *tunnel.Session, cluster string) {
	r.mu.Lock()
	served := b.served == t
	b.served = t
	r.mu.Unlock()
	if served {
		return
	}
	r.background(func(ctx context.Context) { r.feed(ctx, b, t, cluster) })
	if r.options.DialAPI != nil {
		r.background(func(ctx context.Context) {
			// Ends with the session's listener.
			_ = tunnel.Forward(ctx, t.Listen(tunnel.ServiceKubernetes), func(ctx context.Context) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, dialTimeout)
				defer cancel()
				return r.options.DialAPI(ctx, cluster)
			})
		})
	}
}

// feed gives a pod each newest table for as long as the session lasts. Tables
// that come while one is on its way are passed over but for the last.
func (r *Runtime) feed(ctx context.Context, b *box, t *tunnel.Session, cluster string) {
	for wait := time.Duration(0); ; {
		newest := r.tables.get(cluster)
		again := (<-chan time.Time)(nil)
		if err := r.deliver(ctx, b, t, cluster); err == nil {
			wait = 0
		} else {
			wait = min(max(2*wait, 100*time.Millisecond), 10*time.Second)
			again = time.After(wait)
			level := zerolog.WarnLevel
			if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.Lost {
				level = zerolog.DebugLevel // the pod is ending, or a new session will tell it
			}
			r.log.WithLevel(level).Err(err).Str("sandbox", b.id()).Str("cluster", cluster).Dur("again", wait).Msg("a pod does not have the newest Services")
		}
		select {
		case <-newest.changed:
		case <-again:
		case <-t.Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// maxDeliveries bounds how many pods get a table at once.
const maxDeliveries = 8

// given is the table that a pod has got, over which session.
type given struct {
	session *tunnel.Session
	version uint64
}

// deliver makes sure that a pod has the newest table, if there is one. A pod
// that refuses it goes on with the one before.
func (r *Runtime) deliver(ctx context.Context, b *box, t *tunnel.Session, cluster string) error {
	unlock, err := r.deliveries.lock(ctx, b.container)
	if err != nil {
		return err
	}
	defer unlock()
	newest := r.tables.get(cluster)
	r.mu.Lock()
	has := b.given == given{t, newest.version}
	r.mu.Unlock()
	if has || newest.version == 0 {
		return nil
	}
	select {
	case r.delivering <- struct{}{}:
		defer func() { <-r.delivering }()
	case <-ctx.Done():
		return ctx.Err()
	}
	newest = r.tables.get(cluster) // which may have changed meanwhile
	err = t.SetServices(ctx, newest.encoded)
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.Invalid {
		r.log.Error().Err(err).Str("cluster", cluster).Msg("a table of Services is not valid")
	} else if err != nil {
		return fmt.Errorf("the Services of %s: %w", cluster, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.given = given{t, newest.version}
	return nil
}
