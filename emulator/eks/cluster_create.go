package eks

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file makes clusters. What may stand in one is checked in the
// cluster_….go files of its parts; the controller brings it up.

// CreateCluster records a cluster that is CREATING.
func (a *API) CreateCluster(ctx context.Context, in *eks.CreateClusterInput) (*eks.CreateClusterOutput, error) {
	caller, err := a.callerARN(ctx)
	if err != nil {
		return nil, err
	}
	mark, err := askedBy(in.ClientRequestToken, in)
	if err != nil {
		return nil, err
	}
	out := &eks.CreateClusterOutput{}
	err = a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := a.createCluster(tx, call, caller, mark, in)
		if err == nil {
			out.Cluster = a.show(c)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := a.settle(ctx, in.Name); err != nil || !a.settles {
		return out, err
	}
	now, err := a.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: in.Name})
	if err != nil {
		return nil, err
	}
	return &eks.CreateClusterOutput{Cluster: now.Cluster}, nil
}

func (a *API) createCluster(tx *store.Tx, call apiwire.Call, caller string, mark asked, in *eks.CreateClusterInput) (*Cluster, error) {
	name := *in.Name
	there, err := clusters.Get(tx, clusterARN(call, name))
	switch {
	case err == nil && mark.again(there.Value.Asked):
		return &there.Value, nil
	case err == nil:
		return nil, about{cluster: name}.inUse("Cluster already exists with name: %s", name)
	case !hasNot(err):
		return nil, err
	}
	if n, err := clusters.Count(tx, "scope", call.Scope()); err != nil {
		return nil, err
	} else if n >= maxClusters {
		return nil, about{cluster: name}.tooMany("Cluster limit exceeded: an account can have %d clusters in a region.", maxClusters)
	}
	c, err := a.newCluster(tx, call, in)
	if err != nil {
		return nil, err
	}
	c.Creator, c.Asked = iamARN(caller), mark
	if c.mode() != types.AuthenticationModeConfigMap && aws.ToBool(c.AccessConfig.BootstrapClusterCreatorAdminPermissions) {
		if err := putCreatorEntry(tx, c.arn(), caller); err != nil {
			return nil, err
		}
	}
	return c, clusters.Insert(tx, c.arn(), c)
}

// newCluster is the record that a request asks for, with AWS's defaults.
func (a *API) newCluster(tx *store.Tx, call apiwire.Call, in *eks.CreateClusterInput) (*Cluster, error) {
	if err := checkClusterInput(in); err != nil {
		return nil, err
	}
	if err := a.checkClusterRole(tx, call, *in.RoleArn); err != nil {
		return nil, err
	}
	if err := checkKeyRegion(about{cluster: *in.Name}.invalid, call, in.EncryptionConfig); err != nil {
		return nil, err
	}
	now := tx.Now()
	c := &Cluster{Scope: call.Scope(), Hex: clusterID(), Bootstrap: in.BootstrapSelfManagedAddons == nil || *in.BootstrapSelfManagedAddons}
	c.Name, c.Arn, c.CreatedAt, c.RoleArn, c.Status = in.Name, aws.String(clusterARN(call, *in.Name)), &now, in.RoleArn, types.ClusterStatusCreating
	c.Version, c.PlatformVersion = aws.String(valueOr(in.Version, defaultVersion)), aws.String(platformVersion)
	c.CertificateAuthority, c.Tags = &types.Certificate{}, givenTags(in.Tags)
	c.DeletionProtection = aws.Bool(aws.ToBool(in.DeletionProtection))
	c.EncryptionConfig = in.EncryptionConfig
	var err error
	if c.AccessConfig, err = newAccessConfig(in.AccessConfig); err != nil {
		return nil, err
	}
	if c.Logging, err = newLogging(in.Logging); err != nil {
		return nil, err
	}
	vpc, err := a.newVPCConfig(tx, call, in)
	if err != nil {
		return nil, err
	}
	c.ResourcesVpcConfig = vpc.config
	if c.KubernetesNetworkConfig, err = newNetworkConfig(in.KubernetesNetworkConfig, vpc.cidr); err != nil {
		return nil, err
	}
	return c, c.takeExtras(in)
}

