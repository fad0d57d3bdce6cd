package eks

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes node groups.

// CreateNodegroup records a node group that is CREATING until its nodes are
// Ready.
func (a *API) CreateNodegroup(ctx context.Context, in *eks.CreateNodegroupInput) (*eks.CreateNodegroupOutput, error) {
	out := &eks.CreateNodegroupOutput{}
	err := a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := activeCluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		n, err := a.createNodegroup(tx, c, in)
		if err != nil {
			return err
		}
		out.Nodegroup = &n.Nodegroup
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := a.settle(ctx, in.ClusterName); err != nil || !a.settles {
		return out, err
	}
	now, err := a.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: in.ClusterName, NodegroupName: in.NodegroupName})
	if err != nil {
		return nil, err
	}
	return &eks.CreateNodegroupOutput{Nodegroup: now.Nodegroup}, nil
}

func (a *API) createNodegroup(tx *store.Tx, c *Cluster, in *eks.CreateNodegroupInput) (*Nodegroup, error) {
	name := aws.ToString(in.NodegroupName)
	about := aboutNodegroup(c, name)
	mark, err := askedBy(in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	key := partKey(c.arn(), name)
	there, err := nodegroups.Get(tx, key)
	switch {
	case err == nil && mark.again(there.Value.Asked):
		return &there.Value, nil
	case err == nil:
		return nil, about.inUse("NodeGroup already exists with name %s and cluster name %s", name, c.name())
	case !hasNot(err):
		return nil, err
	}
	n := newNodegroup(tx, c, in)
	n.Asked = mark
	if err := a.checkNodegroup(tx, about, c, in, n); err != nil {
		return nil, err
	}
	if c.mode() != types.AuthenticationModeConfigMap {
		if err := putNodeEntry(tx, c.arn(), *n.NodeRole, ec2Type); err != nil {
			return nil, err
		}
	}
	return n, nodegroups.Insert(tx, key, n)
}

// checkNodegroup checks a request and the record that it would make.
func (a *API) checkNodegroup(tx *store.Tx, about about, c *Cluster, in *eks.CreateNodegroupInput, n *Nodegroup) error {
	for _, check := range []func() error{
		func() error { return about.checkNodegroupName(n.name()) },
		func() error { return about.checkTemplate(in) },
		func() error { return about.checkScaling(n.ScalingConfig) },
		func() error { return about.checkUpdateConfig(in.UpdateConfig) },
		func() error { return about.checkLabels(n.Labels) },
		func() error { return about.checkTaints(n.Taints) },
		func() error { return about.checkInstances(n.InstanceTypes, n.AmiType) },
		func() error { return about.checkNodeVersion(*n.Version, aws.ToString(c.Version)) },
		func() error { return about.checkRelease(*n.ReleaseVersion, *n.Version, n.AmiType) },
		func() error { return checkTags(about.invalid, in.Tags) },
		func() error { return a.checkNodeSubnets(tx, about, c, n.Subnets) },
		func() error { return a.checkNodeRole(tx, about, *n.NodeRole) },
		func() error { return checkNodegroupQuota(tx, about, c) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func checkNodegroupQuota(tx *store.Tx, about about, c *Cluster) error {
	n := 0
	for _, err := range nodegroups.Keys(tx, "", "", store.Range{Prefix: c.arn() + "/"}) {
		if err != nil {
			return err
		}
		n++
	}
	if n >= maxNodegroups {
		return about.tooMany("A cluster can have %d node groups at most.", maxNodegroups)
	}
	return nil
}

// newNodegroup is the record that a request asks for, with EKS's defaults.
func newNodegroup(tx *store.Tx, c *Cluster, in *eks.CreateNodegroupInput) *Nodegroup {
	now, id := tx.Now(), uuid()
	n := &Nodegroup{InstanceID: "i-0" + hexID(16)}
	n.Nodegroup = types.Nodegroup{
		NodegroupName: in.NodegroupName, ClusterName: aws.String(c.name()), Status: types.NodegroupStatusCreating,
		NodegroupArn: aws.String(partARN(c.arn(), "nodegroup", aws.ToString(in.NodegroupName)+"/"+id)),
		CreatedAt:    &now, ModifiedAt: &now, Version: in.Version, ReleaseVersion: in.ReleaseVersion,
		CapacityType: in.CapacityType, AmiType: in.AmiType, InstanceTypes: slices.Clone(in.InstanceTypes), DiskSize: in.DiskSize,
		Subnets: slices.Clone(in.Subnets), NodeRole: aws.String(aws.ToString(in.NodeRole)), RemoteAccess: in.RemoteAccess,
		Labels: maps.Clone(in.Labels), Taints: slices.Clone(in.Taints), Tags: givenTags(in.Tags),
		ScalingConfig: scalingOf(in.ScalingConfig, nil), UpdateConfig: in.UpdateConfig,
		NodeRepairConfig: in.NodeRepairConfig, WarmPoolConfig: in.WarmPoolConfig,
		Health:    &types.NodegroupHealth{Issues: []types.Issue{}},
		Resources: &types.NodegroupResources{AutoScalingGroups: []types.AutoScalingGroup{{Name: aws.String("eks-" + aws.ToString(in.NodegroupName) + "-" + id)}}},
	}
	n.setDefaults(aws.ToString(c.Version))
	return n
}

// setDefaults fills in what the caller left open; kubernetes is the cluster's
// version.
func (n *Nodegroup) setDefaults(kubernetes string) {
	if aws.ToString(n.Version) == "" {
		n.Version = &kubernetes
	}
	if n.CapacityType == "" {
		n.CapacityType = types.CapacityTypesOnDemand
	}
	if n.AmiType == "" {
		n.AmiType = types.AMITypesAl2023X8664Standard
	}
	if len(n.InstanceTypes) == 0 {
		n.InstanceTypes = []string{"t3.medium"}
		if isARM(n.AmiType) {
			n.InstanceTypes = []string{"t4g.medium"}
		}
	}
	if n.DiskSize == nil {
		n.DiskSize = aws.Int32(defaultDisk)
	}
	if n.UpdateConfig == nil {
		n.UpdateConfig = &types.NodegroupUpdateConfig{MaxUnavailable: aws.Int32(1)}
	}
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	if aws.ToString(n.ReleaseVersion) == "" {
		n.ReleaseVersion = aws.String(releaseOf(*n.Version, n.AmiType))
	}
}

// defaultDisk is the size of a Linux node's disk in GiB.
const defaultDisk = 20

// releaseDay is the day of the AMIs that nodes say they are of.
const releaseDay = "20260901"

// releaseOf is the newest AMI release for a Kubernetes version.
func releaseOf(kubernetes string, ami types.AMITypes) string {
	if strings.HasPrefix(string(ami), "BOTTLEROCKET_") {
		return "1.50.0"
	}
	if v, ok := versionOf(kubernetes); ok {
		return v.patch + "-" + releaseDay
	}
	return kubernetes + ".0-" + releaseDay
}

// scalingOf is what is given over what was before; nil: EKS's defaults, made
// to fit what is given.
func scalingOf(given, before *types.NodegroupScalingConfig) *types.NodegroupScalingConfig {
	s := types.NodegroupScalingConfig{MinSize: aws.Int32(1), MaxSize: aws.Int32(2), DesiredSize: aws.Int32(2)}
	if before != nil {
		s = *before
	}
	if given == nil {
		return &s
	}
	if given.MinSize != nil {
		s.MinSize = given.MinSize
	}
	if given.MaxSize != nil {
		s.MaxSize = given.MaxSize
	}
	if given.DesiredSize != nil {
		s.DesiredSize = given.DesiredSize
	}
	if before == nil {
		if given.MaxSize == nil {
			s.MaxSize = aws.Int32(max(*s.MaxSize, *s.MinSize, *s.DesiredSize))
		}
		if given.DesiredSize == nil {
			s.DesiredSize = aws.Int32(max(*s.MinSize, min(*s.MaxSize, *s.DesiredSize)))
		}
		if given.MinSize == nil {
			s.MinSize = aws.Int32(min(*s.MinSize, *s.DesiredSize))
		}
	}
	return &s
}
