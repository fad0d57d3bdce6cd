package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// balancers are the load balancers of one cluster: each has an address of this
// host, on which it listens for as long as somebody stands behind a port.
type balancers struct {
	book    *addressbook.Book
	place   place
	runtime sandbox.Runtime
	log     zerolog.Logger

	mu     sync.Mutex
	closed bool
	all    map[string]*balancer
}

func newBalancers(b *addressbook.Book, at place, r sandbox.Runtime, log zerolog.Logger) *balancers {
	return &balancers{book: b, place: at, runtime: r, log: log, all: map[string]*balancer{}}
}

// balancer is one load balancer.
type balancer struct {
	address netip.Addr
	ports   map[balancerPort]*door
}

type balancerPort struct {
	protocol string
	number   uint16
}

func (p balancerPort) String() string { return p.protocol + "/" + strconv.Itoa(int(p.number)) }

// door is a port that is listened on.
type door struct {
	end     context.CancelFunc
	serving sync.WaitGroup
	// behind are the endpoints of the moment; turn counts connections.
	behind atomic.Pointer[[]link.Endpoint]
	turn   atomic.Uint64
}

// set makes the load balancers those in all, and tells where each answers.
// Connections that are open stay, as long as their load balancer does.
func (b *balancers) set(all []link.LoadBalancer) ([]link.LoadBalancerStatus, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("the cluster is being ended: %w", link.ErrAway)
	}
	wanted := map[string]bool{}
	for _, l := range all {
		wanted[l.Name] = true
	}
	for name := range b.all {
		if !wanted[name] {
			b.drop(name)
		}
	}
	// Those too that an earlier life had.
	ours := ofCluster(b.place.arn)
	b.book.Retain(ownerKind, func(name string) bool { return !ours(name) || wanted[name[len(b.place.arn)+1:]] })
	told := make([]link.LoadBalancerStatus, 0, len(all))
	for _, l := range all {
		s := link.LoadBalancerStatus{Name: l.Name}
		if err := b.put(l); err != nil {
			s.Error = err.Error()
		}
		if one := b.all[l.Name]; one != nil {
			s.Address = one.address.String()
		}
		told = append(told, s)
	}
	return told, nil
}

// put makes one load balancer what it shall be.
func (b *balancers) put(l link.LoadBalancer) error {
	one := b.all[l.Name]
	if one == nil {
		address, err := b.take(l.Name, numbers(l))
		if err != nil {
			return err
		}
		one = &balancer{address: address, ports: map[balancerPort]*door{}}
		b.all[l.Name] = one
	}
	wanted := map[balancerPort][]link.Endpoint{}
	var trouble error
	for _, p := range l.Ports {
		if p.Protocol != "tcp" && p.Protocol != "udp" {
			trouble = errors.Join(trouble, fmt.Errorf("port %d: there is no load balancer for %s", p.Port, p.Protocol))
			continue
		}
		if len(p.Endpoints) > 0 { // nobody listens where nobody stands behind: connecting is refused
			wanted[balancerPort{p.Protocol, p.Port}] = p.Endpoints
		}
	}
	for p, d := range one.ports {
		if wanted[p] == nil {
			d.close()
			delete(one.ports, p)
		}
	}
	for p, endpoints := range wanted {
		trouble = errors.Join(trouble, b.open(one, p, endpoints))
	}
	return trouble
}

// numbers are the ports that an address must have free.
func numbers(l link.LoadBalancer) []balancerPort {
	var ports []balancerPort
	for _, p := range l.Ports {
		if p.Protocol == "tcp" || p.Protocol == "udp" {
			ports = append(ports, balancerPort{p.Protocol, p.Port})
		}
	}
	return ports
}

// open listens on a port, or changes who stands behind one.
func (b *balancers) open(one *balancer, p balancerPort, endpoints []link.Endpoint) error {
	endpoints = slices.Clone(endpoints)
	if d := one.ports[p]; d != nil {
		d.behind.Store(&endpoints)
		return nil
	}
	s, err := listenOn(one.address, p)
	if err != nil {
		return explained(one.address, p, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &door{end: cancel}
	d.behind.Store(&endpoints)
	d.serving.Go(func() {
		dial := func(ctx context.Context) (net.Conn, error) { return b.dial(ctx, p.protocol, d) }
		if err := s.forward(ctx, dial); err != nil {
			b.log.Error().Err(err).Stringer("port", p).Stringer("address", one.address).Msg("load balancer no longer serves a port")
		}
	})
	one.ports[p] = d
	return nil
}

// balancerDial is for a connection to one endpoint.
const balancerDial = 10 * time.Second

var errNoEndpoint = errors.New("nobody stands behind the port")

// dial connects to the endpoint whose turn it is, or to the next one that
// answers.
func (b *balancers) dial(ctx context.Context, protocol string, d *door) (net.Conn, error) {
	endpoints := *d.behind.Load()
	turn := d.turn.Add(1) - 1
	err := errNoEndpoint
	for i := range uint64(len(endpoints)) {
		var c net.Conn
		if c, err = b.connect(ctx, protocol, endpoints[(turn+i)%uint64(len(endpoints))]); err == nil {
			return c, nil
		}
	}
	return nil, err
}

func (b *balancers) connect(ctx context.Context, protocol string, e link.Endpoint) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, balancerDial)
	defer cancel()
	if e.Sandbox == "" {
		var d net.Dialer
		return d.DialContext(ctx, protocol, e.Address.String())
	}
	r, ok := b.runtime.(sandbox.Dial)
	if !ok {
		return nil, errNoEndpoint
	}
	return r.Dial(ctx, e.Sandbox, protocol, e.Address.String())
}

func (d *door) close() {
	d.end()
	d.serving.Wait()
}

// drop ends a load balancer; its address stays its own. b.mu is held.
func (b *balancers) drop(name string) {
	for _, d := range b.all[name].ports {
		d.close()
	}
	delete(b.all, name)
}

// close ends all of them.
func (b *balancers) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for name := range b.all {
		b.drop(name)
	}
}
