package ecs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func (a *account) providers(t *testing.T, in sdk.DescribeCapacityProvidersInput) *sdk.DescribeCapacityProvidersOutput {
	t.Helper()
	return must[*sdk.DescribeCapacityProvidersOutput](t)(a.DescribeCapacityProviders(a.ctx, &in))
}

func fargateProvider(name string) types.CapacityProvider {
	return types.CapacityProvider{
		CapacityProviderArn: aws.String(arnPrefix + "capacity-provider/" + name), Name: aws.String(name),
		Status: types.CapacityProviderStatusActive, Type: types.CapacityProviderType(name), Tags: []types.Tag{},
	}
}

func TestFargateProvidersAreAlwaysThere(t *testing.T) {
	a := newAccount(t)
	got := a.providers(t, sdk.DescribeCapacityProvidersInput{})
	want := []types.CapacityProvider{fargateProvider("FARGATE"), fargateProvider("FARGATE_SPOT")}
	if d := cmp.Diff(want, got.CapacityProviders, smithyEqual); d != "" || got.NextToken != nil || got.Failures == nil {
		t.Errorf("%s\n%+v", d, got)
	}
	first := a.providers(t, sdk.DescribeCapacityProvidersInput{MaxResults: aws.Int32(1)})
	rest := a.providers(t, sdk.DescribeCapacityProvidersInput{NextToken: first.NextToken})
	if d := cmp.Diff(want, append(first.CapacityProviders, rest.CapacityProviders...), smithyEqual); d != "" {
		t.Error(d)
	}
	some := a.providers(t, sdk.DescribeCapacityProvidersInput{CapacityProviders: []string{"MINE", arnPrefix + "capacity-provider/FARGATE_SPOT"}})
	if d := cmp.Diff(want[1:], some.CapacityProviders, smithyEqual); d != "" {
		t.Error(d)
	}
	missing := []types.Failure{{Arn: aws.String(arnPrefix + "capacity-provider/MINE"), Reason: aws.String("MISSING")}}
	if d := cmp.Diff(missing, some.Failures, smithyEqual); d != "" {
		t.Error(d)
	}
	a.createCluster(t, sdk.CreateClusterInput{CapacityProviders: []string{"FARGATE_SPOT"}})
	if of := a.providers(t, sdk.DescribeCapacityProvidersInput{Cluster: aws.String("default")}); len(of.CapacityProviders) != 1 {
		t.Errorf("of the cluster: %+v", of)
	}
}

func TestOtherProvidersCannotBeMade(t *testing.T) {
	a := newAccount(t)
	group := &types.AutoScalingGroupProvider{AutoScalingGroupArn: aws.String("arn:aws:autoscaling:x")}
	const badName = "InvalidParameterException: The specified capacity provider name is invalid. Up to 255 characters are allowed, including letters (uppercase and lowercase), numbers, underscores, and hyphens. The name cannot be prefixed with \"aws\", \"ecs\", or \"fargate\". Specify a valid name and try again."
	for _, row := range []struct {
		name string
		in   sdk.CreateCapacityProviderInput
		want string
	}{
		{"reserved", sdk.CreateCapacityProviderInput{Name: aws.String("Fargate2"), AutoScalingGroupProvider: group}, badName},
		{"no provider", sdk.CreateCapacityProviderInput{Name: aws.String("mine")},
			"InvalidParameterException: Specify exactly one of autoScalingGroupProvider and managedInstancesProvider and try again."},
		{"group", sdk.CreateCapacityProviderInput{Name: aws.String("mine"), AutoScalingGroupProvider: group},
			"UnsupportedFeatureException: Neargate runs tasks on Fargate only: there are no Auto Scaling groups and no managed instances for a capacity provider to manage. FARGATE and FARGATE_SPOT are there without being created."},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.CreateCapacityProvider(a.ctx, &row.in)
			refused(t, err, row.want)
		})
	}
	_, err := a.DeleteCapacityProvider(a.ctx, &sdk.DeleteCapacityProviderInput{CapacityProvider: aws.String("FARGATE")})
	refused(t, err, "ClientException: The specified capacity provider is reserved and cannot be deleted.")
	_, err = a.UpdateCapacityProvider(a.ctx, &sdk.UpdateCapacityProviderInput{Name: aws.String("mine")})
	refused(t, err, "ClientException: The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
}
