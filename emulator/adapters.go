package emulator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/iam"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/sts"
)

// This file fulfils the interfaces in which services say what they need of
// each other.

// network is EC2 as ECS needs it.
type network struct{ ec2 *ec2.API }

func (n network) Subnets(tx *store.Tx, scope string, ids []string) ([]ecs.Subnet, error) {
	found, err := n.ec2.Subnets(tx, scope, ids)
	if err != nil {
		return nil, err
	}
	list := make([]ecs.Subnet, 0, len(found))
	for _, s := range found {
		list = append(list, ecs.Subnet(s))
	}
	return list, nil
}

func (n network) SecurityGroups(tx *store.Tx, scope string, ids []string) ([]ecs.SecurityGroup, error) {
	found, err := n.ec2.SecurityGroups(tx, scope, ids)
	if err != nil {
		return nil, err
	}
	list := make([]ecs.SecurityGroup, 0, len(found))
	for _, g := range found {
		list = append(list, ecs.SecurityGroup(g))
	}
	return list, nil
}

func (n network) DefaultSecurityGroup(tx *store.Tx, scope, vpc string) (ecs.SecurityGroup, error) {
	g, err := n.ec2.DefaultSecurityGroup(tx, scope, vpc)
	return ecs.SecurityGroup(g), err
}

// attached are the interfaces of tasks as EC2 shows them.
type attached struct{}

func (attached) Interfaces(tx *store.Tx, scope string) ([]ec2types.NetworkInterface, error) {
	all, err := ecs.AttachedInterfaces(tx, scope)
	list := make([]ec2types.NetworkInterface, 0, len(all))
	for _, one := range all {
		list = append(list, networkInterface(&one))
	}
	return list, err
}

// networkInterface is a task's interface in EC2's shape: made and owned by
// ECS, so it cannot be deleted by hand.
func networkInterface(a *ecs.Attached) ec2types.NetworkInterface {
	n := ec2types.NetworkInterface{
		NetworkInterfaceId: aws.String(a.ID), Description: aws.String(a.AttachmentARN),
		InterfaceType: ec2types.NetworkInterfaceTypeInterface, RequesterManaged: aws.Bool(true),
		RequesterId: aws.String(a.Account), OwnerId: aws.String(a.Account), SourceDestCheck: aws.Bool(true),
		SubnetId: aws.String(a.Subnet), VpcId: aws.String(a.VPC), AvailabilityZone: aws.String(a.Zone), AvailabilityZoneId: aws.String(a.ZoneID),
		Status: ec2types.NetworkInterfaceStatusInUse, Groups: []ec2types.GroupIdentifier{}, TagSet: []ec2types.Tag{},
		Attachment: &ec2types.NetworkInterfaceAttachment{
			AttachmentId: aws.String("eni-attach-" + a.ID[len("eni-"):]), DeviceIndex: aws.Int32(1), InstanceOwnerId: aws.String("aws"),
			Status: ec2types.AttachmentStatusAttached, AttachTime: aws.Time(a.CreatedAt), DeleteOnTermination: aws.Bool(true),
		},
		PrivateIpAddresses: []ec2types.NetworkInterfacePrivateIpAddress{}, Ipv6Addresses: []ec2types.NetworkInterfaceIpv6Address{},
	}
	addTags(&n, a)
	for _, g := range a.Groups {
		n.Groups = append(n.Groups, ec2types.GroupIdentifier{GroupId: aws.String(g.ID), GroupName: aws.String(g.Name)})
	}
	if a.Attaching {
		n.Status, n.Attachment.Status = ec2types.NetworkInterfaceStatusAttaching, ec2types.AttachmentStatusAttaching
		return n
	}
	addAddress(&n, a)
	return n
}

// clusterTag is the tag that ECS gives every interface it makes.
const clusterTag = "aws:ecs:clusterName"

func addTags(n *ec2types.NetworkInterface, a *ecs.Attached) {
	n.TagSet = append(n.TagSet, ec2types.Tag{Key: aws.String(clusterTag), Value: aws.String(a.ClusterName)})
	for _, t := range a.Tags {
		if aws.ToString(t.Key) != clusterTag {
			n.TagSet = append(n.TagSet, ec2types.Tag{Key: t.Key, Value: t.Value})
		}
	}
}

