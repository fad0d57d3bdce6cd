package emulator

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/store"
)

// linkLocal is how programs in tasks and pods reach the AWS APIs: the address
// of their sandbox that serves metadata serves those too.
const linkLocal = "http://169.254.170.2"

// buildEKS makes the EKS API and, unless only records are kept, whatever runs
// the clusters' Kubernetes.
func (e *Emulator) buildEKS(s *services) {
	if e.config.EKS == EKSKubernetes {
		s.planes = controlplane.New(controlplane.Config{
			Store: e.store, Runtime: e.runtime, DataDir: e.config.DataDir, Program: e.config.Kube,
			EmulatorURL: linkLocal, Hosts: e.config.Hosts, Log: e.config.Log,
			Logs:    planeLogs{e.store, s.logs},
			Tokens:  clusterTokens{s.sts, e.config.Account, e.config.Auth == AuthVerify},
			OwnHost: e.isOwnHost, Addresses: e.addresses,
		})
	}
	c := e.eksConfig(s)
	s.eks, s.clusters = eks.New(c), eks.NewClusters(c)
}

func (e *Emulator) eksConfig(s *services) eks.Config {
	c := eks.Config{Store: e.store, Network: clusterNetwork{s.ec2}, Roles: clusterRoles{s.iam}, Callers: callers{s.sts}, Settle: e.config.Timing == TimingInstant}
	if s.planes != nil {
		c.Planes = s.planes
	}
	return c
}

// isOwnHost tells whether a token may be made out to a host as to this
// emulator: AWS's own names are judged by the rules for tokens themselves.
func (e *Emulator) isOwnHost(host string) bool {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.IsLoopback() || slices.Contains(e.config.Hosts, host) || host == strings.TrimPrefix(linkLocal, "http://")
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "host.docker.internal" || slices.Contains(e.config.Hosts, host)
}

// runPlanes runs the control planes, after it has removed those of clusters
// that went while nobody looked.
func (e *Emulator) runPlanes(ctx context.Context) error {
	kept := map[string]bool{}
	err := e.store.View(ctx, func(tx *store.Tx) error {
		for arn, err := range e.services.clusters.List(tx) {
			if err != nil {
				return err
			}
			kept[arn] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := e.services.planes.Prune(ctx, func(arn string) bool { return kept[arn] }); err != nil {
		e.config.Log.Error().Err(err).Msg("a control plane that nobody wants any more cannot be removed")
	}
	return e.services.planes.Run(ctx)
}

// endPlanes ends all control planes and deletes what they kept.
func (e *Emulator) endPlanes(ctx context.Context) error {
	if e.services.planes == nil {
		return nil
	}
	return e.services.planes.Prune(ctx, func(string) bool { return false })
}
