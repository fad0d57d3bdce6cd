package eks

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is where in a VPC a cluster is, and who may reach its endpoint.

const (
	maxClusterGroups = 5
	maxPublicCIDRs   = 40
)

// everywhere is the default of publicAccessCidrs.
const everywhere = "0.0.0.0/0"

// zonesWithout are the Availability Zones that EKS puts no control planes in.
// Source: the user guide's network requirements of clusters.
var zonesWithout = []string{"use1-az3", "usw1-az2", "cac1-az3"}

// vpcConfig is a cluster's place with the address range of its VPC.
type vpcConfig struct {
	config *types.VpcConfigResponse
	cidr   netip.Prefix
}

func (a *API) newVPCConfig(tx *store.Tx, call apiwire.Call, in *eks.CreateClusterInput) (vpcConfig, error) {
	given := in.ResourcesVpcConfig
	place, err := a.checkPlace(tx, call, *in.Name, given.SubnetIds, given.SecurityGroupIds)
	if err != nil {
		return vpcConfig{}, err
	}
	access, err := accessOf(given, &types.VpcConfigResponse{EndpointPublicAccess: true, PublicAccessCidrs: []string{everywhere}})
	if err != nil {
		return vpcConfig{}, err
	}
	return vpcConfig{cidr: place.VPCCIDR, config: &types.VpcConfigResponse{
		SubnetIds: slices.Clone(given.SubnetIds), SecurityGroupIds: append([]string{}, given.SecurityGroupIds...), VpcId: aws.String(place.VPC),
		EndpointPublicAccess: access.EndpointPublicAccess, EndpointPrivateAccess: access.EndpointPrivateAccess, PublicAccessCidrs: access.PublicAccessCidrs,
		ControlPlaneEgressMode: given.ControlPlaneEgressMode,
	}}, nil
}

// checkPlace checks the subnets and security groups of a cluster and returns
// one of the subnets, by which the VPC is known.
func (a *API) checkPlace(tx *store.Tx, call apiwire.Call, name string, subnetIDs, groupIDs []string) (Subnet, error) {
	fail := about{cluster: name}.invalid
	subnets, err := a.network.Subnets(tx, call.Scope(), subnetIDs)
	if err != nil {
		return Subnet{}, ofEC2(fail, err)
	}
	zones := map[string]bool{}
	for _, s := range subnets {
		if s.VPC != subnets[0].VPC {
			return Subnet{}, fail("Subnets specified must belong to the same VPC: %s and %s do not", subnets[0].ID, s.ID)
		}
		zones[s.Zone] = true
	}
	if len(zones) < 2 {
		return Subnet{}, fail("Subnets specified must be in at least two different AZs")
	}
	if err := checkZones(name, subnets); err != nil {
		return Subnet{}, err
	}
	if len(groupIDs) > maxClusterGroups {
		return Subnet{}, fail("securityGroupIds can have at most %d items.", maxClusterGroups)
	}
	groups, err := a.network.SecurityGroups(tx, call.Scope(), groupIDs)
	if err != nil {
		return Subnet{}, ofEC2(fail, err)
	}
	for _, g := range groups {
		if g.VPC != subnets[0].VPC {
			return Subnet{}, fail("Security group(s) are not (in/associated to) the same VPC as the subnets")
		}
	}
	return subnets[0], nil
}

// ofEC2 passes EC2's error on in EKS's way; others stay as they are.
func ofEC2(fail func(string, ...any) error, err error) error {
	var e smithy.APIError
	if !errors.As(err, &e) {
		return err
	}
	return fail("%s (Service: AmazonEC2; Status Code: 400; Error Code: %s)", e.ErrorMessage(), e.ErrorCode())
}

func checkZones(name string, subnets []Subnet) error {
	var good []string
	bad := ""
	for _, s := range subnets {
		switch {
		case slices.Contains(zonesWithout, s.ZoneID):
			bad = s.Zone
		case !slices.Contains(good, s.Zone):
			good = append(good, s.Zone)
		}
	}
	if bad == "" {
		return nil
	}
	slices.Sort(good)
	return &types.UnsupportedAvailabilityZoneException{
		Message: text("Cannot create cluster '%s' because %s, the targeted availability zone, does not currently have sufficient capacity to support the cluster. "+
			"Retry and choose from these availability zones: %s", []any{name, bad, join(good)}),
		ClusterName: aws.String(name), ValidZones: good,
	}
}

