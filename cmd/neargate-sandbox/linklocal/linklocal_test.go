//go:build linux

package linklocal_test

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const limit = time.Minute

// inNamespace runs f on a thread in a fresh network namespace. The thread ends
// with f, so f may change more of it.
func inNamespace(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to make network namespaces")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: Go ends the thread
		ns, err := netns.New()
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		defer close(done) // also when f calls t.Fatal
		f()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// says answers each connection to l with text.
func says(l net.Listener, text string) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, text)
			c.Close()
		}
	}()
}

func saysPacket(pc net.PacketConn, text string) {
	go func() {
		p := make([]byte, 100)
		for {
			_, from, err := pc.ReadFrom(p)
			if err != nil {
				return
			}
			pc.WriteTo([]byte(text), from)
		}
	}()
}

// who tells what answers at an address.
func who(t *testing.T, network, address string) string {
	t.Helper()
	c, err := net.DialTimeout(network, address, limit)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(limit))
	if network == "udp" {
		io.WriteString(c, "?")
	}
	p := make([]byte, 100)
	n, err := c.Read(p)
	if err != nil {
		return err.Error()
	}
	return string(p[:n])
}

func wantWho(t *testing.T, network, address, want string) {
	t.Helper()
	if got := who(t, network, address); got != want {
		t.Errorf("%s %s is answered by %q, want %q", network, address, got, want)
	}
}

func serve(t *testing.T, l *linklocal.Listeners, suffix string) {
	t.Helper()
	t.Cleanup(l.Close)
	says(l.Metadata, "metadata"+suffix)
	says(l.Agent, "agent"+suffix)
	if l.DNS != nil {
		says(l.DNS, "dns"+suffix)
		saysPacket(l.DNSUDP, "dns"+suffix)
	}
}

// workload takes port 80 and 53 of all addresses, as a task may.
func workload(t *testing.T) {
	t.Helper()
	for _, port := range []string{"80", "53"} {
		l, err := net.Listen("tcp4", "0.0.0.0:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		says(l, "workload")
	}
	pc, err := net.ListenPacket("udp4", "0.0.0.0:53")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	saysPacket(pc, "workload")
}

func TestRedirects(t *testing.T) {
	inNamespace(t, func() {
		l, err := linklocal.Listen(true)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Warnings) != 0 {
			t.Fatal(l.Warnings)
		}
		serve(t, l, "")
		workload(t)
		see := func() {
			t.Helper()
			wantWho(t, "tcp", "169.254.170.2:80", "metadata")
			wantWho(t, "tcp", "169.254.170.23:80", "agent")
			wantWho(t, "tcp", "169.254.169.253:53", "dns")
			wantWho(t, "udp", "169.254.169.253:53", "dns")
			wantWho(t, "tcp", "127.0.0.1:80", "workload")
			wantWho(t, "tcp", "127.0.0.1:53", "workload")
			wantWho(t, "udp", "127.0.0.1:53", "workload")
		}
		see()

		again, err := linklocal.Listen(true) // beside the first: on other ports
		if err != nil {
			t.Fatal(err)
		}
		serve(t, again, " again")
		wantWho(t, "tcp", "169.254.170.2:80", "metadata again")
		wantWho(t, "udp", "169.254.169.253:53", "dns again")
	})
}

func TestRedirectsForOtherUsers(t *testing.T) {
	inNamespace(t, func() {
		l, err := linklocal.Listen(true)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, "")
		// The raw call changes this thread only.
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
			t.Fatal(errno)
		}
		wantWho(t, "tcp", "169.254.170.2:80", "metadata")
		wantWho(t, "udp", "169.254.169.253:53", "dns")
	})
}

func TestWithoutDNS(t *testing.T) {
	inNamespace(t, func() {
		l, err := linklocal.Listen(false)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, "")
		if l.DNS != nil || l.DNSUDP != nil {
			t.Error("a resolver was asked for by nobody")
		}
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			t.Fatal(err)
		}
		addresses, err := netlink.AddrList(lo, netlink.FAMILY_V4)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addresses {
			if a.IP.Equal(linklocal.Resolver().AsSlice()) {
				t.Errorf("lo has %v", a)
			}
		}
		wantWho(t, "tcp", "169.254.170.2:80", "metadata")
	})
}

func TestWithoutNftables(t *testing.T) {
	inNamespace(t, func() {
		l, err := linklocal.ListenWithout(true, syscall.EPROTONOSUPPORT)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, "")
		if len(l.Warnings) != 1 || !strings.Contains(l.Warnings[0], "nftables") || !strings.Contains(l.Warnings[0], "0.0.0.0:80") {
			t.Errorf("warnings %q", l.Warnings)
		}
		wantWho(t, "tcp", "169.254.170.2:80", "metadata")
		wantWho(t, "udp", "169.254.169.253:53", "dns")
		wantWho(t, "tcp", "169.254.169.253:53", "dns")
	})
}

// A neighbour on the subnet must not get at a task's credentials.
func TestNeighboursAreKeptOut(t *testing.T) {
	inNamespace(t, func() {
		sandbox, err := netns.Get()
		if err != nil {
			t.Fatal(err)
		}
		defer sandbox.Close()
		l, err := linklocal.Listen(true)
		if err != nil {
			t.Fatal(err)
		}
		serve(t, l, "")
		workload(t)
		neighbour, err := netns.New()
		if err != nil {
			t.Fatal(err)
		}
		defer neighbour.Close()
		pair := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "eth0"}, PeerName: "eth0", PeerNamespace: netlink.NsFd(sandbox)}
		if err := netlink.LinkAdd(pair); err != nil {
			t.Fatal(err)
		}
		setUp(t, "10.9.0.2/24")
		enter(t, sandbox)
		setUp(t, "10.9.0.1/24")
		seeInterfaces(t)
		high := l.Metadata.Addr().String()

		enter(t, neighbour)
		if err := netlink.RouteAdd(&netlink.Route{Dst: netlink.NewIPNet(linklocal.Metadata().AsSlice()), Gw: net.IPv4(10, 9, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		wantWho(t, "tcp", "10.9.0.1:80", "workload") // they can talk
		for _, address := range []string{high, "169.254.170.2:80"} {
			c, err := net.DialTimeout("tcp", address, 300*time.Millisecond)
			if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
				t.Errorf("a neighbour reaches %s: %v, %v", address, c, err)
			}
		}
	})
}

func enter(t *testing.T, ns netns.NsHandle) {
	t.Helper()
	if err := netns.Set(ns); err != nil {
		t.Fatal(err)
	}
}

func setUp(t *testing.T, address string) {
	t.Helper()
	eth, err := netlink.LinkByName("eth0")
	if err != nil {
		t.Fatal(err)
	}
	a, err := netlink.ParseAddr(address)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(netlink.AddrAdd(eth, a), netlink.LinkSetUp(eth)); err != nil {
		t.Fatal(err)
	}
}

func seeInterfaces(t *testing.T) {
	t.Helper()
	all, err := linklocal.Interfaces()
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	i := all[0]
	if i.Name != "eth0" || len(i.MAC) != 17 || i.MTU != 1500 || len(i.Addresses) == 0 || i.Addresses[0].String() != "10.9.0.1/24" {
		t.Errorf("%+v", i)
	}
	addresses, err := linklocal.Addresses()
	if err != nil || len(addresses) != len(i.Addresses) || addresses[0] != i.Addresses[0] {
		t.Errorf("%v, %v", addresses, err)
	}
}