func addAddress(n *ec2types.NetworkInterface, a *ecs.Attached) {
	n.MacAddress = aws.String(a.Address.MAC)
	n.PrivateIpAddress = aws.String(a.Address.IP)
	n.PrivateDnsName = aws.String(ecs.PrivateDNSName(a.Address.IP, a.Region))
	if a.Address.Public != "" {
		n.Association = &ec2types.NetworkInterfaceAssociation{
			PublicIp: aws.String(a.Address.Public), PublicDnsName: aws.String(ecs.PublicDNSName(a.Address.Public, a.Region)),
			IpOwnerId: aws.String("amazon"),
		}
	}
	n.PrivateIpAddresses = append(n.PrivateIpAddresses, ec2types.NetworkInterfacePrivateIpAddress{
		Primary: aws.Bool(true), PrivateIpAddress: n.PrivateIpAddress, PrivateDnsName: n.PrivateDnsName, Association: n.Association,
	})
}

// engine is the sandbox engine as ECS needs it.
type engine struct{ *sandbox.Engine }

func (e engine) Stats(ctx context.Context, id string) (sandbox.Stats, error) {
	r, ok := e.Runtime().(sandbox.StatsReader)
	if !ok {
		return sandbox.Stats{}, nil
	}
	return r.Stats(ctx, id)
}

// roles is STS and IAM as ECS needs them.
type roles struct {
	store *store.Store
	sts   *sts.API
	iam   *iam.API
}

// taskSession is how long a task's credentials are good: as on Fargate, six
// hours.
const taskSession = 6 * time.Hour

// unknownRoleID stands for the unique id of a role that IAM does not have.
// Neargate lets a task have such a role: nothing checks policies either.
const unknownRoleID = "AROAUNKNOWNUNKNOWNUNK"

func (r roles) AssumeRole(ctx context.Context, scope, roleARN, session string) (c ecs.RoleCredentials, err error) {
	arn, err := apiwire.ParseARN(roleARN)
	if err != nil {
		return c, fmt.Errorf("role %s: %w", roleARN, err)
	}
	name := arn.Resource[strings.LastIndexByte(arn.Resource, '/')+1:]
	err = r.store.Update(ctx, "ecs:task-credentials "+session, func(tx *store.Tx) error {
		id := unknownRoleID
		if role, err := r.iam.RoleOf(tx, arn.Account, name); err == nil {
			id = aws.ToString(role.RoleId)
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		k, err := r.sts.Issue(tx, sts.ForRole(arn.Partition, arn.Account, roleARN, name, id, session, taskSession))
		c = ecs.RoleCredentials{
			RoleArn: roleARN, AccessKeyID: aws.ToString(k.AccessKeyId), SecretAccessKey: aws.ToString(k.SecretAccessKey),
			Token: aws.ToString(k.SessionToken), Expiration: aws.ToTime(k.Expiration),
		}
		return err
	})
	return c, err
}

// callers is STS as whoever names a request's author needs it.
type callers struct{ sts *sts.API }

// CallerARN takes a request that nobody has signed for one of the account
// itself: where signatures matter (--auth=verify) it does not come so far.
func (c callers) CallerARN(ctx context.Context) (string, error) {
	if call := apiwire.CallFrom(ctx); call.AccessKey == "" {
		return "arn:" + call.Partition + ":iam::" + call.Account + ":root", nil
	}
	who, err := c.sts.CallerOf(ctx)
	return who.ARN, err
}

// noSecrets refuses secrets as Fargate does when it cannot have them: the
// services that would know them are not served.
type noSecrets struct{}

func (noSecrets) Resolve(_ context.Context, _ *sandbox.Spec, c *sandbox.Container) ([]sandbox.EnvVar, error) {
	if len(c.Secrets) == 0 {
		return nil, nil
	}
	return nil, &sandbox.StopError{Container: c.Name, Reason: "ResourceInitializationError: unable to pull secrets or registry auth: " +
		"execution resource retrieval failed: unable to retrieve secret " + c.Secrets[0].ValueFrom +
		": neither Secrets Manager nor Systems Manager is available in Neargate"}
}