// accessOf is who may reach the endpoint: what is given, and otherwise what
// was before.
func accessOf(given *types.VpcConfigRequest, before *types.VpcConfigResponse) (*types.VpcConfigResponse, error) {
	v := *before
	if given.EndpointPublicAccess != nil {
		v.EndpointPublicAccess = *given.EndpointPublicAccess
	}
	if given.EndpointPrivateAccess != nil {
		v.EndpointPrivateAccess = *given.EndpointPrivateAccess
	}
	if len(given.PublicAccessCidrs) > 0 {
		v.PublicAccessCidrs = slices.Clone(given.PublicAccessCidrs)
	}
	if !v.EndpointPublicAccess && !v.EndpointPrivateAccess {
		return nil, about{}.invalid("Private and public endpoint access cannot be false")
	}
	if !v.EndpointPublicAccess && len(given.PublicAccessCidrs) == 0 {
		v.PublicAccessCidrs = []string{}
	}
	if v.EndpointPublicAccess && len(v.PublicAccessCidrs) == 0 {
		v.PublicAccessCidrs = []string{everywhere}
	}
	if len(v.PublicAccessCidrs) > maxPublicCIDRs {
		return nil, about{}.invalid("publicAccessCidrs can have at most %d items.", maxPublicCIDRs)
	}
	for _, cidr := range v.PublicAccessCidrs {
		if p, err := netip.ParsePrefix(cidr); err != nil || p.Masked() != p {
			return nil, about{}.invalid("The following CIDRs are invalid in publicAccessCidrs: [%s]", cidr)
		}
	}
	return &v, nil
}

// Ranges of services that clusters have unless they name one: the second where
// the VPC has addresses like the first.
const (
	serviceCIDR       = "10.100.0.0/16"
	serviceCIDRBeside = "172.20.0.0/16"
)

var private = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}

// newNetworkConfig is the addresses of the cluster's services.
func newNetworkConfig(given *types.KubernetesNetworkConfigRequest, vpc netip.Prefix) (*types.KubernetesNetworkConfigResponse, error) {
	config := &types.KubernetesNetworkConfigResponse{
		IpFamily: types.IpFamilyIpv4, ServiceIpv4Cidr: aws.String(serviceCIDR), ElasticLoadBalancing: &types.ElasticLoadBalancing{Enabled: aws.Bool(false)},
	}
	if private[0].Overlaps(vpc) {
		config.ServiceIpv4Cidr = aws.String(serviceCIDRBeside)
	}
	if given == nil {
		return config, nil
	}
	if given.IpFamily == types.IpFamilyIpv6 {
		if given.ServiceIpv4Cidr != nil {
			return nil, about{}.invalid(`serviceIpv4Cidr cannot be specified when creating an "ipv6" cluster`)
		}
		return nil, about{}.invalid("ipFamily: Neargate has no IPv6; clusters have the ipFamily ipv4 only.")
	}
	if given.ElasticLoadBalancing != nil {
		config.ElasticLoadBalancing = given.ElasticLoadBalancing
	}
	if given.ServiceIpv4Cidr != nil {
		config.ServiceIpv4Cidr = given.ServiceIpv4Cidr
		return config, checkServiceCIDR(*given.ServiceIpv4Cidr, vpc)
	}
	return config, nil
}

func checkServiceCIDR(text string, vpc netip.Prefix) error {
	p, err := netip.ParsePrefix(text)
	fail := func(why string, args ...any) error {
		return about{}.invalid("ServiceIpv4Cidr %s %s", text, fmt.Sprintf(why, args...))
	}
	if err != nil || !p.Addr().Is4() || p.Masked() != p {
		return fail("is not a valid CIDR block")
	}
	inside := func(r netip.Prefix) bool { return r.Bits() <= p.Bits() && r.Contains(p.Addr()) }
	switch {
	case !slices.ContainsFunc(private, inside):
		return fail("must be within RFC1918 range")
	case p.Bits() < 12 || p.Bits() > 24:
		return fail("must have netmask size between /12 and /24 inclusive")
	case p.Overlaps(vpc):
		return fail("overlaps with the VPC's CIDR %s", vpc)
	}
	return nil
}
