package ec2

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

type CreateNetworkInterfaceInput struct {
	ClientToken                    *string
	Description                    *string
	DryRun                         *bool
	Groups                         []string
	InterfaceType                  types.NetworkInterfaceCreationType
	PrivateIpAddress               *string
	PrivateIpAddresses             []types.PrivateIpAddressSpecification
	SecondaryPrivateIpAddressCount *int32
	SubnetId                       *string
	TagSpecifications              []types.TagSpecification
}

type CreateNetworkInterfaceOutput struct {
	ClientToken      *string
	NetworkInterface *types.NetworkInterface
}

// CreateNetworkInterface records an interface with addresses of its subnet.
func (a *API) CreateNetworkInterface(ctx context.Context, in *CreateNetworkInterfaceInput) (*CreateNetworkInterfaceOutput, error) {
	if err := require("subnetId", in.SubnetId); err != nil {
		return nil, err
	}
	if in.InterfaceType != "" && in.InterfaceType != "interface" {
		return nil, unsupported("Network interfaces of type " + string(in.InterfaceType) + " are")
	}
	tags, err := newTags(in.TagSpecifications, interfaces.kind)
	if err != nil {
		return nil, err
	}
	out := &CreateNetworkInterfaceOutput{ClientToken: in.ClientToken}
	err = a.update(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		out.NetworkInterface, err = interfaces.once(tx, p, "CreateNetworkInterface", in.ClientToken, in, func() (*types.NetworkInterface, error) {
			return a.makeInterface(tx, p, interfaceSpec{
				subnet: *in.SubnetId, groups: in.Groups, description: aws.ToString(in.Description), kind: types.NetworkInterfaceTypeInterface,
				wanted: in.addresses(), more: int(aws.ToInt32(in.SecondaryPrivateIpAddressCount)), tags: tags,
			})
		})
		return err
	})
	return out, err
}

