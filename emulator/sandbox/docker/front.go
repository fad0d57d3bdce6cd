package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Public addresses: a loopback address of the sandbox's own on this host, on
// which this process serves the sandbox's ports and carries each connection
// through the tunnel. The ports are bound with Up, so that the address can be
// told; nothing that connects before the workload listens gets more than a
// reset. Whose each address is says a book, which tasks share with the load
// balancers of clusters; one stays a sandbox's until that is forgotten.

// udpIdle ends a flow of datagrams in which nothing came for so long.
const udpIdle = time.Minute

// port is a port of a workload, "80/tcp".
type port struct {
	number   uint16
	protocol string
}

func (p port) String() string { return fmt.Sprintf("%d/%s", p.number, p.protocol) }

// front is what the host sees of a sandbox.
type front struct {
	address netip.Addr
	ports   map[port]uint16 // where each is found at the address
	notes   []string
	end     context.CancelFunc
	serving sync.WaitGroup
}

// moved tells the ports that could not keep their numbers, as
// sandbox.Address.PublicPorts has them.
func (f *front) moved() map[string]uint16 {
	var all map[string]uint16
	for p, at := range f.ports {
		if at != p.number {
			if all == nil {
				all = map[string]uint16{}
			}
			all[p.String()] = at
		}
	}
	return all
}

func (f *front) close() {
	f.end()
	f.serving.Wait()
}

// ownerKind is what the book of addresses has sandboxes under.
const ownerKind = "sandbox/"

// publish gives the sandbox its public address, if it is to have one.
func (r *Runtime) publish(s *sandbox.Spec, b *box) {
	if !s.Network.Public {
		return
	}
	wish := map[port]uint16{}
	for _, c := range s.Containers {
		for _, p := range c.Ports {
			if p.Number > 0 && (p.Protocol == "" || p.Protocol == "tcp" || p.Protocol == "udp") {
				q := port{p.Number, p.Protocol}
				if q.protocol == "" {
					q.protocol = "tcp"
				}
				wish[q] = q.number
			}
		}
	}
	r.expose(b, netip.Addr{}, wish)
}

// republish takes up the public address that the labels of the workload tell.
func (r *Runtime) republish(b *box, workloads []container.Summary) {
	for _, w := range workloads {
		if address, ports, err := parsePublicLabel(w.Labels[labelPublic]); err == nil {
			r.expose(b, address, ports)
			return
		}
	}
}

// expose serves the ports unless that is done already. at is an address that
// must be kept, or the zero value.
func (r *Runtime) expose(b *box, at netip.Addr, wish map[port]uint16) {
	r.mu.Lock()
	done := b.front != nil
	r.mu.Unlock()
	if done {
		return
	}
	f, sockets := r.openFront(b.id(), at, wish)
	ctx, cancel := context.WithCancel(r.life)
	f.end = cancel
	for p, s := range sockets {
		f.serving.Go(func() { r.serve(ctx, b, p, s) })
	}
	r.mu.Lock()
	b.front = f
	r.mu.Unlock()
}

// socket is a bound port of the host.
type socket struct {
	listener net.Listener
	packets  net.PacketConn
}

func (s socket) close() {
	if s.listener != nil {
		s.listener.Close()
	}
	if s.packets != nil {
		s.packets.Close()
	}
}

// openFront binds all ports at one address: at, when that must be kept, else
// one that the book gives. It always comes to a front: where a port cannot be
// had, others stand in and notes say so.
func (r *Runtime) openFront(id string, at netip.Addr, wish map[port]uint16) (*front, map[port]socket) {
	f := &front{}
	var sockets map[port]socket
	bind := func(a netip.Addr, force bool) (err error) {
		sockets, err = f.bind(a, wish, force)
		return err
	}
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1}) // many may have it, each with ports of its own
	f.address = at
	var err error
	switch {
	case at == local:
		err = bind(at, true)
	case at.IsValid():
		if err = r.options.Addresses.Claim(ownerKind+id, at); err == nil {
			err = bind(at, true)
		}
	default:
		f.address, err = r.options.Addresses.Take(ownerKind+id, bind)
	}
	if err == nil {
		return f, sockets
	}
	f.notes = append(f.notes, fmt.Sprintf("the public address is %s with ports of its own: this host cannot listen on %s: %v", local, r.options.Addresses.Within(), err))
	free := map[port]uint16{}
	for p := range wish {
		free[p] = 0
	}
	sockets, err = f.bind(local, free, true)
	if err != nil {
		f.notes = append(f.notes, "ports cannot be reached from the host: "+err.Error())
	}
	f.address = local
	return f, sockets
}

