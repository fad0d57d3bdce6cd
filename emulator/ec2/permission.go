package ec2

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// This file converts between the two ways that EC2 says what a security group
// lets through: permissions (one protocol and port range, many sources) and
// rules (one source each). Only rules are stored.

const (
	allProtocols = "-1"
	anyPort      = -1
)

// permissionFields are the filters on permissions, without their prefix.
func permissionFields() map[string]func(types.IpPermission) []string {
	pairs := func(member func(types.UserIdGroupPair) *string) func(types.IpPermission) []string {
		return func(p types.IpPermission) []string { return each(p.UserIdGroupPairs, member) }
	}
	return map[string]func(types.IpPermission) []string{
		"cidr": func(p types.IpPermission) []string {
			return each(p.IpRanges, func(r types.IpRange) *string { return r.CidrIp })
		},
		"ipv6-cidr": func(p types.IpPermission) []string {
			return each(p.Ipv6Ranges, func(r types.Ipv6Range) *string { return r.CidrIpv6 })
		},
		"prefix-list-id": func(p types.IpPermission) []string {
			return each(p.PrefixListIds, func(r types.PrefixListId) *string { return r.PrefixListId })
		},
		"from-port":  func(p types.IpPermission) []string { return number(p.FromPort) },
		"to-port":    func(p types.IpPermission) []string { return number(p.ToPort) },
		"protocol":   func(p types.IpPermission) []string { return one(p.IpProtocol) },
		"group-id":   pairs(func(g types.UserIdGroupPair) *string { return g.GroupId }),
		"group-name": pairs(func(g types.UserIdGroupPair) *string { return g.GroupName }),
		"user-id":    pairs(func(g types.UserIdGroupPair) *string { return g.UserId }),
	}
}

// permissionsOf gathers rules of one direction into permissions, ordered by
// protocol and ports so that answers do not change from one call to the next.
func permissionsOf(rules []types.SecurityGroupRule, egress bool) []types.IpPermission {
	permissions := []types.IpPermission{}
	for i := range rules {
		r := &rules[i]
		if aws.ToBool(r.IsEgress) != egress {
			continue
		}
		at := slices.IndexFunc(permissions, func(p types.IpPermission) bool { return samePorts(p, r) })
		if at < 0 {
			at = len(permissions)
			permissions = append(permissions, portsOf(r))
		}
		addSource(&permissions[at], r)
	}
	slices.SortFunc(permissions, func(a, b types.IpPermission) int {
		return cmp.Or(strings.Compare(*a.IpProtocol, *b.IpProtocol), cmp.Compare(aws.ToInt32(a.FromPort), aws.ToInt32(b.FromPort)), cmp.Compare(aws.ToInt32(a.ToPort), aws.ToInt32(b.ToPort)))
	})
	return permissions
}

// portsOf begins a permission; one for all protocols has no ports.
func portsOf(r *types.SecurityGroupRule) types.IpPermission {
	p := types.IpPermission{
		IpProtocol: r.IpProtocol, FromPort: r.FromPort, ToPort: r.ToPort,
		IpRanges: []types.IpRange{}, Ipv6Ranges: []types.Ipv6Range{}, PrefixListIds: []types.PrefixListId{}, UserIdGroupPairs: []types.UserIdGroupPair{},
	}
	if *r.IpProtocol == allProtocols {
		p.FromPort, p.ToPort = nil, nil
	}
	return p
}

func samePorts(p types.IpPermission, r *types.SecurityGroupRule) bool {
	q := portsOf(r)
	return *p.IpProtocol == *q.IpProtocol && equal(p.FromPort, q.FromPort) && equal(p.ToPort, q.ToPort)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func addSource(p *types.IpPermission, r *types.SecurityGroupRule) {
	switch {
	case r.CidrIpv4 != nil:
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: r.CidrIpv4, Description: r.Description})
	case r.CidrIpv6 != nil:
		p.Ipv6Ranges = append(p.Ipv6Ranges, types.Ipv6Range{CidrIpv6: r.CidrIpv6, Description: r.Description})
	case r.PrefixListId != nil:
		p.PrefixListIds = append(p.PrefixListIds, types.PrefixListId{PrefixListId: r.PrefixListId, Description: r.Description})
	case r.ReferencedGroupInfo != nil:
		p.UserIdGroupPairs = append(p.UserIdGroupPairs, types.UserIdGroupPair{
			GroupId: r.ReferencedGroupInfo.GroupId, UserId: r.ReferencedGroupInfo.UserId, Description: r.Description,
		})
	}
}

// finder finds the group that a permission names.
type finder func(types.UserIdGroupPair) (*types.ReferencedSecurityGroup, error)

// rulesOf expands permissions into rules without id and group: one for each
// source. It checks and normalizes protocols, ports, blocks and descriptions.
func rulesOf(permissions []types.IpPermission, find finder) ([]types.SecurityGroupRule, error) {
	var rules []types.SecurityGroupRule
	for _, p := range permissions {
		protocol, from, to, err := checkPorts(p)
		if err != nil {
			return nil, err
		}
		sources, err := sourcesOf(p, find)
		if err != nil {
			return nil, err
		}
		for _, r := range sources {
			if !areGroupWords(aws.ToString(r.Description)) {
				return nil, fail("InvalidParameterValue", "Invalid rule description. "+wordRule, "description")
			}
			r.IpProtocol, r.FromPort, r.ToPort = &protocol, &from, &to
			rules = append(rules, r)
		}
	}
	return rules, nil
}