// addresses are the private addresses that a request names, the primary first.
func (in *CreateNetworkInterfaceInput) addresses() []string {
	named := slices.Clone(in.PrivateIpAddresses)
	slices.SortStableFunc(named, func(x, y types.PrivateIpAddressSpecification) int {
		return boolRank(aws.ToBool(y.Primary)) - boolRank(aws.ToBool(x.Primary))
	})
	return slices.Concat(one(in.PrivateIpAddress), each(named, func(s types.PrivateIpAddressSpecification) *string { return s.PrivateIpAddress }))
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// interfaceSpec is what a new interface is made from.
type interfaceSpec struct {
	subnet, description string
	kind                types.NetworkInterfaceType
	groups              []string // none: the VPC's default group
	wanted              []string // private addresses
	more                int      // how many private addresses beside the first
	tags                []types.Tag
}

func (a *API) makeInterface(tx *store.Tx, p place, spec interfaceSpec) (*types.NetworkInterface, error) {
	s, err := subnets.get(tx, p, spec.subnet)
	if err != nil {
		return nil, err
	}
	v, err := vpcs.get(tx, p, *s.VpcId)
	if err != nil {
		return nil, err
	}
	groups, err := interfaceGroupsFor(tx, p, *s.VpcId, spec)
	if err != nil {
		return nil, err
	}
	addresses, err := a.assign(tx, p, s, spec)
	if err != nil {
		return nil, err
	}
	n := &types.NetworkInterface{
		NetworkInterfaceId: aws.String(newID("eni-")), SubnetId: s.SubnetId, VpcId: s.VpcId, OwnerId: &p.account, RequesterId: &p.account,
		AvailabilityZone: s.AvailabilityZone, AvailabilityZoneId: s.AvailabilityZoneId, Description: &spec.description, Groups: groups,
		InterfaceType: spec.kind, MacAddress: aws.String(newMAC()), RequesterManaged: aws.Bool(false), SourceDestCheck: aws.Bool(true),
		Status: types.NetworkInterfaceStatusAvailable, PrivateIpAddress: aws.String(addresses[0].String()), TagSet: spec.tags,
	}
	for i, address := range addresses {
		entry := types.NetworkInterfacePrivateIpAddress{Primary: aws.Bool(i == 0), PrivateIpAddress: aws.String(address.String())}
		if v.DNSHostnames {
			entry.PrivateDnsName = aws.String(privateName(address, p.region))
		}
		n.PrivateIpAddresses = append(n.PrivateIpAddresses, entry)
	}
	n.PrivateDnsName = n.PrivateIpAddresses[0].PrivateDnsName
	return n, interfaces.put(tx, p, n)
}

// privateName is the DNS name of a private address.
func privateName(address netip.Addr, region string) string {
	return "ip-" + strings.ReplaceAll(address.String(), ".", "-") + "." + internalDomain(region)
}

// interfaceGroupsFor checks the groups of a new interface. NAT gateways have
// none.
func interfaceGroupsFor(tx *store.Tx, p place, vpc string, spec interfaceSpec) ([]types.GroupIdentifier, error) {
	ids := spec.groups
	if len(ids) == 0 && spec.kind == types.NetworkInterfaceTypeInterface {
		g, err := groupNamed(tx, p, vpc, defaultGroup)
		if err != nil || g == nil {
			return nil, err
		}
		ids = []string{*g.GroupId}
	}
	groups := []types.GroupIdentifier{}
	for _, id := range ids {
		g, err := securityGroups.get(tx, p, id)
		if err != nil {
			return nil, err
		}
		if *g.VpcId != vpc {
			return nil, fail("InvalidParameter", "You have specified two resources that belong to different networks.")
		}
		groups = append(groups, types.GroupIdentifier{GroupId: g.GroupId, GroupName: g.GroupName})
	}
	return groups, nil
}

// assign finds private addresses in a subnet: those wanted, then free ones.
func (a *API) assign(tx *store.Tx, p place, s *types.Subnet, spec interfaceSpec) ([]netip.Addr, error) {
	inside, err := a.interfacesIn(tx, p, *s.SubnetId)
	if err != nil {
		return nil, err
	}
	taken := map[netip.Addr]bool{}
	for _, address := range every(inside, func(n types.NetworkInterface) []string { return privateAddresses(&n) }) {
		if parsed, err := netip.ParseAddr(address); err == nil {
			taken[parsed] = true
		}
	}
	return pickAddresses(subnetBlock(s), taken, spec.wanted, 1+spec.more)
}

// pickAddresses chooses n addresses of a block, or as many as are wanted when
// that is more. Free ones are taken from the low end, after the four that AWS
// keeps.
func pickAddresses(block netip.Prefix, taken map[netip.Addr]bool, wanted []string, n int) ([]netip.Addr, error) {
	first, last := usable(block)
	var picked []netip.Addr
	for _, w := range wanted {
		address, err := netip.ParseAddr(w)
		switch {
		case err != nil || !block.Contains(address):
			return nil, fail("InvalidParameterValue", "Address does not fall within the subnet's address range")
		case address.Less(first) || last.Less(address):
			return nil, fail("InvalidParameterValue", "Address is in subnet's reserved address range")
		case taken[address] || slices.Contains(picked, address):
			return nil, fail("InvalidIPAddress.InUse", "The specified address is already in use.")
		}
		picked = append(picked, address)
	}
	for address := first; len(picked) < n; address = address.Next() {
		if last.Less(address) {
			return nil, fail("InsufficientFreeAddressesInSubnet", "The specified subnet does not have enough free addresses to satisfy the request.")
		}
		if !taken[address] && !slices.Contains(picked, address) {
			picked = append(picked, address)
		}
	}
	return picked, nil
}

// usable returns the first and last address of a block that AWS gives out.
func usable(block netip.Prefix) (first, last netip.Addr) {
	base := block.Masked().Addr().As4()
	size := uint32(1) << (32 - block.Bits())
	start := uint32(base[0])<<24 | uint32(base[1])<<16 | uint32(base[2])<<8 | uint32(base[3])
	at := func(n uint32) netip.Addr {
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	return at(start + 4), at(start + size - 2)
}

// newMAC makes a locally administered address that begins as Amazon's do.
func newMAC() string {
	var b [5]byte
	rand.Read(b[:])
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4])
}

func instant(t *time.Time) []string {
	if t == nil {
		return nil
	}
	return []string{t.UTC().Format("2006-01-02T15:04:05.000Z")}
}

type DeleteNetworkInterfaceInput struct {
	DryRun             *bool
	NetworkInterfaceId *string
}

type DeleteNetworkInterfaceOutput struct{}

// DeleteNetworkInterface removes an interface that nothing uses.
func (a *API) DeleteNetworkInterface(ctx context.Context, in *DeleteNetworkInterfaceInput) (*DeleteNetworkInterfaceOutput, error) {
	if err := require("networkInterfaceId", in.NetworkInterfaceId); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		n, err := a.networkInterface(tx, p, *in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if n.Status != types.NetworkInterfaceStatusAvailable {
			return fail("InvalidParameterValue", "Network interface '%s' is currently in use.", *n.NetworkInterfaceId)
		}
		if err := freeAddresses(tx, p, n); err != nil {
			return err
		}
		if err := markRoutes(tx, p, *n.VpcId, *n.NetworkInterfaceId, types.RouteStateBlackhole); err != nil {
			return err
		}
		return interfaces.delete(tx, p, *n.NetworkInterfaceId)
	})
	return &DeleteNetworkInterfaceOutput{}, err
}
