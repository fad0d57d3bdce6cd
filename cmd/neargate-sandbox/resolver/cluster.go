package resolver

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// A cluster's DNS, as CoreDNS answers it in EKS: names of Services and of pods
// behind them out of the table, addresses of pods out of the names themselves.

// clusterTTL is CoreDNS's, in seconds.
const clusterTTL = 5

// NewCluster makes the DNS of a cluster whose pods ask next for all names that
// are not the cluster's.
func NewCluster(next *Resolver) *Resolver {
	r := New(nil)
	r.next = next
	return r
}

// SetServices replaces the table; one that is not valid changes nothing.
func (r *Resolver) SetServices(s tunnel.Services) error {
	t, err := clusterTable(s)
	if err != nil {
		return &tunnel.Error{Kind: tunnel.Invalid, Text: err.Error()}
	}
	r.table.Store(t)
	return nil
}

func clusterTable(s tunnel.Services) (*table, error) {
	t := &table{names: make(map[string]entry, len(s.Names)), zones: map[string]struct{}{}, parents: map[string]struct{}{}, pods: true}
	for _, zone := range s.Zones {
		name, err := canonical(zone)
		if err != nil {
			return nil, err
		}
		t.zones[name] = struct{}{}
	}
	for text, n := range s.Names {
		name, err := canonical(text)
		if err != nil {
			return nil, err
		}
		if t.names[name], err = entryOf(n); err != nil {
			return nil, fmt.Errorf("name %s: %w", text, err)
		}
	}
	t.findParents()
	return t, nil
}

func entryOf(n tunnel.Name) (e entry, err error) {
	e.ttl = n.TTL
	if e.ttl == 0 {
		e.ttl = clusterTTL
	}
	for _, a := range n.Addresses {
		if !a.IsValid() || a.Zone() != "" {
			return e, fmt.Errorf("%q is no address for DNS", a)
		}
		e.addresses = append(e.addresses, a.Unmap())
	}
	if n.Alias != "" {
		if e.alias, err = canonical(n.Alias); err != nil {
			return e, err
		}
	}
	if n.Pointer != "" {
		if e.pointer, err = canonical(n.Pointer); err != nil {
			return e, err
		}
	}
	for _, s := range n.Servers {
		target, err := canonical(s.Target)
		if err != nil {
			return e, err
		}
		e.servers = append(e.servers, server{target, s.Port})
	}
	return e, nil
}

// podAddress reads the address out of 10-0-1-23.default.pod.cluster.local.
// As with EKS's CoreDNS ("pods insecure") nobody looks whether there is such
// a pod.
func podAddress(name, zone string) (netip.Addr, bool) {
	rest, ok := strings.CutSuffix(name, ".pod."+zone)
	dashed, namespace, both := strings.Cut(rest, ".")
	if !ok || !both || namespace == "" || strings.Contains(namespace, ".") {
		return netip.Addr{}, false
	}
	return dashedAddress(dashed)
}

// dashedAddress reads 10-0-1-23.
func dashedAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.ReplaceAll(text, "-", "."))
	return a, err == nil && a.Is4()
}
