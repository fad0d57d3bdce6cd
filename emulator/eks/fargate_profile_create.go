package eks

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes Fargate profiles.

// CreateFargateProfile records a profile that is CREATING until the cluster's
// control plane follows it. One profile at a time comes or goes in a cluster.
func (a *API) CreateFargateProfile(ctx context.Context, in *eks.CreateFargateProfileInput) (*eks.CreateFargateProfileOutput, error) {
	if err := checkProfileInput(in); err != nil {
		return nil, err
	}
	mark, err := askedBy(in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	out := &eks.CreateFargateProfileOutput{}
	err = a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		p, err := a.createProfile(tx, call, mark, in)
		if err == nil {
			out.FargateProfile = &p.FargateProfile
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.settle(ctx, in.ClusterName); err != nil || !a.settles {
		return out, err
	}
	now, err := a.DescribeFargateProfile(ctx, &eks.DescribeFargateProfileInput{ClusterName: in.ClusterName, FargateProfileName: in.FargateProfileName})
	if err != nil {
		return nil, err
	}
	return &eks.CreateFargateProfileOutput{FargateProfile: now.FargateProfile}, nil
}

func (a *API) createProfile(tx *store.Tx, call apiwire.Call, mark asked, in *eks.CreateFargateProfileInput) (*FargateProfile, error) {
	name, that := *in.FargateProfileName, about{cluster: *in.ClusterName, profile: *in.FargateProfileName}
	c, err := cluster(tx, call, *in.ClusterName)
	if err != nil {
		return nil, err
	}
	key := partKey(c.arn(), name)
	there, err := profiles.Get(tx, key)
	switch {
	case err == nil && mark.again(there.Value.Asked):
		return &there.Value, nil
	case err == nil:
		return nil, that.inUse("A Fargate Profile already exists with this name in this cluster.")
	case !hasNot(err):
		return nil, err
	}
	if _, err := activeCluster(tx, call, *in.ClusterName); err != nil {
		return nil, err
	}
	if err := mayChangeProfiles(tx, c, "create", name); err != nil {
		return nil, err
	}
	if err := a.checkPodRole(tx, call, that, *in.PodExecutionRoleArn); err != nil {
		return nil, err
	}
	subnets, err := a.profileSubnets(tx, call, that, c, in.Subnets)
	if err != nil {
		return nil, err
	}
	now := tx.Now()
	p := &FargateProfile{Asked: mark, FargateProfile: types.FargateProfile{
		FargateProfileName: in.FargateProfileName, ClusterName: in.ClusterName, CreatedAt: &now, PodExecutionRoleArn: in.PodExecutionRoleArn,
		FargateProfileArn: aws.String(partARN(c.arn(), "fargateprofile", name+"/"+uuid())), Status: types.FargateProfileStatusCreating,
		Subnets: subnets, Selectors: givenSelectors(in.Selectors), Tags: givenTags(in.Tags), Health: &types.FargateProfileHealth{Issues: []types.FargateProfileIssue{}},
	}}
	if c.mode() != types.AuthenticationModeConfigMap {
		if err := putNodeEntry(tx, c.arn(), *in.PodExecutionRoleArn, fargateEntry); err != nil {
			return nil, err
		}
	}
	return p, profiles.Insert(tx, key, p)
}

// fargateEntry is the type of the access entry of a pod execution role.
const fargateEntry = "FARGATE_LINUX"

// givenSelectors are those of a request with labels that are never null.
func givenSelectors(given []types.FargateProfileSelector) []types.FargateProfileSelector {
	list := slices.Clone(given)
	for i := range list {
		list[i].Labels = givenTags(list[i].Labels)
	}
	return list
}

// mayChangeProfiles refuses to create or delete a profile while another comes
// or goes, or to have too many.
func mayChangeProfiles(tx *store.Tx, c *Cluster, what, name string) error {
	n := 0
	for p, err := range parts(tx, profiles, c.arn()) {
		if err != nil {
			return err
		}
		n++
		if p.Status == types.FargateProfileStatusCreating || p.Status == types.FargateProfileStatusDeleting {
			return about{cluster: c.name(), profile: name}.inUse("Cannot %s Fargate Profile %s because cluster %s currently has Fargate profile %s in status %s",
				what, name, c.name(), p.name(), p.Status)
		}
	}
	if what == "create" && n >= maxProfiles {
		return about{cluster: c.name()}.tooMany("Fargate Profile limit exceeded: a cluster can have %d.", maxProfiles)
	}
	return nil
}

// checkPodRole refuses a role that pods' nodes could not have.
func (a *API) checkPodRole(tx *store.Tx, call apiwire.Call, that about, arn string) error {
	if err := checkRoleARN(call, arn); err != nil {
		return err
	}
	if trusted, err := a.trusts(tx, arn, podService); err != nil || trusted {
		return err
	}
	return that.invalid("Misconfigured PodExecutionRole Trust Policy; Please add the %s Service Principal", podService)
}

// profileSubnets are the subnets for a profile's pods: those given, or the
// cluster's private ones.
func (a *API) profileSubnets(tx *store.Tx, call apiwire.Call, that about, c *Cluster, given []string) ([]string, error) {
	ids := given
	if len(ids) == 0 {
		ids = c.ResourcesVpcConfig.SubnetIds
	}
	found, err := a.network.Subnets(tx, call.Scope(), ids)
	if err != nil {
		return nil, ofEC2(that.invalid, err)
	}
	private := []string{}
	for _, s := range found {
		switch {
		case s.VPC != aws.ToString(c.ResourcesVpcConfig.VpcId):
			return nil, that.invalid("Subnet %s provided in Fargate Profile is not in the VPC of the cluster, %s", s.ID, *c.ResourcesVpcConfig.VpcId)
		case s.InternetGateway && len(given) > 0:
			return nil, that.invalid("Subnet %s provided in Fargate Profile is not a private subnet", s.ID)
		case !s.InternetGateway && !slices.Contains(private, s.ID):
			private = append(private, s.ID)
		}
	}
	if len(private) == 0 {
		return nil, that.invalid("Fargate Profile requires private subnets, but cluster %s has none: each of its subnets has a route to an internet gateway.", c.name())
	}
	return private, nil
}
