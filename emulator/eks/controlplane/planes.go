package controlplane

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Memory as Config.DataDir keeps nothing.
const Memory = "memory"

// Config is what control planes stand on.
type Config struct {
	Store   *store.Store
	Runtime sandbox.Runtime
	// DataDir is the emulator's; the control planes' state is in its folder
	// "eks". With Memory it is in a temporary one, which goes at the end of Run.
	DataDir string
	// Program is neargate-kube. "" finds it beside this program, else in PATH.
	Program string
	// EmulatorURL is how programs in pods reach the AWS APIs, and Hosts are
	// names that the API servers' certificates are good for beside their own.
	EmulatorURL string
	Hosts       []string
	Tokens      Tokens
	// OwnHost tells whether a host name, without its port, is one of this
	// emulator's, to which a token may be made out beside AWS's; nil: loopback.
	OwnHost func(host string) bool
	// Logs takes what control planes log; nil: nobody.
	Logs LogSink
	// Addresses is whose each of this host's addresses is, from which load
	// balancers get theirs; nil is a book of their own, in memory.
	Addresses *addressbook.Book
	Pace      Pace
	Log       zerolog.Logger
}

// maxStarting is how many control planes start at the same time: each takes
// seconds of a processor, and all of them together would miss their time.
const maxStarting = 2

// Planes run the clusters' control planes. Make it with New; Run does the work.
type Planes struct {
	config Config
	starts chan struct{} // one token for each that may start
	hints  *hints

	mu   sync.Mutex
	run  *running // nil while there is no Run
	all  map[string]*plane
	home string // the folder of all directories; "" until there is one
}

// running is one Run.
type running struct {
	ctx   context.Context
	lives sync.WaitGroup
}

// New returns Planes. It starts nothing.
func New(c Config) *Planes {
	c.Pace = c.Pace.orDefaults()
	if c.Addresses == nil {
		c.Addresses = addressbook.New(addressbook.Default)
	}
	if c.OwnHost == nil {
		c.OwnHost = isLoopback
	}
	p := &Planes{config: c, starts: make(chan struct{}, maxStarting), hints: newHints(), all: map[string]*plane{}}
	if c.DataDir != Memory {
		p.home = filepath.Join(c.DataDir, "eks")
		if abs, err := filepath.Abs(p.home); err == nil { // control planes work elsewhere
			p.home = abs
		}
	}
	return p
}

// Run runs the control planes that are ensured, until ctx ends, and then ends
// all of them, which takes at most Pace.Stop. It may be called again.
func (p *Planes) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &running{ctx: ctx}
	p.mu.Lock()
	if p.run != nil {
		p.mu.Unlock()
		return errors.New("control planes are run already")
	}
	p.run = r
	for _, one := range p.all {
		p.begin(one)
	}
	p.mu.Unlock()

	<-ctx.Done()
	p.mu.Lock()
	p.run = nil
	p.all = map[string]*plane{}
	p.mu.Unlock()
	r.lives.Wait()
	return p.clear()
}

// clear removes what a life in memory has left.
func (p *Planes) clear() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.config.DataDir != Memory || p.home == "" || p.run != nil {
		return nil
	}
	home := p.home
	p.home = ""
	return os.RemoveAll(home)
}

// begin starts a plane's loop. p.mu is held.
func (p *Planes) begin(one *plane) {
	ctx, cancel := context.WithCancel(p.run.ctx)
	one.cancel = cancel
	p.run.lives.Go(func() {
		defer close(one.done)
		defer cancel()
		one.loop(ctx)
	})
}

// homeDir is the folder of all directories, made if need be. p.mu is held.
func (p *Planes) homeDir() (string, error) {
	if p.home == "" {
		dir, err := os.MkdirTemp("", "neargate-eks-")
		if err != nil {
			return "", err
		}
		p.home = dir
	}
	return p.home, os.MkdirAll(p.home, 0o700)
}

// Ensure makes it wanted that a control plane runs, in c.Version. All else in c
// is as it was the first time. It costs nothing when there is nothing to do.
func (p *Planes) Ensure(_ context.Context, c link.Config) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.all[c.ARN]; one != nil {
		one.want(c.Version)
		return nil
	}
	home, err := p.homeDir()
	if err != nil {
		return fmt.Errorf("directory of the control planes: %w", err)
	}
	at, err := placeOf(home, c.ARN)
	if err != nil {
		return err
	}
	c.EmulatorURL, c.Hosts = p.config.EmulatorURL, p.config.Hosts
	one := newPlane(p, c, at)
	p.all[c.ARN] = one
	if p.run != nil {
		p.begin(one)
	}
	return nil
}

func (p *Planes) plane(arn string) (*plane, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.all[arn]; one != nil {
		return one, nil
	}
	return nil, fmt.Errorf("control plane of %s: %w", arn, link.ErrNotFound)
}

// Configure replaces the settings of a control plane that was ensured. It may
// be called before the control plane is ready, which then gets them when it
// is; link.ErrNotFound when it was not ensured.
func (p *Planes) Configure(_ context.Context, arn string, s link.Settings) error {
	one, err := p.plane(arn)
	if err != nil {
		return err
	}
	one.configure(s)
	return nil
}

// Status is how far a control plane is, from memory; false when it was not
// ensured in this Run.
func (p *Planes) Status(arn string) (link.Status, bool) {
	one, err := p.plane(arn)
	if err != nil {
		return link.Status{}, false
	}
	return one.now(), true
}

// Remove ends a control plane, its load balancers with it, and deletes what it
// kept; it returns when that is done. One that is not there is no error.
func (p *Planes) Remove(ctx context.Context, arn string) error {
	p.mu.Lock()
	one, home := p.all[arn], p.home
	runs := one != nil && p.run != nil
	if runs {
		one.cancel()
	}
	p.mu.Unlock()
	if runs {
		select {
		case <-one.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	ours := ofCluster(arn)
	p.config.Addresses.Retain(ownerKind, func(name string) bool { return !ours(name) })
	if home != "" {
		at, err := placeOf(home, arn)
		if err != nil {
			return err
		}
		if err := endLeftover(ctx, at, p.config.Pace.Stop); err != nil {
			return err
		}
		if err := at.remove(); err != nil {
			return err
		}
	}
	if one == nil {
		return nil // and no hint: whoever acts on hints by removing would go round in circles
	}
	p.mu.Lock()
	if p.all[arn] == one {
		delete(p.all, arn)
	}
	p.mu.Unlock()
	p.hints.tell(arn)
	return nil
}

// Prune removes the control planes and the directories of clusters that are
// not to be kept: those whose records went while nobody looked.
func (p *Planes) Prune(ctx context.Context, keep func(arn string) bool) error {
	p.mu.Lock()
	home := p.home
	var gone []string
	for arn := range p.all {
		if !keep(arn) {
			gone = append(gone, arn)
		}
	}
	p.mu.Unlock()
	if home != "" {
		kept, err := memories(home)
		if err != nil {
			return err
		}
		for _, arn := range kept {
			if !keep(arn) {
				gone = append(gone, arn)
			}
		}
	}
	p.config.Addresses.Retain(ownerKind, func(name string) bool {
		arn, _, _ := strings.Cut(name, " ")
		return keep(arn)
	})
	var all error
	for _, arn := range gone {
		all = errors.Join(all, p.Remove(ctx, arn))
	}
	return all
}

// Hints yields the ARN of a control plane whenever its status has changed,
// until ctx ends.
func (p *Planes) Hints(ctx context.Context) iter.Seq[string] { return p.hints.follow(ctx) }
