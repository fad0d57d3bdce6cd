//go:build linux

package services

import (
	"context"
	"fmt"
	"net"

	"github.com/google/nftables"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// OpenLacking opens on a kernel that refuses the transactions for which
// refuses returns an error; they are counted from 0.
func OpenLacking(ctx context.Context, c tunnel.Cluster, refuses func(n int) error, dial func(ctx context.Context, network, address string) (net.Conn, error)) (*Proxy, error) {
	r, n := newRules(), 0
	r.commit = func(c *nftables.Conn) error {
		n++
		if err := refuses(n - 1); err != nil {
			return err
		}
		return c.Flush()
	}
	return open(ctx, c, r, dial)
}

// Plan tells a plan in lines: "10.100.0.1:80/6 -> [10.0.0.1:8080]".
func Plan(all []tunnel.Service, seed uint64, single bool) []string {
	p := makePlan(all, seed, single)
	var lines []string
	for _, t := range p.targets {
		lines = append(lines, fmt.Sprintf("%s:%d/%d -> %v", t.address, t.port, t.protocol, t.endpoints))
	}
	for _, k := range p.refused {
		lines = append(lines, fmt.Sprintf("%s:%d/%d refused", k.address, k.port, k.protocol))
	}
	return lines
}

// Empty removes all elements behind the proxy's back.
func Empty() error {
	c, err := connect()
	if err != nil {
		return err
	}
	for _, s := range newRules().sets() {
		c.FlushSet(s)
	}
	return c.Flush()
}
