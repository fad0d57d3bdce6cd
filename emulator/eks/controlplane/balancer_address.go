package controlplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"sync"
	"syscall"
)

// fronts are the addresses of this host that load balancers have, of all
// clusters.
type fronts struct {
	within netip.Prefix

	mu    sync.Mutex
	taken map[netip.Addr]string // by whom
}

func newFronts(within netip.Prefix) *fronts {
	return &fronts{within: within, taken: map[netip.Addr]string{}}
}

// loopback stands in where the host has none of the addresses. It is nobody's
// own: what counts is that the ports are free.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// maxFronts bounds the search for an address whose ports are all free.
const maxFronts = 32

// take finds an address at which all of the ports can be listened on: the one
// that was had before, else one that is always the same for the same owner
// unless others are there.
func (f *fronts) take(owner string, before netip.Addr, ports []balancerPort) (netip.Addr, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	candidates := candidates(owner, f.within, maxFronts)
	if before.IsValid() && f.within.Contains(before) {
		candidates = append([]netip.Addr{before}, candidates...)
	}
	var why error
	for _, a := range candidates {
		if f.taken[a] != "" {
			continue
		}
		p, err := tryPorts(a, ports)
		if err == nil {
			f.taken[a] = owner
			return a, nil
		}
		why = explained(a, p, err)
		if errors.Is(err, syscall.EADDRNOTAVAIL) { // macOS has one loopback address only
			if p, err := tryPorts(loopback, ports); err != nil {
				return netip.Addr{}, explained(loopback, p, err)
			}
			return loopback, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return netip.Addr{}, why // it would be the same with every address
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of %s is free: %w", f.within, why)
}

// free gives an address back.
func (f *fronts) free(a netip.Addr, owner string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.taken[a] == owner {
		delete(f.taken, a)
	}
}

// tryPorts tells whether all ports can be listened on, and which one cannot.
func tryPorts(a netip.Addr, ports []balancerPort) (balancerPort, error) {
	for _, p := range ports {
		s, err := listenOn(a, p)
		if err != nil {
			return p, err
		}
		s.close()
	}
	return balancerPort{}, nil
}

// candidates are the addresses that an owner may have, in the order in which
// they are tried.
func candidates(owner string, within netip.Prefix, n int) []netip.Addr {
	h := fnv.New32a()
	h.Write([]byte(owner)) // never fails
	first := within.Masked().Addr().As4()
	usable := uint32(1)<<(32-within.Bits()) - 2
	start := h.Sum32() % usable
	all := make([]netip.Addr, 0, n)
	for i := range min(uint32(n), usable) {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(first[:])+1+(start+i)%usable)
		all = append(all, netip.AddrFrom4(b))
	}
	return all
}
