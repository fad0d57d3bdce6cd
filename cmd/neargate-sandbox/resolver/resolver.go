// Package resolver has the sandbox's DNS servers. One stands for the VPC's: it
// answers the names that the emulator has told it, and EC2's private names,
// and asks the container's own DNS servers for all others. A pod has another
// one besides, which stands for its cluster's and passes on to the first what
// is not the cluster's.
package resolver

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Resolver answers DNS queries.
type Resolver struct {
	upstreams []string  // "host:port"
	next      *Resolver // who is asked instead of upstreams; nil for the VPC's
	table     atomic.Pointer[table]
	changing  sync.Mutex
	turn      atomic.Uint32
	room      chan struct{}
}

const (
	// upstreamWait bounds each try of a server. The clients' own time-out is
	// 5 s in both glibc and musl.
	upstreamWait = 2 * time.Second
	maxForwarded = 256 // queries under way to upstreams at once
	maxUDP       = 4096
)

// New makes a resolver that forwards to upstreams, each tried in turn.
func New(upstreams []netip.AddrPort) *Resolver {
	r := &Resolver{room: make(chan struct{}, maxForwarded)}
	for _, u := range upstreams {
		r.upstreams = append(r.upstreams, u.String())
	}
	r.table.Store(&table{})
	return r
}

// Upstreams reads the servers of a resolv.conf, those in without left out.
func Upstreams(file string, without ...netip.Addr) ([]netip.AddrPort, error) {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, err
	}
	var all []netip.AddrPort
next:
	for _, s := range c.Servers {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, w := range without {
			if a == w {
				continue next
			}
		}
		all = append(all, netip.AddrPortFrom(a, 53))
	}
	return all, nil
}

// SetNames changes the table; a change that is not valid changes nothing.
func (r *Resolver) SetNames(n tunnel.Names) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	t, err := r.table.Load().with(n)
	if err != nil {
		return &tunnel.Error{Kind: tunnel.Invalid, Text: err.Error()}
	}
	r.table.Store(t)
	return nil
}

// Serve answers on both until one fails, which is what closing it does.
func (r *Resolver) Serve(l net.Listener, pc net.PacketConn) error {
	failed := make(chan error, 2)
	go func() { failed <- (&dns.Server{Listener: l, Handler: r}).ActivateAndServe() }()
	go func() { failed <- (&dns.Server{PacketConn: pc, Handler: r, UDPSize: maxUDP}).ActivateAndServe() }()
	err := <-failed
	l.Close()
	pc.Close()
	return errors.Join(err, <-failed)
}

// ServeDNS answers one query. The server has made sure that it holds one
// question.
func (r *Resolver) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	_, udp := w.LocalAddr().(*net.UDPAddr)
	answer := r.answer(query)
	answer.Compress = true
	if udp {
		answer.Truncate(sizeFor(query))
	}
	_ = w.WriteMsg(answer) // fails when the client has gone
}

// sizeFor is the largest UDP answer that the client of query takes.
func sizeFor(query *dns.Msg) int {
	if opt := query.IsEdns0(); opt != nil {
		return min(max(int(opt.UDPSize()), dns.MinMsgSize), maxUDP)
	}
	return dns.MinMsgSize
}

func (r *Resolver) answer(query *dns.Msg) *dns.Msg {
	if query.Opcode != dns.OpcodeQuery || len(query.Question) != 1 {
		return new(dns.Msg).SetRcode(query, dns.RcodeNotImplemented)
	}
	t, turn := r.table.Load(), int(r.turn.Add(1))
	own, ok := t.answer(query.Question[0], turn)
	if !ok {
		return r.pass(query)
	}
	r.follow(t, turn, query, &own)
	m := new(dns.Msg).SetRcode(query, own.rcode)
	m.Authoritative, m.RecursionAvailable = true, true
	m.Answer, m.Ns, m.Extra = own.answer, own.authority, own.additional
	if opt := query.IsEdns0(); opt != nil {
		m.SetEdns0(maxUDP, false)
	}
	return m
}

// maxAliases bounds a chain of aliases, which may be a ring.
const maxAliases = 8

// follow resolves the alias of an answer, in the table for as long as that
// goes on, then elsewhere.
func (r *Resolver) follow(t *table, turn int, query *dns.Msg, a *reply) {
	q := query.Question[0]
	for range maxAliases {
		if a.alias == "" {
			return
		}
		q.Name = a.alias
		more, ok := t.answer(q, turn)
		if !ok {
			further := query.Copy()
			further.Question[0] = q
			m := r.pass(further)
			more = reply{rcode: m.Rcode, answer: m.Answer, authority: m.Ns}
		}
		more.answer = append(a.answer, more.answer...)
		*a = more
	}
	a.rcode, a.alias = dns.RcodeServerFailure, ""
}

// pass asks somebody else.
func (r *Resolver) pass(query *dns.Msg) *dns.Msg {
	if r.next != nil {
		return r.next.answer(query)
	}
	if m := private(query); m != nil {
		return m
	}
	return r.forward(query)
}

// forward asks one upstream after the other. One that fails or says SERVFAIL
// or REFUSED is passed over while there is another.
func (r *Resolver) forward(query *dns.Msg) *dns.Msg {
	failed := new(dns.Msg).SetRcode(query, dns.RcodeServerFailure)
	failed.RecursionAvailable = true
	select {
	case r.room <- struct{}{}:
		defer func() { <-r.room }()
	default:
		return failed
	}
	for _, upstream := range r.upstreams {
		m, err := ask(query, upstream)
		if err != nil {
			continue
		}
		if m.Rcode != dns.RcodeServerFailure && m.Rcode != dns.RcodeRefused {
			return m
		}
		failed = m
	}
	return failed
}

// ask sends query to one server, by TCP when the answer is too large for UDP.
func ask(query *dns.Msg, upstream string) (*dns.Msg, error) {
	q := query.Copy()
	q.Id = dns.Id()
	m, _, err := (&dns.Client{Net: "udp", Timeout: upstreamWait, UDPSize: maxUDP}).Exchange(q, upstream)
	if err != nil {
		return nil, err
	}
	if m.Truncated {
		if whole, _, err := (&dns.Client{Net: "tcp", Timeout: upstreamWait}).Exchange(q, upstream); err == nil {
			m = whole
		}
	}
	m.Id = query.Id
	return m, nil
}
