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
	pods    bool                // zones have names of pods' addresses, see podAddress
}

type entry struct {
	addresses []netip.Addr
	alias     string // canonical; "" for none
	servers   []server
	pointer   string // canonical; "" for none
	ttl       uint32
}

// server is a target of an SRV record.
type server struct {
	target string // canonical
	port   uint16
}

// reply is an answer of our own.
type reply struct {
	rcode                         int
	answer, authority, additional []dns.RR
	alias                         string // what is to be resolved besides; "" for nothing
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
	next.findParents()
	return next, nil
}

func (t *table) findParents() {
	for name := range t.names {
		for up := parent(name); up != "."; up = parent(up) {
			if _, known := t.parents[up]; known {
				break // and so are those above it
			}
			t.parents[up] = struct{}{}
		}
	}
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
	if a, ok := podAddress(name, zone); ok && inZone && !known && t.pods {
		e, known = entry{addresses: []netip.Addr{a}, ttl: clusterTTL}, true
	}
	if q.Qclass != dns.ClassINET && q.Qclass != dns.ClassANY || !known && !inZone {
		return reply{}, false
	}
	var r reply
	if known {
		r.answer = e.records(q, turn)
		r.additional = t.addressesOf(e.servers, q)
		if e.alias != "" && q.Qtype != dns.TypeCNAME && q.Qtype != dns.TypeANY {
			r.alias = e.alias
		}
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

// records are the entry's that answer q. A name with an alias has nothing else.
func (e entry) records(q dns.Question, turn int) []dns.RR {
	if e.alias != "" {
		return []dns.RR{&dns.CNAME{Hdr: e.head(q.Name, dns.TypeCNAME), Target: e.alias}}
	}
	asked := func(kind uint16) bool { return q.Qtype == kind || q.Qtype == dns.TypeANY }
	all := e.addressRecords(q.Name, asked(dns.TypeA), asked(dns.TypeAAAA))
	if len(all) > 1 {
		first := turn % len(all)
		all = append(all[first:len(all):len(all)], all[:first]...)
	}
	if asked(dns.TypeSRV) {
		for _, s := range e.servers {
			all = append(all, &dns.SRV{
				Hdr: e.head(q.Name, dns.TypeSRV), Weight: uint16(100 / len(e.servers)), Port: s.port, Target: s.target,
			})
		}
	}
	if asked(dns.TypePTR) && e.pointer != "" {
		all = append(all, &dns.PTR{Hdr: e.head(q.Name, dns.TypePTR), Ptr: e.pointer})
	}
	return all
}

func (e entry) addressRecords(name string, v4, v6 bool) (all []dns.RR) {
	for _, a := range e.addresses {
		switch {
		case a.Is4() && v4:
			all = append(all, &dns.A{Hdr: e.head(name, dns.TypeA), A: a.AsSlice()})
		case a.Is6() && v6:
			all = append(all, &dns.AAAA{Hdr: e.head(name, dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
	return all
}

func (e entry) head(name string, kind uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: kind, Class: dns.ClassINET, Ttl: e.ttl}
}

// addressesOf saves the client who asks for servers another question.
func (t *table) addressesOf(servers []server, q dns.Question) (all []dns.RR) {
	if q.Qtype != dns.TypeSRV {
		return nil
	}
	told := map[string]bool{}
	for _, s := range servers {
		if !told[s.target] {
			all = append(all, t.names[s.target].addressRecords(s.target, true, true)...)
		}
		told[s.target] = true
	}
	return all
}

// soa goes with answers that say "none": its TTL is theirs, RFC 2308.
func soa(zone string) dns.RR {
	return &dns.SOA{
		Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: absentTTL},
		Ns:  "ns." + zone, Mbox: "hostmaster." + zone,
		Serial: 1, Refresh: 7200, Retry: 900, Expire: 1209600, Minttl: absentTTL,
	}
}
