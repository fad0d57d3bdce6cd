//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/neargate/neargate/cmd/neargate-sandbox/resolver"
	"github.com/neargate/neargate/cmd/neargate-sandbox/services"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// What the sandbox learns when it gets a task or pod: the files that it shares
// with its containers, and a pod's cluster.

// maxAPI bounds the connections to the Kubernetes API.
const maxAPI = 512

// network is what was learnt.
type network struct {
	life   context.Context
	failed chan<- error

	mu    sync.Mutex // held while anything changes
	pod   tunnel.Cluster
	proxy *services.Proxy // nil for what is no pod
	names *resolver.Resolver
	told  []string // warnings
}

// cluster tells the emulator's key, "" for what is no pod, and warnings.
func (n *network) cluster() (string, []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pod.Name, n.told
}

func (s *sandbox) configure(_ context.Context, n tunnel.Network) (state tunnel.NetworkState, err error) {
	s.network.mu.Lock()
	defer s.network.mu.Unlock()
	for file, content := range map[string]string{"/etc/hosts": n.Hosts, "/etc/resolv.conf": n.Resolv, "/etc/hostname": n.Hostname} {
		if content == "" {
			continue
		}
		if err := overwrite(file, content); err != nil {
			return state, err
		}
	}
	if n.Cluster != nil {
		err = s.join(*n.Cluster)
	}
	return tunnel.NetworkState{Warnings: s.network.told}, err
}

// overwrite changes a file in place: the Engine binds the file itself into all
// containers of the sandbox, so another one with its name would be seen by
// none of them.
func overwrite(file, content string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	// Written before it is cut, so that no reader finds it empty.
	_, err = io.WriteString(f, content)
	if err == nil {
		err = f.Truncate(int64(len(content)))
	}
	return errors.Join(err, f.Close())
}

// join makes the sandbox a pod of a cluster; network.mu is held.
func (s *sandbox) join(c tunnel.Cluster) error {
	n := &s.network
	if n.proxy != nil {
		if n.pod != c {
			return &tunnel.Error{Kind: tunnel.Invalid, Text: fmt.Sprintf("the sandbox is a pod of %s already: %+v", n.pod.Name, n.pod)}
		}
		return nil
	}
	if c.DNS.IsValid() && s.resolver == nil {
		return &tunnel.Error{Kind: tunnel.Invalid, Text: "the sandbox runs no resolver: it was started with --dns=false"}
	}
	p, err := services.Open(n.life, c)
	if err != nil {
		return err
	}
	n.proxy, n.pod, n.told = p, c, slices.Clone(p.Warnings)
	if p.DNS != nil {
		n.names = resolver.NewCluster(s.resolver)
		go func() { n.failed <- fmt.Errorf("cluster's dns: %w", n.names.Serve(p.DNS, p.DNSUDP)) }()
	}
	if p.API != nil {
		go func() { n.failed <- s.offerAll(n.life, p.API, tunnel.ServiceKubernetes, maxAPI, reset) }()
	}
	return nil
}

// reset ends a connection so that its client sees a failure and no end of
// file: TLS has not even begun.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails only when it is closed
	}
	c.Close()
}

func (s *sandbox) setServices(_ context.Context, t tunnel.Services) (none, error) {
	n := &s.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.proxy == nil {
		return none{}, &tunnel.Error{Kind: tunnel.Invalid, Text: "the sandbox is no pod: it was configured without a cluster"}
	}
	// Addresses first: who has learnt a name may use it at once.
	err := n.proxy.Set(t.Services)
	n.told = slices.Clone(n.proxy.Warnings)
	if n.names != nil {
		err = errors.Join(err, n.names.SetServices(t))
	}
	return none{}, err
}
