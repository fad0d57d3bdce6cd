package controlplane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// socket is a port of this host.
type socket struct {
	listener net.Listener
	packets  net.PacketConn
}

func listenOn(a netip.Addr, p balancerPort) (s socket, err error) {
	at := netip.AddrPortFrom(a, p.number).String()
	if p.protocol == "udp" {
		s.packets, err = net.ListenPacket("udp", at)
	} else {
		s.listener, err = net.Listen("tcp", at)
	}
	return s, err
}

func (s socket) close() {
	if s.packets != nil {
		s.packets.Close()
	} else {
		s.listener.Close()
	}
}

// forward carries traffic until ctx ends.
func (s socket) forward(ctx context.Context, dial func(context.Context) (net.Conn, error)) error {
	if s.packets != nil {
		return tunnel.ForwardUDP(ctx, s.packets, udpIdle, dial)
	}
	return tunnel.Forward(ctx, s.listener, dial)
}

// udpIdle ends a flow of datagrams in which nothing came for so long.
const udpIdle = time.Minute

// explained says what can be done about a port that cannot be had.
func explained(a netip.Addr, p balancerPort, err error) error {
	at := netip.AddrPortFrom(a, p.number)
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("this user may not listen on %s: %w; on Linux, sysctl net.ipv4.ip_unprivileged_port_start=0 lets every user", at, err)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program listens on %s", at)
	}
	return fmt.Errorf("cannot listen on %s: %w", at, err)
}
