package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Options of a Runtime.
type Options struct {
	// Instance is the id of this emulator; all that the runtime makes is
	// labelled with it, and all that it removes carries it.
	Instance string
	// Host of the Engine ("unix:///var/run/docker.sock"); "" finds it as the
	// docker command does.
	Host string
	// PID1 opens the static Linux binary of cmd/neargate-sandbox for an
	// architecture in Go's words ("amd64").
	PID1 func(arch string) (io.ReadCloser, error)
	// Metadata serves the link-local endpoint 169.254.170.2 of a sandbox; nil
	// serves none.
	Metadata func(sandboxID string) http.Handler
	// DialAPI connects to the Kubernetes API of a cluster (its
	// sandbox.ClusterNetwork.Name) for a pod that has connected to the
	// cluster's API address; nil connects to nothing.
	DialAPI func(ctx context.Context, cluster string) (net.Conn, error)
	// Warm is how many ready sandboxes may wait in each subnet that was used
	// lately; 0 keeps none.
	Warm int
	// WarmFor is how long they wait after the last use; 0 means 5 minutes.
	WarmFor time.Duration
	// Addresses is whose each public address is; nil is a book of this
	// runtime's own, in memory.
	Addresses *addressbook.Book
	// Credentials for a registry ("index.docker.io", "ghcr.io"), "" for none;
	// nil reads what `docker login` has stored in plain.
	Credentials func(ctx context.Context, registry string) (user, password string, err error)
	Log         zerolog.Logger
}

// Runtime runs sandboxes on a Docker Engine. See the package comment.
type Runtime struct {
	options Options
	log     zerolog.Logger
	daemon  *daemon
	names   names
	image   binaryImage
	watch   watch
	pulls   pulls
	locks   keyed // by sandbox id

	// life ends with Close; running counts what goes on in the background.
	life    context.Context
	end     context.CancelFunc
	ending  sync.Mutex // held while either changes
	running sync.WaitGroup
	closing sync.Once

	state  keyed // held while the Engine's state is read into what follows
	synced bool  // guarded by state
	pruned bool  // guarded by state: leftovers of an earlier process are gone

	mu       sync.Mutex      // never held across a call
	boxes    map[string]*box // sandboxes by id, warm ones left out
	vpcs     map[string]*vpc
	warm     map[string]*pool // by kind.key
	starting int              // see underWay
	inspects map[string]inspected
	attempts map[string]int // containers restarted in place, by container id
	ulimits  refused

	pauses    atomic.Bool // a pause container has worked
	pauseless atomic.Bool // none can

	tables     tables
	deliveries keyed         // of tables, by sandbox container
	delivering chan struct{} // has room for those under way
}

// The abilities beside the core.
var _ interface {
	sandbox.Runtime
	sandbox.Reserver
	sandbox.Logs
	sandbox.Exec
	sandbox.Attach
	sandbox.Dial
	sandbox.StatsReader
	sandbox.FileWriter
	sandbox.ProgressTeller
	sandbox.ServiceNetwork
} = (*Runtime)(nil)

// New makes a runtime and begins to watch the Engine. That the Engine is away
// is no error; then every call fails until it is back. It asks the Engine
// nothing before it returns.
func New(ctx context.Context, o Options) (*Runtime, error) {
	if o.Instance == "" {
		return nil, errors.New("docker: Options.Instance is empty: nothing could be told from another program's")
	}
	if o.PID1 == nil {
		return nil, errors.New("docker: Options.PID1 is nil: no sandbox can be made")
	}
	if o.Addresses == nil {
		o.Addresses = addressbook.New(addressbook.Default)
	}
	if o.WarmFor == 0 {
		o.WarmFor = 5 * time.Minute
	}
	d, err := newDaemon(o.Host)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	r := &Runtime{
		options: o, log: o.Log, daemon: d, names: newNames(o.Instance),
		boxes: map[string]*box{}, vpcs: map[string]*vpc{}, warm: map[string]*pool{},
		inspects: map[string]inspected{}, attempts: map[string]int{},
		delivering: make(chan struct{}, maxDeliveries),
	}
	r.life, r.end = context.WithCancel(context.WithoutCancel(ctx))
	r.background(r.watchEvents)
	r.background(r.watchImages)
	r.background(r.firstLook)
	return r, nil
}

// firstLook reads what the Engine holds of ours before anybody asks, beside
// the start of the emulator: an Engine that is slow, or never answers, must
// not keep the APIs from answering.
func (r *Runtime) firstLook(ctx context.Context) {
	if err := r.ready(ctx); err != nil && ctx.Err() == nil {
		r.log.Warn().Err(err).Msg("docker does not answer yet")
	}
}

// Close lets go of everything and leaves the sandboxes running, for the next
// process to adopt. Only what nobody owns is removed: warm sandboxes and the
// networks that are empty then.
func (r *Runtime) Close() error {
	var err error
	r.closing.Do(func() {
		r.ending.Lock()
		r.end()
		r.ending.Unlock()
		r.running.Wait()
		ctx, cancel := cleanup(r.life) // from here on: what ran has had its own time
		defer cancel()
		err = r.dropWarm(ctx)
		r.mu.Lock()
		all := make([]*box, 0, len(r.boxes))
		for _, b := range r.boxes {
			all = append(all, b)
		}
		r.mu.Unlock()
		for _, b := range all {
			r.letGo(b)
		}
		err = errors.Join(err, r.dropNetworks(ctx), r.daemon.Close())
	})
	return err
}

// background runs f until it returns; Close waits for it. After Close it does
// not run, and false is returned.
func (r *Runtime) background(f func(ctx context.Context)) bool {
	r.ending.Lock()
	defer r.ending.Unlock()
	if r.life.Err() != nil {
		return false
	}
	r.running.Go(func() { f(r.life) })
	return true
}

// cleanupTimeout bounds what is done after a failure, with a context that does
// not end with the caller's.
const cleanupTimeout = 20 * time.Second

func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
}

// finish runs a short call that makes something to its end even when ctx ends
// meanwhile: the Engine would go on all the same, and what it makes after a
// Down would be left behind.
func finish[T any](ctx context.Context, call func(context.Context) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	whole, cancel := cleanup(ctx)
	defer cancel()
	v, err := call(whole)
	if err == nil && ctx.Err() != nil {
		return none, ctx.Err()
	}
	return v, err
}

// create makes a container.
func (d *daemon) create(ctx context.Context, o client.ContainerCreateOptions) (string, error) {
	return finish(ctx, func(ctx context.Context) (string, error) {
		c, err := d.ContainerCreate(ctx, o)
		return c.ID, err
	})
}
