package ec2

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows network interfaces: those stored here, made with
// CreateNetworkInterface (network_interface_create.go) or by a NAT gateway,
// and those of tasks and pods, which Attached shows.

var interfaces = &resource[types.NetworkInterface]{
	table: store.NewTable("ec2/network-interface",
		store.By(inVPC, func(_ string, n *types.NetworkInterface) []string { return one(n.VpcId) }),
		store.By(inSubnet, func(_ string, n *types.NetworkInterface) []string { return one(n.SubnetId) })),
	kind:   "network-interface",
	prefix: "eni-",
	id:     func(n *types.NetworkInterface) *string { return n.NetworkInterfaceId },
	tags:   func(n *types.NetworkInterface) *[]types.Tag { return &n.TagSet },
	noun:   "networkInterface", notFound: "InvalidNetworkInterfaceID.NotFound", malformed: "InvalidNetworkInterfaceId.Malformed",
	fields: interfaceFields(),
}

func interfaceFields() fields[types.NetworkInterface] {
	type eni = types.NetworkInterface
	associations := func(member func(*types.NetworkInterfaceAssociation) *string) func(*eni) []string {
		return func(n *eni) []string {
			if n.Association == nil {
				return nil
			}
			return one(member(n.Association))
		}
	}
	attachments := func(values func(*types.NetworkInterfaceAttachment) []string) func(*eni) []string {
		return func(n *eni) []string {
			if n.Attachment == nil {
				return nil
			}
			return values(n.Attachment)
		}
	}
	return fields[eni]{
		"association.allocation-id":       associations(func(a *types.NetworkInterfaceAssociation) *string { return a.AllocationId }),
		"association.association-id":      associations(func(a *types.NetworkInterfaceAssociation) *string { return a.AssociationId }),
		"association.ip-owner-id":         associations(func(a *types.NetworkInterfaceAssociation) *string { return a.IpOwnerId }),
		"association.public-ip":           associations(func(a *types.NetworkInterfaceAssociation) *string { return a.PublicIp }),
		"association.public-dns-name":     associations(func(a *types.NetworkInterfaceAssociation) *string { return a.PublicDnsName }),
		"addresses.association.owner-id":  associations(func(a *types.NetworkInterfaceAssociation) *string { return a.IpOwnerId }),
		"addresses.association.public-ip": associations(func(a *types.NetworkInterfaceAssociation) *string { return a.PublicIp }),
		"addresses.primary": func(n *eni) []string {
			return every(n.PrivateIpAddresses, func(a types.NetworkInterfacePrivateIpAddress) []string { return flag(a.Primary) })
		},
		"addresses.private-ip-address":     privateAddresses,
		"private-ip-address":               privateAddresses,
		"attachment.attach-time":           attachments(func(a *types.NetworkInterfaceAttachment) []string { return instant(a.AttachTime) }),
		"attachment.attachment-id":         attachments(func(a *types.NetworkInterfaceAttachment) []string { return one(a.AttachmentId) }),
		"attachment.delete-on-termination": attachments(func(a *types.NetworkInterfaceAttachment) []string { return flag(a.DeleteOnTermination) }),
		"attachment.device-index":          attachments(func(a *types.NetworkInterfaceAttachment) []string { return number(a.DeviceIndex) }),
		"attachment.instance-id":           attachments(func(a *types.NetworkInterfaceAttachment) []string { return one(a.InstanceId) }),
		"attachment.instance-owner-id":     attachments(func(a *types.NetworkInterfaceAttachment) []string { return one(a.InstanceOwnerId) }),
		"attachment.status":                attachments(func(a *types.NetworkInterfaceAttachment) []string { return word(a.Status) }),
		"availability-zone":                func(n *eni) []string { return one(n.AvailabilityZone) },
		"availability-zone-id":             func(n *eni) []string { return one(n.AvailabilityZoneId) },
		"description":                      func(n *eni) []string { return one(n.Description) },
		"group-id":                         interfaceGroups,
		"group-name": func(n *eni) []string {
			return each(n.Groups, func(g types.GroupIdentifier) *string { return g.GroupName })
		},
		"ipv6-addresses.ipv6-address": none[eni],
		"interface-type":              func(n *eni) []string { return word(n.InterfaceType) },
		"mac-address":                 func(n *eni) []string { return one(n.MacAddress) },
		"network-interface-id":        func(n *eni) []string { return one(n.NetworkInterfaceId) },
		"operator.managed":            func(n *eni) []string { return flag(aws.Bool(n.Operator != nil && aws.ToBool(n.Operator.Managed))) },
		"operator.principal":          none[eni],
		"owner-id":                    func(n *eni) []string { return one(n.OwnerId) },
		"private-dns-name":            func(n *eni) []string { return one(n.PrivateDnsName) },
		"requester-id":                func(n *eni) []string { return one(n.RequesterId) },
		"requester-managed":           func(n *eni) []string { return flag(n.RequesterManaged) },
		"source-dest-check":           func(n *eni) []string { return flag(n.SourceDestCheck) },
		"status":                      func(n *eni) []string { return word(n.Status) },
		"subnet-id":                   func(n *eni) []string { return one(n.SubnetId) },
		"vpc-id":                      func(n *eni) []string { return one(n.VpcId) },
	}
}

