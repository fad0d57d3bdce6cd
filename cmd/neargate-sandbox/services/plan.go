//go:build linux

package services

import (
	"cmp"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"golang.org/x/sys/unix"
)

// What a table of Services comes to, as a pure function.

// key is where a connection is made to.
type key struct {
	address  netip.Addr
	protocol byte
	port     uint16
}

func compareKeys(a, b key) int {
	return cmp.Or(a.address.Compare(b.address), cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.port, b.port))
}

// target is a key with somebody behind it.
type target struct {
	key
	endpoints []netip.AddrPort // never empty
}

// plan is a table in order.
type plan struct {
	targets []target
	refused []key // without endpoints
}

// makePlan leaves out what the namespace cannot reach at all: it has IPv4, and
// only TCP and UDP are translated. Two Services with one address and port
// share their endpoints. Where single is true each key gets one endpoint, as
// sticky Services do: always the same one for the same seed while it exists.
func makePlan(all []tunnel.Service, seed uint64, single bool) plan {
	found := map[key][]netip.AddrPort{}
	for _, s := range all {
		for _, p := range s.Ports {
			protocol, ok := protocols[p.Protocol]
			if !ok {
				continue
			}
			endpoints := reachable(p.Endpoints)
			for _, a := range s.Addresses {
				if a = a.Unmap(); !a.Is4() {
					continue
				}
				k := key{a, protocol, p.Port}
				mine := endpoints
				if s.Sticky || single {
					mine = stick(endpoints, seed)
				}
				found[k] = append(found[k], mine...)
			}
		}
	}
	var pl plan
	for k, endpoints := range found {
		if len(endpoints) == 0 {
			pl.refused = append(pl.refused, k)
			continue
		}
		slices.SortFunc(endpoints, netip.AddrPort.Compare)
		pl.targets = append(pl.targets, target{k, slices.Compact(endpoints)})
	}
	slices.SortFunc(pl.targets, func(a, b target) int { return compareKeys(a.key, b.key) })
	slices.SortFunc(pl.refused, compareKeys)
	return pl
}

var protocols = map[string]byte{"tcp": unix.IPPROTO_TCP, "udp": unix.IPPROTO_UDP}

func reachable(all []netip.AddrPort) []netip.AddrPort {
	var some []netip.AddrPort
	for _, e := range all {
		if a := e.Addr().Unmap(); a.Is4() {
			some = append(some, netip.AddrPortFrom(a, e.Port()))
		}
	}
	return some
}

// stick chooses one endpoint by the highest hash, so that the choice changes
// only when the chosen one goes, or a better one comes.
func stick(all []netip.AddrPort, seed uint64) []netip.AddrPort {
	if len(all) < 2 {
		return all
	}
	return []netip.AddrPort{slices.MaxFunc(all, func(a, b netip.AddrPort) int {
		return cmp.Compare(weight(a, seed), weight(b, seed))
	})}
}

// weight leaves the endpoint's port out: the ports of one Service lead to the
// same pod.
func weight(e netip.AddrPort, seed uint64) uint64 {
	a := e.Addr().As4()
	return rand.NewPCG(seed, uint64(binary.BigEndian.Uint32(a[:]))).Uint64()
}

// counts are the different numbers of endpoints, in order.
func (p plan) counts() []int {
	var all []int
	for _, t := range p.targets {
		all = append(all, len(t.endpoints))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// without leaves out the keys that are answered otherwise.
func (p plan) without(own map[key]bool) plan {
	return plan{
		targets: slices.DeleteFunc(p.targets, func(t target) bool { return own[t.key] }),
		refused: slices.DeleteFunc(p.refused, func(k key) bool { return own[k] }),
	}
}

func (p plan) hasUDP() bool {
	return slices.ContainsFunc(p.targets, func(t target) bool { return t.protocol == unix.IPPROTO_UDP }) ||
		slices.ContainsFunc(p.refused, func(k key) bool { return k.protocol == unix.IPPROTO_UDP })
}

// minus leaves out what is the same in q.
func (p plan) minus(q plan) plan {
	same := make(map[key][]netip.AddrPort, len(q.targets)+len(q.refused))
	for _, t := range q.targets {
		same[t.key] = t.endpoints
	}
	for _, k := range q.refused {
		same[k] = nil
	}
	var left plan
	for _, t := range p.targets {
		if !slices.Equal(same[t.key], t.endpoints) {
			left.targets = append(left.targets, t)
		}
	}
	for _, k := range p.refused {
		if endpoints, known := same[k]; !known || endpoints != nil {
			left.refused = append(left.refused, k)
		}
	}
	return left
}
