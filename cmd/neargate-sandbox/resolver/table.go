package resolver

import (
	"fmt"
	"maps"
	"net/netip"

	"github.com/miekg/dns"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// table is what the emulator has told; it never changes once made.
type table struct {
	names   map[string]entry    // by canonical name
	zones   map[string]struct{} // by canonical name
	parents map[string]struct{} // names that only have names under them
}

type entry struct {
	addresses []netip.Addr
	ttl       uint32
}

// reply is an answer of our own.
type reply struct {
	rcode             int
	answer, authority []dns.RR
}

// absentTTL is for how long, in seconds, clients may remember that a name does
// not exist. Short, because a task asks for its peers before they are up.
const absentTTL = 5

// with returns t changed by n.
func (t *table) with(n tunnel.Names) (*table, error) {
	next := &table{names: map[string]entry{}, zones: map[string]struct{}{}, parents: map[string]struct{}{}}
	if !n.Replace {
		maps.Copy(next.names, t.names)
		maps.Copy(next.zones, t.zones)
	}
	for _, zone := range n.Zones {
		name, err := canonical(zone)
		if err != nil {
			return nil, err
		}
		next.zones[name] = struct{}{}
	}
	for _, removed := range n.Remove {
		name, err := canonical(removed)
		if err != nil {
			return nil, err
		}
		delete(next.names, name)
	}
	for text, addresses := range n.Set {
		name, err := canonical(text)
		if err != nil {
			return nil, err
		}
		e := entry{ttl: n.TTL}
		for _, a := range addresses {
			if !a.IsValid() || a.Zone() != "" {
				return nil, fmt.Errorf("name %s: %q is no address for DNS", text, a)
			}
			e.addresses = append(e.addresses, a.Unmap())
		}
		next.names[name] = e
	}
	for name := range next.names {
		for up := parent(name); up != "."; up = parent(up) {
			next.parents[up] = struct{}{}
		}
	}
	return next, nil
}

func canonical(name string) (string, error) {
	if _, ok := dns.IsDomainName(name); !ok || name == "" || name == "." {
		return "", fmt.Errorf("%q is no domain name", name)
	}
	return dns.CanonicalName(name), nil
}

func parent(name string) string {
	if i, end := dns.NextLabel(name, 0); !end {
		return name[i:]
	}
	return "."
}

// answer returns what is known about q, and false when that is for others to
// say. turn rotates the addresses, so that clients which take the first one spread.
func (t *table) answer(q dns.Question, turn int) (reply, bool) {
	name := dns.CanonicalName(q.Name)
	zone, inZone := t.zoneOf(name)
	e, known := t.names[name]
	if q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY || !known && !inZone {
		return reply{}, false
	}
	var r reply
	if known {
		r.answer = e.records(q, turn)
	} else if _, isParent := t.parents[name]; !isParent && name != zone {
		r.rcode = dns.RcodeNameError
	}
	if len(r.answer) == 0 && inZone {
		r.authority = []dns.RR{soa(zone)}
	}
	if q.Qtype == dns.TypeSOA && name == zone {
		r.answer, r.authority = r.authority, nil
	}
	return r, true
}

// zoneOf finds the innermost zone that name is in.
func (t *table) zoneOf(name string) (string, bool) {
	for z := name; z != "."; z = parent(z) {
		if _, ok := t.zones[z]; ok {
			return z, true
		}
	}
	return "", false
}

func (e entry) records(q dns.Question, turn int) []dns.RR {
	var all []dns.RR
	for _, a := range e.addresses {
		head := dns.RR_Header{Name: q.Name, Class: dns.ClassINET, Ttl: e.ttl}
		switch {
		case a.Is4() && (q.Qtype == dns.TypeA || q.Qtype == dns.TypeANY):
			head.Rrtype = dns.TypeA
			all = append(all, &dns.A{Hdr: head, A: a.AsSlice()})
		case a.Is6() && (q.Qtype == dns.TypeAAAA || q.Qtype == dns.TypeANY):
			head.Rrtype = dns.TypeAAAA
			all = append(all, &dns.AAAA{Hdr: head, AAAA: a.AsSlice()})
		}
	}
	if len(all) < 2 {
		return all
	}
	first := turn % len(all)
	return append(all[first:len(all):len(all)], all[:first]...)
}

// soa goes with answers that say "none": its TTL is theirs, RFC 2308.
func soa(zone string) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: absentTTL},
		Ns:  "ns." + zone, Mbox: "hostmaster." + zone,
		Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: absentTTL,
	}
}
