package emulator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/controlplane"
	"github.com/neargate/neargate/emulator/iam"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/sts"
)

// This file fulfils the interfaces in which EKS and its control planes say
// what they need of other services; adapters.go does it for ECS.

// clusterNetwork is EC2 as EKS needs it.
type clusterNetwork struct{ ec2 *ec2.API }

func (n clusterNetwork) Subnets(tx *store.Tx, scope string, ids []string) ([]eks.Subnet, error) {
	found, err := n.ec2.Subnets(tx, scope, ids)
	if err != nil {
		return nil, err
	}
	list := make([]eks.Subnet, 0, len(found))
	for _, s := range found {
		list = append(list, eks.Subnet{ID: s.ID, VPC: s.VPC, CIDR: s.CIDR, VPCCIDR: s.VPCCIDR, Zone: s.Zone, ZoneID: s.ZoneID, InternetGateway: s.InternetGateway})
	}
	return list, nil
}

func (n clusterNetwork) SecurityGroups(tx *store.Tx, scope string, ids []string) ([]eks.SecurityGroup, error) {
	found, err := n.ec2.SecurityGroups(tx, scope, ids)
	if err != nil {
		return nil, err
	}
	list := make([]eks.SecurityGroup, 0, len(found))
	for _, g := range found {
		list = append(list, eks.SecurityGroup(g))
	}
	return list, nil
}

func (n clusterNetwork) CreateSecurityGroup(tx *store.Tx, scope string, g eks.NewSecurityGroup) (string, error) {
	return n.ec2.MakeSecurityGroup(tx, scope, ec2.NewSecurityGroup(g))
}

func (n clusterNetwork) DeleteSecurityGroup(tx *store.Tx, scope, id string) error {
	return n.ec2.RemoveSecurityGroup(tx, scope, id)
}

// clusterRoles is IAM as EKS needs it.
type clusterRoles struct{ iam *iam.API }

func (r clusterRoles) Trusts(tx *store.Tx, roleARN, service string) (bool, error) {
	role, err := r.role(tx, roleARN)
	if err != nil {
		return false, err
	}
	return sts.TrustsService(role, service)
}

func (r clusterRoles) role(tx *store.Tx, roleARN string) (policy string, err error) {
	arn, err := apiwire.ParseARN(roleARN)
	if err != nil {
		return "", fmt.Errorf("role %s: %w", roleARN, err)
	}
	role, err := r.iam.RoleOf(tx, arn.Account, arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:])
	if err != nil {
		return "", err
	}
	if aws.ToString(role.Arn) != roleARN { // of another path
		return "", store.ErrNotFound
	}
	if role.AssumeRolePolicyDocument == nil {
		return "{}", nil
	}
	return *role.AssumeRolePolicyDocument, nil
}

func (r clusterRoles) HasPrincipal(tx *store.Tx, principal string) (bool, error) {
	arn, err := apiwire.ParseARN(principal)
	if err != nil {
		return false, fmt.Errorf("principal %s: %w", principal, err)
	}
	kind, name, _ := strings.Cut(arn.Resource, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	switch kind {
	case "root":
		return true, nil
	case "role":
		_, err = r.iam.RoleOf(tx, arn.Account, name)
	case "user":
		_, err = r.iam.UserNamed(tx, arn.Account, name)
	default:
		return false, nil
	}
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// clusterTokens is STS as whoever verifies tokens of `aws eks get-token` needs
// it.
type clusterTokens struct {
	sts     *sts.API
	account string // of access keys that say nothing of theirs
	verify  bool
}

// Caller finds out whose a token is. The time is the token's own matter and has
// been looked at.
func (t clusterTokens) Caller(ctx context.Context, u *url.URL, header http.Header) (c controlplane.Caller, err error) {
	call, err := callOf(u)
	if err != nil {
		return c, err
	}
	if t.verify {
		if _, err := apiwire.VerifyPresigned(ctx, u, header, t.sts); err != nil {
			return c, err
		}
	}
	if call.Account = t.account; call.AccessKey != "" {
		if known, ok := t.sts.AccountOf(ctx, call.AccessKey); ok {
			call.Account = known
		}
	}
	who, err := t.sts.CallerOf(apiwire.WithCall(ctx, call))
	return controlplane.Caller{Account: who.Account, ARN: who.ARN, UserID: who.UserID}, err
}

// callOf reads who has presigned a URL, believing it.
func callOf(u *url.URL) (c apiwire.Call, err error) {
	parts := strings.Split(u.Query().Get("X-Amz-Credential"), "/")
	if len(parts) != 5 {
		return c, errors.New("the token has no credential scope")
	}
	return apiwire.Call{Service: "sts", Operation: "GetCallerIdentity", AccessKey: parts[0], Region: parts[2], Partition: apiwire.PartitionOf(parts[2])}, nil
}
