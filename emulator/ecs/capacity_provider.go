package ecs

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is capacity providers. Fargate's two are there always, in every
// account. All others stand for Auto Scaling groups or managed instances,
// which Neargate does not have, so they cannot be made. Strategies are in
// strategy.go.

// fargateProviders are the capacity providers that need no making.
var fargateProviders = []types.CapacityProviderType{types.CapacityProviderTypeFargate, types.CapacityProviderTypeFargateSpot}

const maxDescribedProviders = 100

// isProvider tells whether there is a capacity provider of that short name.
func isProvider(name string) bool {
	return slices.Contains(fargateProviders, types.CapacityProviderType(name))
}

// shortName is the name of a capacity provider given by name or ARN. An ARN
// keeps its whole text when it is not of a capacity provider.
func shortName(ref string) string {
	arn, err := apiwire.ParseARN(ref)
	if err != nil {
		return ref
	}
	if name, ok := strings.CutPrefix(arn.Resource, "capacity-provider/"); ok {
		return name
	}
	return ref
}

// checkProviders returns the short names of the providers to be associated
// with a cluster, each once, in the order given.
func checkProviders(call apiwire.Call, refs []string) ([]string, error) {
	names := []string{}
	for _, ref := range refs {
		name, err := nameOf(call, "capacity-provider", ref)
		if err != nil {
			return nil, err
		}
		if !isProvider(name) {
			return nil, invalid("The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func describeProvider(call apiwire.Call, kind types.CapacityProviderType) types.CapacityProvider {
	return types.CapacityProvider{
		CapacityProviderArn: aws.String(call.ARN("ecs", "capacity-provider/"+string(kind))),
		Name:                aws.String(string(kind)),
		Status:              types.CapacityProviderStatusActive,
		Type:                kind,
		Tags:                []types.Tag{},
	}
}

// DescribeCapacityProviders shows those named, those associated with a
// cluster, or all.
func (a *API) DescribeCapacityProviders(ctx context.Context, in *ecs.DescribeCapacityProvidersInput) (*ecs.DescribeCapacityProvidersOutput, error) {
	if len(in.CapacityProviders) > maxDescribedProviders {
		return nil, invalid("capacityProviders can have at most %d items.", maxDescribedProviders)
	}
	for _, f := range in.Include {
		if err := oneOf(invalid, "include", f, f.Values()); err != nil {
			return nil, err
		}
	}
	call := apiwire.CallFrom(ctx)
	there, err := a.providersOf(ctx, call, aws.ToString(in.Cluster))
	if err != nil {
		return nil, err
	}
	out := &ecs.DescribeCapacityProvidersOutput{Failures: []types.Failure{}}
	if len(in.CapacityProviders) > 0 {
		there, out.Failures, err = chooseProviders(call, there, in.CapacityProviders)
		if err != nil {
			return nil, err
		}
	}
	q := query{of: "DescribeCapacityProviders " + aws.ToString(in.Cluster), max: in.MaxResults, token: in.NextToken, lo: 1, hi: 10, size: 10}
	name := func(p types.CapacityProvider) string { return *p.Name }
	out.CapacityProviders, out.NextToken, err = page(there, name, q)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// providersOf lists the providers of a cluster, or all when it is "".
func (a *API) providersOf(ctx context.Context, call apiwire.Call, cluster string) ([]types.CapacityProvider, error) {
	names := fargateProviders
	if cluster != "" {
		err := a.store.View(ctx, func(tx *store.Tx) error {
			c, err := a.cluster(tx, call, cluster)
			if err != nil {
				return err
			}
			names = nil
			for _, name := range c.CapacityProviders {
				names = append(names, types.CapacityProviderType(name))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	list := make([]types.CapacityProvider, 0, len(names))
	for _, name := range names {
		list = append(list, describeProvider(call, name))
	}
	return list, nil
}

func chooseProviders(call apiwire.Call, there []types.CapacityProvider, refs []string) ([]types.CapacityProvider, []types.Failure, error) {
	chosen, failures := []types.CapacityProvider{}, []types.Failure{}
	for _, ref := range refs {
		name, err := nameOf(call, "capacity-provider", ref)
		if err != nil {
			return nil, nil, err
		}
		same := func(p types.CapacityProvider) bool { return *p.Name == name }
		i := slices.IndexFunc(there, same)
		switch {
		case i < 0:
			failures = append(failures, missingFailure(call, "capacity-provider", ref))
		case !slices.ContainsFunc(chosen, same):
			chosen = append(chosen, there[i])
		}
	}
	return chosen, failures, nil
}

const textNoInstances = "Neargate runs tasks on Fargate only: there are no Auto Scaling groups and no managed instances for a capacity provider to manage. FARGATE and FARGATE_SPOT are there without being created."

// CreateCapacityProvider checks the request as AWS does and then says that
// what it asks for is not there.
func (a *API) CreateCapacityProvider(_ context.Context, in *ecs.CreateCapacityProviderInput) (*ecs.CreateCapacityProviderOutput, error) {
	name := aws.ToString(in.Name)
	if !isName(name) || isReserved(name) {
		return nil, invalid("The specified capacity provider name is invalid. Up to %d characters are allowed, including letters (uppercase and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \"fargate\". Specify a valid name and try again.", maxName)
	}
	if (in.AutoScalingGroupProvider == nil) == (in.ManagedInstancesProvider == nil) {
		return nil, invalid("Specify exactly one of autoScalingGroupProvider and managedInstancesProvider and try again.")
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return nil, unsupported(textNoInstances)
}

// UpdateCapacityProvider refuses: Fargate's providers have nothing to change
// and no others exist.
func (a *API) UpdateCapacityProvider(ctx context.Context, in *ecs.UpdateCapacityProviderInput) (*ecs.UpdateCapacityProviderOutput, error) {
	return nil, refuseProvider(apiwire.CallFrom(ctx), aws.ToString(in.Name), "updated")
}

// DeleteCapacityProvider refuses: Fargate's providers are reserved and no
// others exist.
func (a *API) DeleteCapacityProvider(ctx context.Context, in *ecs.DeleteCapacityProviderInput) (*ecs.DeleteCapacityProviderOutput, error) {
	return nil, refuseProvider(apiwire.CallFrom(ctx), aws.ToString(in.CapacityProvider), "deleted")
}

func refuseProvider(call apiwire.Call, ref, verb string) error {
	name, err := nameOf(call, "capacity-provider", ref)
	if err != nil {
		return err
	}
	if isProvider(name) {
		return client("The specified capacity provider is reserved and cannot be %s.", verb)
	}
	return client("The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
}
