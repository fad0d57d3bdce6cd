//go:build linux

// Package services lets a pod reach its cluster's Services: it is what
// kube-proxy is on a node, for one network namespace. Connections into the
// cluster's range of addresses, and to load balancer addresses that are in the
// table, get an endpoint or are refused at once.
//
// The kernel does it (rules.go). A kernel that cannot choose by chance gives
// each Service one endpoint, and where NAT by nftables is missing altogether
// PID 1 carries the bytes itself (userspace.go). Either is told by a warning.
//
// All functions act in the network namespace of the calling thread.
package services

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"golang.org/x/sys/unix"
)

const (
	dnsPort = 53

	// Where we listen for the cluster's DNS and API, see package linklocal.
	highDNSPort = 64653
	highAPIPort = 64643
)

// Proxy is the namespace's way to the Services of one cluster.
type Proxy struct {
	// Where connections to the cluster's DNS and API arrive; nil for those
	// that the cluster has not got.
	DNS    net.Listener
	DNSUDP net.PacketConn
	API    net.Listener
	// Warnings say what is not as it should be, in sentences. Set may add to
	// them.
	Warnings []string

	cluster tunnel.Cluster
	seed    uint64
	single  bool         // each key gets one endpoint
	own     map[key]bool // keys that PID 1 answers itself

	mu        sync.Mutex // held while the table changes
	table     plan
	rules     *rules     // nil with userspace
	userspace *userspace // nil with rules
}

// Open prepares the namespace for a cluster; there are no Services yet. What it
// serves itself ends with ctx.
func Open(ctx context.Context, c tunnel.Cluster) (*Proxy, error) {
	return open(ctx, c, newRules(), (&net.Dialer{Timeout: dialTimeout}).DialContext)
}

func open(ctx context.Context, c tunnel.Cluster, r *rules, dial dialer) (*Proxy, error) {
	if err := check(c); err != nil {
		return nil, &tunnel.Error{Kind: tunnel.Invalid, Text: err.Error()}
	}
	p := &Proxy{cluster: c, seed: rand.Uint64(), own: map[key]bool{}}
	if c.DNS.IsValid() {
		p.own[key{c.DNS, unix.IPPROTO_TCP, dnsPort}] = true
		p.own[key{c.DNS, unix.IPPROTO_UDP, dnsPort}] = true
	}
	if c.API.IsValid() {
		p.own[key{c.API.Addr(), unix.IPPROTO_TCP, c.API.Port()}] = true
	}
	refused := p.openRules(r)
	if refused == nil {
		return p, nil
	}
	p.Close()
	p.Warnings = append(p.Warnings, fmt.Sprintf(
		"nftables does not work here (%v): the sandbox carries connections to Services itself, and a container of the pod that binds 0.0.0.0 with the port of a Service fails", refused))
	if err := p.openUserspace(ctx, dial); err != nil {
		p.Close()
		return nil, errors.Join(refused, err)
	}
	return p, nil
}

func check(c tunnel.Cluster) error {
	switch {
	case c.Name == "":
		return errors.New("the cluster has no name")
	case !c.Services.IsValid() || !c.Services.Addr().Is4():
		return fmt.Errorf("the range of Services, %q, is no IPv4 prefix", c.Services)
	case c.DNS.IsValid() && !c.DNS.Is4():
		return fmt.Errorf("the cluster's DNS, %q, is no IPv4 address", c.DNS)
	case c.API.IsValid() && !c.API.Addr().Is4():
		return fmt.Errorf("the cluster's API, %q, is no IPv4 address", c.API)
	}
	return nil
}

func (p *Proxy) openRules(r *rules) error {
	if err := p.listen(linklocal.HighPort, highDNSPort, highAPIPort); err != nil {
		return err
	}
	if err := r.open(p.cluster.Services, p.redirects()); err != nil {
		return err
	}
	if err := r.try(); err != nil {
		p.single = true
		p.Warnings = append(p.Warnings, fmt.Sprintf("the kernel cannot choose by chance (%v): this pod keeps to one endpoint of each Service", err))
	}
	p.rules = r
	return nil
}

// listen opens the listeners for what PID 1 answers itself; at says where.
func (p *Proxy) listen(at func(port uint16, listen func(at string) error) error, dns, api uint16) (err error) {
	if p.cluster.DNS.IsValid() {
		if err := at(dns, func(at string) (err error) {
			p.DNS, p.DNSUDP, err = linklocal.ListenBoth(at)
			return err
		}); err != nil {
			return err
		}
	}
	if !p.cluster.API.IsValid() {
		return nil
	}
	return at(api, func(at string) (err error) {
		p.API, err = net.Listen("tcp4", at)
		return err
	})
}

func (p *Proxy) redirects() []redirect {
	var all []redirect
	for k := range p.own {
		l := p.API
		if k.port == dnsPort && k.address == p.cluster.DNS {
			l = p.DNS
		}
		all = append(all, redirect{k, netip.MustParseAddrPort(l.Addr().String())})
	}
	return all
}

// openUserspace listens at the cluster's own addresses.
func (p *Proxy) openUserspace(ctx context.Context, dial dialer) (err error) {
	if p.userspace, err = newUserspace(ctx, p.cluster.Services, dial); err != nil {
		return err
	}
	addresses := map[uint16]netip.Addr{dnsPort: p.cluster.DNS}
	if p.cluster.API.IsValid() {
		addresses[p.cluster.API.Port()] = p.cluster.API.Addr()
	}
	return p.listen(func(port uint16, listen func(at string) error) error {
		return listen(netip.AddrPortFrom(addresses[port], port).String())
	}, dnsPort, p.cluster.API.Port())
}

// Set replaces the table.
func (p *Proxy) Set(all []tunnel.Service) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := makePlan(all, p.seed, p.single).without(p.own)
	if p.userspace != nil {
		return p.userspace.set(next)
	}
	before := p.table
	if err := p.rules.set(before, next); err != nil {
		return err
	}
	p.table = next
	if !before.hasUDP() && !next.hasUDP() {
		return nil
	}
	if err := forgetFlows(next, p.cluster.Services, p.own); err != nil {
		p.warn(err)
	}
	return nil
}

// warn tells once what stays as it is for as long as the kernel does.
func (p *Proxy) warn(err error) {
	text := fmt.Sprintf("UDP flows may go on to endpoints that are gone for up to two minutes: %v", err)
	if !slices.Contains(p.Warnings, text) {
		p.Warnings = append(p.Warnings, text)
	}
}

// Close closes the listeners; rules stay.
func (p *Proxy) Close() {
	if p.DNS != nil {
		p.DNS.Close()
		p.DNSUDP.Close()
	}
	if p.API != nil {
		p.API.Close()
	}
	p.DNS, p.DNSUDP, p.API = nil, nil, nil
}
