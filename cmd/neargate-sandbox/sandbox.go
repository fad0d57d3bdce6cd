//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/neargate/neargate/cmd/neargate-sandbox/cgroup"
	"github.com/neargate/neargate/cmd/neargate-sandbox/linklocal"
	"github.com/neargate/neargate/cmd/neargate-sandbox/resolver"
	"github.com/neargate/neargate/cmd/neargate-sandbox/volumes"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
	"github.com/rs/zerolog"
)

// sandbox is PID 1 at work.
type sandbox struct {
	log       zerolog.Logger
	server    *tunnel.Server
	listeners *linklocal.Listeners
	resolver  *resolver.Resolver // nil without DNS
	network   network
	cgroups   *cgroup.Tree  // nil without a tree
	volumes   *volumes.Tree // nil where none are kept
	warnings  []string
}

// start sets the namespace up and leaves everything running. What ends it
// later comes over failed.
func start(ctx context.Context, o options, log zerolog.Logger, failed chan<- error) error {
	s := &sandbox{log: log}
	s.network.life, s.network.failed = ctx, failed
	var err error
	if s.listeners, err = linklocal.Listen(o.dns); err != nil {
		return err
	}
	s.warnings = append(s.warnings, s.listeners.Warnings...)
	if o.dns {
		if err := s.startDNS(o, failed); err != nil {
			return err
		}
	}
	s.openCgroups(o.cgroupRoot)
	if o.volumes != "" {
		if s.volumes, err = volumes.Open(o.volumes); err != nil {
			return fmt.Errorf("volumes: %w", err)
		}
	}
	s.server = &tunnel.Server{Hello: s.hello, Commands: s.commands()}
	go func() { failed <- s.serveMetadata(ctx, s.listeners.Metadata) }()
	go func() { failed <- s.serveMetadata(ctx, s.listeners.Agent) }()
	if err := s.listenForBridges(ctx, o.socket, failed); err != nil {
		return err
	}
	streams, err := takeStdio()
	if err != nil {
		return err
	}
	go s.serve(ctx, "stdio", streams)
	return nil
}

func (s *sandbox) startDNS(o options, failed chan<- error) error {
	upstreams := o.upstreams
	if len(upstreams) == 0 {
		var err error
		if upstreams, err = resolver.Upstreams(firstResolv(filepath.Dir(o.socket)), linklocal.Resolver()); err != nil {
			s.warnings = append(s.warnings, "no DNS servers to forward to: "+err.Error())
		}
	}
	s.resolver = resolver.New(upstreams)
	go func() { failed <- fmt.Errorf("dns: %w", s.resolver.Serve(s.listeners.DNS, s.listeners.DNSUDP)) }()
	return nil
}

// firstResolv returns a copy of /etc/resolv.conf as the Engine wrote it for the
// first start of this container: later it may name ourselves, and queries would
// go round.
func firstResolv(folder string) string {
	const now = "/etc/resolv.conf"
	first := filepath.Join(folder, "neargate.resolv.conf")
	if _, err := os.Stat(first); err == nil {
		return first
	}
	text, err := os.ReadFile(now)
	if err != nil || os.WriteFile(first, text, 0o600) != nil {
		return now
	}
	return first
}

func (s *sandbox) openCgroups(root string) {
	if root == "" {
		return
	}
	var err error
	if s.cgroups, err = cgroup.Open(root); err != nil {
		s.warnings = append(s.warnings, "no limits for the whole task: "+err.Error())
	}
}

func (s *sandbox) hello() tunnel.Hello {
	h := tunnel.Hello{Version: release(), Warnings: s.warnings}
	cluster, warnings := s.network.cluster()
	h.Cluster, h.Warnings = cluster, append(h.Warnings[:len(h.Warnings):len(h.Warnings)], warnings...)
	var err error
	if h.Addresses, err = linklocal.Addresses(); err != nil {
		h.Warnings = append(h.Warnings[:len(h.Warnings):len(h.Warnings)], "the namespace's addresses are not known: "+err.Error())
	}
	return h
}

// serve serves one stream to its end.
func (s *sandbox) serve(ctx context.Context, name string, rw stream) {
	err := s.server.Serve(ctx, rw)
	s.log.Debug().Err(err).Str("stream", name).Msg("stream ended")
}

// listenForBridges takes streams from the socket. It is a file in this
// container's own root, which no workload sees; an abstract socket would
// belong to the network namespace, which they share.
func (s *sandbox) listenForBridges(ctx context.Context, path string, failed chan<- error) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, fs.FileMode(0o600)); err != nil {
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				failed <- fmt.Errorf("socket for bridges: %w", err)
				return
			}
			go s.serve(ctx, "bridge", c)
		}
	}()
	return nil
}