func privateAddresses(n *types.NetworkInterface) []string {
	all := each(n.PrivateIpAddresses, func(a types.NetworkInterfacePrivateIpAddress) *string { return a.PrivateIpAddress })
	if len(all) == 0 {
		return one(n.PrivateIpAddress)
	}
	return all
}

func interfaceGroups(n *types.NetworkInterface) []string {
	return each(n.Groups, func(g types.GroupIdentifier) *string { return g.GroupId })
}

type DescribeNetworkInterfacesInput struct {
	DryRun                  *bool
	Filters                 []types.Filter
	IncludeManagedResources *bool
	MaxResults              *int32
	NetworkInterfaceIds     []string
	NextToken               *string
}

type DescribeNetworkInterfacesOutput struct {
	NetworkInterfaces []types.NetworkInterface
	NextToken         *string
}

// DescribeNetworkInterfaces lists network interfaces, those of tasks included.
// No interface here is a managed resource, so that asking for those too
// changes nothing.
func (a *API) DescribeNetworkInterfaces(ctx context.Context, in *DescribeNetworkInterfacesInput) (*DescribeNetworkInterfacesOutput, error) {
	out := &DescribeNetworkInterfacesOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.NetworkInterfaces, out.NextToken, err = interfaces.pick(a.allInterfaces(tx, p),
			query{ids: in.NetworkInterfaceIds, idsName: "networkInterfaceIds", filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

// allInterfaces yields every network interface here by id, whoever owns it.
func (a *API) allInterfaces(tx *store.Tx, p place) iter.Seq2[*types.NetworkInterface, error] {
	return func(yield func(*types.NetworkInterface, error) bool) {
		own, err := collect(interfaces.all(tx, p))
		if err != nil {
			yield(nil, err)
			return
		}
		others, err := a.attachedInterfaces(tx, p)
		if err != nil {
			yield(nil, err)
			return
		}
		all := slices.Concat(own, others)
		slices.SortFunc(all, func(x, y types.NetworkInterface) int {
			return strings.Compare(aws.ToString(x.NetworkInterfaceId), aws.ToString(y.NetworkInterfaceId))
		})
		inMemory(all)(yield)
	}
}

// attachedInterfaces are the interfaces of tasks and pods.
func (a *API) attachedInterfaces(tx *store.Tx, p place) ([]types.NetworkInterface, error) {
	if a.attached == nil {
		return nil, nil
	}
	return a.attached.Interfaces(tx, p.scope())
}

// interfacesIn lists the interfaces in a subnet.
func (a *API) interfacesIn(tx *store.Tx, p place, subnet string) ([]types.NetworkInterface, error) {
	all, err := collect(a.allInterfaces(tx, p))
	return slices.DeleteFunc(all, func(n types.NetworkInterface) bool { return aws.ToString(n.SubnetId) != subnet }), err
}

// networkInterface finds an interface, whoever owns it.
func (a *API) networkInterface(tx *store.Tx, p place, id string) (*types.NetworkInterface, error) {
	others, err := a.attachedInterfaces(tx, p)
	if err != nil {
		return nil, err
	}
	for i := range others {
		if aws.ToString(others[i].NetworkInterfaceId) == id {
			return &others[i], nil
		}
	}
	return interfaces.get(tx, p, id)
}

// notAttached refuses the id of an interface that a task or pod owns.
func (a *API) notAttached(tx *store.Tx, p place, id string) error {
	others, err := a.attachedInterfaces(tx, p)
	if err != nil {
		return err
	}
	for i := range others {
		if aws.ToString(others[i].NetworkInterfaceId) == id {
			return fail("OperationNotPermitted", "You are not allowed to manage '%s': its requester manages it.", id)
		}
	}
	return nil
}
