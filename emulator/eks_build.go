package emulator

import (
	"context"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
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
			Tokens:  clusterTokens{s.sts, e.config.Account, e.config.Auth == AuthVerify},
			OwnHost: func(host string) bool { return newGuard(e.config.Hosts, nil).allows(host) },
		})
	}
	s.eks = eks.New(e.eksConfig(s))
}

func (e *Emulator) eksConfig(s *services) eks.Config {
	c := eks.Config{Store: e.store, Network: clusterNetwork{s.ec2}, Roles: clusterRoles{s.iam}, Callers: callers{s.sts}}
	if s.planes != nil {
		c.Planes = s.planes
	}
	return c
}

// endPlanes ends all control planes and deletes what they kept.
func (e *Emulator) endPlanes(ctx context.Context) error {
	if e.services.planes == nil {
		return nil
	}
	return e.services.planes.Prune(ctx, func(string) bool { return false })
}
