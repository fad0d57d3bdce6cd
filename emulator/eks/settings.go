package eks

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes what a control plane is told out of the records.

// told is what a cluster's control plane was told last. Its record is the
// controller's alone.
type told struct {
	Revision int64
	Hash     string // of the settings, their revision left out
}

var tolds = store.NewTable[told]("eks/settings")

// settingsOf is what a cluster's control plane should know, and whether that
// is what it was told last, under which Revision then stands. Else Revision is
// the one to tell it with.
func (a *API) settingsOf(tx *store.Tx, c *Cluster) (s link.Settings, hash string, same bool, err error) {
	if s, err = a.gather(tx, c); err != nil {
		return s, "", false, err
	}
	body, err := json.Marshal(s)
	if err != nil {
		return s, "", false, err
	}
	sum := sha256.Sum256(body)
	hash = hex.EncodeToString(sum[:])
	last, _, err := tolds.Peek(tx, c.arn())
	switch {
	case hasNot(err):
		s.Revision = 1
		return s, hash, false, nil
	case err != nil:
		return s, "", false, err
	case last.Hash == hash:
		s.Revision = last.Revision
		return s, hash, true, nil
	}
	s.Revision = last.Revision + 1
	return s, hash, false, nil
}

func (a *API) gather(tx *store.Tx, c *Cluster) (s link.Settings, err error) {
	s.AuthenticationMode, s.Version, s.BootstrapAddons = string(c.mode()), c.runs(), c.Bootstrap
	if c.mode() == types.AuthenticationModeConfigMap && aws.ToBool(c.AccessConfig.BootstrapClusterCreatorAdminPermissions) {
		s.CreatorARN = c.Creator
	}
	for _, t := range c.exportedLogs() {
		s.Logs = append(s.Logs, string(t))
	}
	arn := c.arn()
	if s.FargateProfiles, err = fargateProfilesOf(tx, a.network, c); err != nil {
		return s, err
	}
	if s.AccessEntries, err = accessEntriesOf(tx, arn); err != nil {
		return s, err
	}
	if s.Nodegroups, err = nodegroupsOf(tx, a.network, c); err != nil {
		return s, err
	}
	if s.Addons, err = addonsOf(tx, arn); err != nil {
		return s, err
	}
	if s.PodIdentities, err = podIdentitiesOf(tx, arn); err != nil {
		return s, err
	}
	s.IdentityIssuer, err = identityIssuerOf(tx, arn)
	return s, err
}

// runs is the version that the control plane should have.
func (c *Cluster) runs() string { return cmp.Or(c.Target, aws.ToString(c.Version)) }

// planeConfig is what a cluster's control plane is started with.
func planeConfig(c *Cluster, s link.Settings) (link.Config, error) {
	arn, err := apiwire.ParseARN(c.arn())
	if err != nil {
		return link.Config{}, err
	}
	return link.Config{
		Name: c.name(), ARN: c.arn(), Account: arn.Account, Region: arn.Region, ID: c.Hex, Version: c.runs(),
		ServiceCIDR: aws.ToString(c.KubernetesNetworkConfig.ServiceIpv4Cidr), Issuer: c.issuer(), Settings: s,
	}, nil
}

// fargateProfilesOf are the profiles that the control plane is to follow:
// those that are CREATING too, since they are ACTIVE when it does.
func fargateProfilesOf(tx *store.Tx, n Network, c *Cluster) ([]link.FargateProfile, error) {
	var list []link.FargateProfile
	for p, err := range parts(tx, profiles, c.arn()) {
		if err != nil {
			return nil, err
		}
		if p.Status == types.FargateProfileStatusCreateFailed {
			continue
		}
		subnets, err := linkSubnets(tx, n, c.Scope, p.Subnets)
		if err != nil {
			return nil, err
		}
		told := link.FargateProfile{
			Name: p.name(), RoleARN: aws.ToString(p.PodExecutionRoleArn), Subnets: subnets,
			Deleting: p.Status == types.FargateProfileStatusDeleting || p.Status == types.FargateProfileStatusDeleteFailed,
		}
		for _, s := range p.Selectors {
			told.Selectors = append(told.Selectors, link.Selector{Namespace: aws.ToString(s.Namespace), Labels: s.Labels})
		}
		list = append(list, told)
	}
	return list, nil
}

// linkSubnets are the subnets of those ids that are still there. Scope is
// "account/region".
func linkSubnets(tx *store.Tx, n Network, scope string, ids []string) ([]link.Subnet, error) {
	list := make([]link.Subnet, 0, len(ids))
	for _, id := range ids {
		found, err := n.Subnets(tx, scope, []string{id})
		if gone := smithy.APIError(nil); errors.As(err, &gone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s := found[0]
		list = append(list, link.Subnet{ID: s.ID, VPC: s.VPC, CIDR: s.CIDR.String(), VPCCIDR: s.VPCCIDR.String(), Zone: s.Zone})
	}
	return list, nil
}