// bind binds all ports at an address, or none. A port that this user may not
// bind, or with force one that is in use, gets another number.
func (f *front) bind(a netip.Addr, wish map[port]uint16, force bool) (map[port]socket, error) {
	sockets := map[port]socket{}
	f.ports = map[port]uint16{}
	var notes []string
	for _, p := range sortedPorts(wish) {
		s, at, err := listen(a, p.protocol, wish[p])
		if err != nil && (errors.Is(err, os.ErrPermission) || force && errors.Is(err, syscall.EADDRINUSE)) {
			reason := err
			if s, at, err = listen(a, p.protocol, 0); err == nil {
				notes = append(notes, fmt.Sprintf("port %s is found at %s: %v", p, netip.AddrPortFrom(a, at), reason))
			}
		}
		if err != nil {
			for _, s := range sockets {
				s.close()
			}
			return nil, err
		}
		sockets[p], f.ports[p] = s, at
	}
	f.notes = append(f.notes, notes...)
	return sockets, nil
}

func listen(a netip.Addr, protocol string, number uint16) (socket, uint16, error) {
	address := netip.AddrPortFrom(a, number)
	if protocol == "udp" {
		c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(address))
		if err != nil {
			return socket{}, 0, err
		}
		return socket{packets: c}, c.LocalAddr().(*net.UDPAddr).AddrPort().Port(), nil
	}
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(address))
	if err != nil {
		return socket{}, 0, err
	}
	return socket{listener: l}, l.Addr().(*net.TCPAddr).AddrPort().Port(), nil
}

// serve carries one port's traffic until ctx ends.
func (r *Runtime) serve(ctx context.Context, b *box, p port, s socket) {
	dial := func(ctx context.Context) (net.Conn, error) { return r.dialPort(ctx, b, p) }
	var err error
	if s.listener != nil {
		err = tunnel.Forward(ctx, s.listener, dial)
	} else {
		err = tunnel.ForwardUDP(ctx, s.packets, udpIdle, dial)
	}
	if err != nil {
		r.log.Error().Err(err).Str("sandbox", b.id()).Stringer("port", p).Msg("public port is no longer served")
	}
}

// dialTimeout is for a connection within the sandbox.
const dialTimeout = 10 * time.Second

// dialPort connects to the workload: on loopback, or at the sandbox's address
// when it listens there only. A UDP port gives no sign, so it is the address
// that every server bound to all of them has too.
func (r *Runtime) dialPort(ctx context.Context, b *box, p port) (net.Conn, error) {
	l := r.linkOf(b)
	if l == nil {
		return nil, errNoSandbox
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	t, err := l.get(ctx)
	if err != nil {
		return nil, err
	}
	number := strconv.Itoa(int(p.number))
	c, err := t.Dial(ctx, p.protocol, net.JoinHostPort("127.0.0.1", number))
	if errors.Is(err, syscall.ECONNREFUSED) {
		return t.Dial(ctx, p.protocol, net.JoinHostPort(b.place.ip.String(), number))
	}
	return c, err
}

func sortedPorts(all map[port]uint16) []port {
	var ports []port
	for p := range all {
		ports = append(ports, p)
	}
	slices.SortFunc(ports, func(a, b port) int { return strings.Compare(a.String(), b.String()) })
	return ports
}

// publicLabel tells a later process where the ports are found:
// "127.64.3.9 53/udp=53 80/tcp=41234".
func publicLabel(f *front) string {
	text := f.address.String()
	for _, p := range sortedPorts(f.ports) {
		text += fmt.Sprintf(" %s=%d", p, f.ports[p])
	}
	return text
}

func parsePublicLabel(text string) (netip.Addr, map[port]uint16, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return netip.Addr{}, nil, errors.New("no public address")
	}
	address, err := netip.ParseAddr(fields[0])
	if err != nil {
		return netip.Addr{}, nil, err
	}
	ports := map[port]uint16{}
	for _, f := range fields[1:] {
		var p port
		var at uint16
		key, value, _ := strings.Cut(f, "=")
		number, protocol, _ := strings.Cut(key, "/")
		if _, err := fmt.Sscan(number+" "+value, &p.number, &at); err != nil {
			return netip.Addr{}, nil, fmt.Errorf("public port %q: %w", f, err)
		}
		p.protocol = protocol
		ports[p] = at
	}
	return address, ports, nil
}
