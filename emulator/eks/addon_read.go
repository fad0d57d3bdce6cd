package eks

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows add-ons: a cluster's own and those that there are.

// DescribeAddon shows an add-on of a cluster.
func (a *API) DescribeAddon(ctx context.Context, in *eks.DescribeAddonInput) (*eks.DescribeAddonOutput, error) {
	out := &eks.DescribeAddonOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := addon(tx, call, in.ClusterName, in.AddonName)
		out.Addon = &r.Value.Addon
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListAddons lists the names of a cluster's add-ons.
func (a *API) ListAddons(ctx context.Context, in *eks.ListAddonsInput) (*eks.ListAddonsOutput, error) {
	out := &eks.ListAddonsOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		names := []string{}
		for one, err := range parts(tx, addons, c.arn()) {
			if err != nil {
				return err
			}
			if !one.Kept {
				names = append(names, *one.AddonName)
			}
		}
		out.Addons, out.NextToken, err = pageOfNames(names, query{of: "addons " + c.arn(), max: in.MaxResults, token: in.NextToken})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// DescribeAddonVersions lists the add-ons that Neargate provides with their
// versions; AWS's others are not among them.
func (a *API) DescribeAddonVersions(_ context.Context, in *eks.DescribeAddonVersionsInput) (*eks.DescribeAddonVersionsOutput, error) {
	wanted := aws.ToString(in.KubernetesVersion)
	if wanted != "" {
		if _, ok := versionOf(wanted); !ok {
			return nil, about{}.invalid("unsupported Kubernetes version %s", wanted)
		}
	}
	of := strings.Join(slices.Concat([]string{"addon-versions", wanted, aws.ToString(in.AddonName), "types"}, in.Types,
		[]string{"owners"}, in.Owners, []string{"publishers"}, in.Publishers), " ")
	list := []types.AddonInfo{}
	for _, k := range addonKinds {
		if k.chosen(in) {
			list = append(list, k.info(wanted))
		}
	}
	shown, next, err := page(list, func(i types.AddonInfo) string { return *i.AddonName }, query{of: of, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &eks.DescribeAddonVersionsOutput{Addons: shown, NextToken: next}, nil
}

func (k addonKind) chosen(in *eks.DescribeAddonVersionsInput) bool {
	among := func(given []string, is string) bool { return len(given) == 0 || slices.Contains(given, is) }
	return (aws.ToString(in.AddonName) == "" || *in.AddonName == k.name) &&
		among(in.Types, k.kind) && among(in.Owners, k.owner) && among(in.Publishers, k.publisher)
}

// info tells the versions that go with a Kubernetes version, or with "" all.
func (k addonKind) info(kubernetes string) types.AddonInfo {
	info := types.AddonInfo{
		AddonName: aws.String(k.name), Type: aws.String(k.kind), Publisher: aws.String(k.publisher), Owner: aws.String(k.owner),
		DefaultNamespace: aws.String(defaultAddonNamespace), AddonVersions: []types.AddonVersionInfo{},
	}
	for _, v := range slices.Backward(versions) {
		if kubernetes != "" && kubernetes != v.minor {
			continue
		}
		for _, name := range k.listed(v.minor) {
			k.addCompatibility(&info, name, v)
		}
	}
	slices.SortStableFunc(info.AddonVersions, func(x, y types.AddonVersionInfo) int {
		return slices.Compare(numbers(minorOf(*y.AddonVersion)), numbers(minorOf(*x.AddonVersion)))
	})
	return info
}

func (k addonKind) addCompatibility(info *types.AddonInfo, name string, v version) {
	fits := types.Compatibility{
		ClusterVersion: aws.String(v.minor), PlatformVersions: []string{"*"}, DefaultVersion: k.defaultVersion(v.minor) == name,
	}
	i := slices.IndexFunc(info.AddonVersions, func(have types.AddonVersionInfo) bool { return *have.AddonVersion == name })
	if i < 0 {
		i = len(info.AddonVersions)
		info.AddonVersions = append(info.AddonVersions, types.AddonVersionInfo{
			AddonVersion: aws.String(name), Architecture: []string{"amd64", "arm64"}, ComputeTypes: []string{"ec2", "fargate"},
		})
	}
	info.AddonVersions[i].Compatibilities = append(info.AddonVersions[i].Compatibilities, fits)
}

// DescribeAddonConfiguration shows what configuration values a version of an
// add-on takes.
func (a *API) DescribeAddonConfiguration(_ context.Context, in *eks.DescribeAddonConfigurationInput) (*eks.DescribeAddonConfigurationOutput, error) {
	about := about{addon: aws.ToString(in.AddonName)}
	k, err := about.checkAddon(about.addon, "any")
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(versions, func(v version) bool { return k.takes(aws.ToString(in.AddonVersion), v.minor) }) {
		return nil, about.invalid("Addon version specified is not supported")
	}
	schema, err := k.configurationSchema()
	if err != nil {
		return nil, err
	}
	out := &eks.DescribeAddonConfigurationOutput{AddonName: in.AddonName, AddonVersion: in.AddonVersion, ConfigurationSchema: &schema}
	if k.policy != "" {
		out.PodIdentityConfiguration = []types.AddonPodIdentityConfiguration{{
			ServiceAccount: aws.String(k.account), RecommendedManagedPolicies: []string{k.policy},
		}}
	}
	return out, nil
}
