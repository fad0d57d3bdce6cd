package resolver

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// privateTTL is what the VPC's resolver gives its names, in seconds.
const privateTTL = 60

// private answers EC2's private names, ip-10-0-1-23.ec2.internal in us-east-1
// and ip-10-0-1-23.<region>.compute.internal elsewhere, nil for others. The
// name says the address itself, so that no machine need exist.
func private(query *dns.Msg) *dns.Msg {
	q := query.Question[0]
	name := dns.CanonicalName(q.Name)
	a, zone, ok := privateAddress(name)
	if !ok || q.Qclass != dns.ClassINET {
		return nil
	}
	e := entry{addresses: []netip.Addr{a}, ttl: privateTTL}
	m := new(dns.Msg).SetReply(query)
	m.RecursionAvailable = true
	if m.Answer = e.records(q, 0); len(m.Answer) == 0 {
		m.Ns = []dns.RR{soa(zone)}
	}
	if opt := query.IsEdns0(); opt != nil {
		m.SetEdns0(maxUDP, false)
	}
	return m
}

func privateAddress(name string) (a netip.Addr, zone string, ok bool) {
	host, zone, _ := strings.Cut(name, ".")
	dashed, isIP := strings.CutPrefix(host, "ip-")
	region, isRegion := strings.CutSuffix(zone, ".compute.internal.")
	if !isIP || zone != "ec2.internal." && (!isRegion || region == "" || strings.Contains(region, ".")) {
		return a, "", false
	}
	a, ok = dashedAddress(dashed)
	return a, zone, ok
}
