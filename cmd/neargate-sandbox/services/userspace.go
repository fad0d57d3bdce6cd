//go:build linux

package services

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Without NAT in the kernel: the cluster's addresses are the namespace's own,
// by a local route, and PID 1 listens on the ports of its Services. What
// nobody listens on is refused by the kernel itself.

const (
	dialTimeout = 10 * time.Second
	udpIdle     = time.Minute
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

type userspace struct {
	life    context.Context
	dial    dialer
	within  netip.Prefix
	serving map[key]*server
}

// server is one port of a Service.
type server struct {
	dialer    dialer
	endpoints atomic.Pointer[[]netip.AddrPort]
	end       context.CancelFunc
	ended     chan struct{}
}

func newUserspace(ctx context.Context, within netip.Prefix, dial dialer) (*userspace, error) {
	return &userspace{life: ctx, dial: dial, within: within, serving: map[key]*server{}}, own(within)
}

// own makes addresses the namespace's.
func own(p netip.Prefix) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("interface lo: %w", err)
	}
	err = netlink.RouteAdd(&netlink.Route{
		LinkIndex: lo.Attrs().Index, Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
		Dst: &net.IPNet{IP: p.Masked().Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 32)},
	})
	if err != nil && !errors.Is(err, syscall.EEXIST) {
		return fmt.Errorf("local route to %s: %w", p, err)
	}
	return nil
}

// set goes as far as it can; connections that are established go on.
func (u *userspace) set(p plan) error {
	wanted := map[key]bool{}
	for _, t := range p.targets {
		wanted[t.key] = true
	}
	for k, s := range u.serving {
		if !wanted[k] {
			s.end()
			<-s.ended
			delete(u.serving, k)
		}
	}
	var errs []error
	for _, t := range p.targets {
		s := u.serving[t.key]
		if s == nil {
			var err error
			if s, err = u.serve(t.key); err != nil {
				errs = append(errs, err)
				continue
			}
			u.serving[t.key] = s
		}
		s.endpoints.Store(&t.endpoints)
	}
	for _, k := range p.refused {
		errs = append(errs, u.reach(k.address))
	}
	return errors.Join(errs...)
}

// reach makes a load balancer's address one of the namespace's.
func (u *userspace) reach(a netip.Addr) error {
	if u.within.Contains(a) {
		return nil
	}
	return own(netip.PrefixFrom(a, a.BitLen()))
}

func (u *userspace) serve(k key) (*server, error) {
	if err := u.reach(k.address); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(u.life)
	s := &server{dialer: u.dial, end: cancel, ended: make(chan struct{})}
	s.endpoints.Store(&[]netip.AddrPort{})
	run, err := s.listen(ctx, k)
	if err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(s.ended)
		_ = run() // ends with ctx; a listener that fails is one that refuses
	}()
	return s, nil
}

func (s *server) listen(ctx context.Context, k key) (run func() error, err error) {
	at := netip.AddrPortFrom(k.address, k.port)
	if k.protocol == unix.IPPROTO_UDP {
		pc, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		if err != nil {
			return nil, err
		}
		return func() error {
			return tunnel.ForwardUDP(ctx, pc, udpIdle, func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, "udp4") })
		}, nil
	}
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	return func() error {
		return tunnel.Forward(ctx, l, func(ctx context.Context) (net.Conn, error) { return s.dial(ctx, "tcp4") })
	}, nil
}

// dial connects to one of the endpoints by chance.
func (s *server) dial(ctx context.Context, network string) (net.Conn, error) {
	all := *s.endpoints.Load()
	if len(all) == 0 {
		return nil, syscall.ECONNREFUSED
	}
	return s.dialer(ctx, network, all[rand.IntN(len(all))].String())
}