// checkClusterInput is what can be said of a request without looking at
// anything else.
func checkClusterInput(in *eks.CreateClusterInput) error {
	fail := about{cluster: *in.Name}.invalid
	if in.OutpostConfig != nil {
		return fail("outpostConfig: Neargate has no AWS Outposts.")
	}
	if v := valueOr(in.Version, defaultVersion); !isServed(v) {
		return fail("unsupported Kubernetes version %s", v)
	}
	if err := checkTags(fail, in.Tags); err != nil {
		return err
	}
	if err := checkEncryption(fail, in.EncryptionConfig); err != nil {
		return err
	}
	return checkAutoMode(fail, in)
}

func isServed(minor string) bool {
	_, ok := versionOf(minor)
	return ok
}

func valueOr(s *string, instead string) string {
	if s == nil {
		return instead
	}
	return *s
}

// newAccessConfig has the defaults of the API: aws-auth alone, and the creator
// is an administrator.
func newAccessConfig(given *types.CreateAccessConfigRequest) (*types.AccessConfigResponse, error) {
	config := &types.AccessConfigResponse{AuthenticationMode: types.AuthenticationModeConfigMap, BootstrapClusterCreatorAdminPermissions: aws.Bool(true)}
	if given == nil {
		return config, nil
	}
	if given.AuthenticationMode != "" {
		config.AuthenticationMode = given.AuthenticationMode
	}
	if given.BootstrapClusterCreatorAdminPermissions != nil {
		config.BootstrapClusterCreatorAdminPermissions = given.BootstrapClusterCreatorAdminPermissions
	}
	if config.AuthenticationMode == types.AuthenticationModeConfigMap && !*config.BootstrapClusterCreatorAdminPermissions {
		return nil, about{}.invalid("bootstrapClusterCreatorAdminPermissions must be true if cluster authentication mode is set to CONFIG_MAP")
	}
	return config, nil
}

// roleName is the name and account in a role's ARN; ok is false for what is
// none.
func roleName(arn string) (name, account string, ok bool) {
	p, err := apiwire.ParseARN(arn)
	path, isRole := strings.CutPrefix(p.Resource, "role/")
	name = path[strings.LastIndexByte(path, '/')+1:]
	return name, p.Account, err == nil && isRole && p.Service == "iam" && name != ""
}

// Service principals that EKS's roles have to trust.
const (
	clusterService = "eks.amazonaws.com"
	podService     = "eks-fargate-pods.amazonaws.com"
)

// checkClusterRole refuses a role that the control plane could not have.
func (a *API) checkClusterRole(tx *store.Tx, call apiwire.Call, arn string) error {
	if err := checkRoleARN(call, arn); err != nil {
		return err
	}
	if trusted, err := a.trusts(tx, arn, clusterService); err != nil || trusted {
		return err
	}
	return about{}.invalid("Role with arn: %s could not be assumed because it does not exist or the trusted entity is not correct", arn)
}

// checkRoleARN refuses what is no role of the caller's account.
func checkRoleARN(call apiwire.Call, arn string) error {
	_, account, ok := roleName(arn)
	switch {
	case !ok:
		return about{}.invalid("Invalid Role Arn: '%s'", arn)
	case account != call.Account:
		return denied("Cross-account pass role is not allowed.")
	}
	return nil
}

// trusts tells whether a role is there and lets a service assume it.
func (a *API) trusts(tx *store.Tx, roleARN, service string) (bool, error) {
	if a.roles == nil {
		return true, nil
	}
	trusted, err := a.roles.Trusts(tx, roleARN, service)
	if hasNot(err) {
		return false, nil
	}
	return trusted, err
}