// sourcesOf makes a rule of each source of a permission.
func sourcesOf(p types.IpPermission, find finder) ([]types.SecurityGroupRule, error) {
	var rules []types.SecurityGroupRule
	for _, s := range p.IpRanges {
		block, err := ruleBlock(aws.ToString(s.CidrIp), false)
		if err != nil {
			return nil, err
		}
		rules = append(rules, types.SecurityGroupRule{CidrIpv4: &block, Description: s.Description})
	}
	for _, s := range p.Ipv6Ranges {
		block, err := ruleBlock(aws.ToString(s.CidrIpv6), true)
		if err != nil {
			return nil, err
		}
		rules = append(rules, types.SecurityGroupRule{CidrIpv6: &block, Description: s.Description})
	}
	for _, s := range p.PrefixListIds {
		return nil, fail("InvalidPrefixListID.NotFound", "The prefix list ID '%s' does not exist", aws.ToString(s.PrefixListId))
	}
	for _, s := range p.UserIdGroupPairs {
		named, err := find(s)
		if err != nil {
			return nil, err
		}
		rules = append(rules, types.SecurityGroupRule{Description: s.Description, ReferencedGroupInfo: named})
	}
	if len(rules) == 0 {
		return nil, fail("MissingParameter", "The request must contain the parameter ipRanges, ipv6Ranges, prefixListIds or groups")
	}
	return rules, nil
}

// ruleBlock makes a rule's block canonical.
func ruleBlock(s string, v6 bool) (string, error) {
	block, err := netip.ParsePrefix(s)
	if err != nil || block.Addr().Is4() == v6 {
		return "", fail("InvalidParameterValue", "CIDR block %s is malformed", s)
	}
	return block.Masked().String(), nil
}

// checkPorts returns the normalized protocol and ports of a permission.
func checkPorts(p types.IpPermission) (protocol string, from, to int32, err error) {
	protocol, err = normalProtocol(aws.ToString(p.IpProtocol))
	if err != nil {
		return "", 0, 0, err
	}
	switch protocol {
	case "tcp", "udp":
		if p.FromPort == nil || p.ToPort == nil {
			return "", 0, 0, fail("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		return protocol, *p.FromPort, *p.ToPort, checkRange(*p.FromPort, *p.ToPort)
	case "icmp", "icmpv6":
		return protocol, orAny(p.FromPort), orAny(p.ToPort), checkICMP(orAny(p.FromPort), orAny(p.ToPort))
	}
	return protocol, anyPort, anyPort, nil
}

func orAny(port *int32) int32 {
	if port == nil {
		return anyPort
	}
	return *port
}

func checkRange(from, to int32) error {
	for _, port := range []int32{from, to} {
		if port < 0 || port > 65535 {
			return fail("InvalidParameterValue", "TCP/UDP port (%d) out of range", port)
		}
	}
	if from > to {
		return fail("InvalidParameterValue", "Invalid TCP/UDP port range (%d:%d)", from, to)
	}
	return nil
}

func checkICMP(kind, code int32) error {
	if kind < anyPort || kind > 255 || code < anyPort || code > 255 {
		return fail("InvalidParameterValue", "ICMP code (%d) out of range", max(kind, code))
	}
	return nil
}

// normalProtocol writes a protocol as EC2 answers it: tcp, udp, icmp and
// icmpv6 by name, others by number, all of them as -1.
func normalProtocol(s string) (string, error) {
	switch name := strings.ToLower(s); name {
	case "":
		return "", missing("ipProtocol")
	case "tcp", "6":
		return "tcp", nil
	case "udp", "17":
		return "udp", nil
	case "icmp", "1":
		return "icmp", nil
	case "icmpv6", "58":
		return "icmpv6", nil
	case allProtocols, "all":
		return allProtocols, nil
	}
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return strconv.FormatUint(n, 10), nil
	}
	return "", fail("InvalidParameterValue", "Invalid value '%s' for IP protocol. Unknown protocol.", s)
}

// sameRule tells whether two rules of a group say the same, descriptions
// aside.
func sameRule(a, b *types.SecurityGroupRule) bool {
	return aws.ToBool(a.IsEgress) == aws.ToBool(b.IsEgress) && *a.IpProtocol == *b.IpProtocol &&
		*a.FromPort == *b.FromPort && *a.ToPort == *b.ToPort && peerOf(a) == peerOf(b)
}

// peerOf names the source or destination of a rule.
func peerOf(r *types.SecurityGroupRule) string {
	if r.ReferencedGroupInfo != nil {
		return aws.ToString(r.ReferencedGroupInfo.GroupId)
	}
	return cmp.Or(aws.ToString(r.CidrIpv4), aws.ToString(r.CidrIpv6), aws.ToString(r.PrefixListId))
}

// inWords describes a rule as EC2 does when it refuses a duplicate.
func inWords(r *types.SecurityGroupRule) string {
	if *r.IpProtocol == allProtocols {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peerOf(r))
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peerOf(r), strings.ToUpper(*r.IpProtocol), *r.FromPort, *r.ToPort)
}
