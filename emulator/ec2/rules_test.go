package ec2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/ec2"
)

func (w world) group(t *testing.T, vpc, name string) string {
	t.Helper()
	return *must[ec2.CreateSecurityGroupOutput](t)(w.CreateSecurityGroup(w.ctx, &ec2.CreateSecurityGroupInput{
		GroupName: &name, Description: aws.String("for tests"), VpcId: &vpc,
	})).GroupId
}

func tcp(port int32, cidrs ...string) []types.IpPermission {
	p := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port}
	for _, c := range cidrs {
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: aws.String(c)})
	}
	return []types.IpPermission{p}
}

func (w world) show(t *testing.T, id string) types.SecurityGroup {
	t.Helper()
	return must[ec2.DescribeSecurityGroupsOutput](t)(w.DescribeSecurityGroups(w.ctx, &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})).SecurityGroups[0]
}

func TestSecurityGroupRules(t *testing.T) {
	w := newWorld(t)
	id := w.group(t, w.vpc(t), "web")
	added := must[ec2.AuthorizeSecurityGroupIngressOutput](t)(w.AuthorizeSecurityGroupIngress(w.ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &id, IpPermissions: tcp(80, "10.1.2.3/8", "192.168.0.0/16"),
	}))
	if len(added.SecurityGroupRules) != 2 || *added.SecurityGroupRules[0].CidrIpv4 != "10.0.0.0/8" {
		t.Errorf("rules = %+v", added.SecurityGroupRules)
	}
	g := w.show(t, id)
	if len(g.IpPermissions) != 1 || len(g.IpPermissions[0].IpRanges) != 2 || *g.IpPermissions[0].FromPort != 80 {
		t.Errorf("permissions = %+v", g.IpPermissions)
	}
	if p := g.IpPermissionsEgress; len(p) != 1 || *p[0].IpProtocol != "-1" || p[0].FromPort != nil || *p[0].IpRanges[0].CidrIp != "0.0.0.0/0" {
		t.Errorf("egress = %+v", p)
	}
	_, err := w.AuthorizeSecurityGroupIngress(w.ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: tcp(80, "10.0.0.0/8")})
	wantError(t, err, "InvalidPermission.Duplicate", `the specified rule "peer: 10.0.0.0/8, TCP, from port: 80, to port: 80, ALLOW" already exists`)
	_, err = w.AuthorizeSecurityGroupEgress(w.ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &id, IpPermissions: []types.IpPermission{{
		IpProtocol: aws.String("all"), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}},
	}}})
	wantError(t, err, "InvalidPermission.Duplicate", `the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists`)

	_, err = w.RevokeSecurityGroupIngress(w.ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: tcp(81, "10.0.0.0/8")})
	wantError(t, err, "InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
	out := must[ec2.RevokeSecurityGroupIngressOutput](t)(w.RevokeSecurityGroupIngress(w.ctx, &ec2.RevokeSecurityGroupIngressInput{
		GroupId: &id, SecurityGroupRuleIds: []string{*added.SecurityGroupRules[1].SecurityGroupRuleId},
	}))
	if len(out.RevokedSecurityGroupRules) != 1 || *out.RevokedSecurityGroupRules[0].CidrIpv4 != "192.168.0.0/16" {
		t.Errorf("revoked = %+v", out.RevokedSecurityGroupRules)
	}
	must[ec2.ModifySecurityGroupRulesOutput](t)(w.ModifySecurityGroupRules(w.ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: &id, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
		SecurityGroupRuleId: added.SecurityGroupRules[0].SecurityGroupRuleId,
		SecurityGroupRule:   &types.SecurityGroupRuleRequest{IpProtocol: aws.String("17"), FromPort: aws.Int32(53), ToPort: aws.Int32(53), CidrIpv6: aws.String("::/0")},
	}}}))
	if p := w.show(t, id).IpPermissions; len(p) != 1 || *p[0].IpProtocol != "udp" || *p[0].Ipv6Ranges[0].CidrIpv6 != "::/0" {
		t.Errorf("after modifying = %+v", p)
	}
}

func TestRevokeInTheDefaultVPC(t *testing.T) {
	w := newWorld(t)
	id := w.group(t, w.defaultVPC(t), "web")
	out := must[ec2.RevokeSecurityGroupIngressOutput](t)(w.RevokeSecurityGroupIngress(w.ctx, &ec2.RevokeSecurityGroupIngressInput{
		GroupName: aws.String("web"), CidrIp: aws.String("10.0.0.0/8"), IpProtocol: aws.String("tcp"), FromPort: aws.Int32(1), ToPort: aws.Int32(2),
	}))
	if len(out.UnknownIpPermissions) != 1 || len(out.RevokedSecurityGroupRules) != 0 {
		t.Errorf("revoking nothing from %s = %+v", id, out)
	}
}

func TestRefusedPermissions(t *testing.T) {
	w := newWorld(t)
	id := w.group(t, w.vpc(t), "web")
	from := func(protocol string, from, to *int32, cidr string) []types.IpPermission {
		return []types.IpPermission{{IpProtocol: &protocol, FromPort: from, ToPort: to, IpRanges: []types.IpRange{{CidrIp: &cidr}}}}
	}
	n := aws.Int32
	for name, c := range map[string]struct {
		permissions   []types.IpPermission
		code, message string
	}{
		"protocol":  {from("web", n(1), n(1), "0.0.0.0/0"), "InvalidParameterValue", "Invalid value 'web' for IP protocol. Unknown protocol."},
		"no ports":  {from("tcp", nil, nil, "0.0.0.0/0"), "InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."},
		"backwards": {from("tcp", n(443), n(80), "0.0.0.0/0"), "InvalidParameterValue", "Invalid TCP/UDP port range (443:80)"},
		"too high":  {from("udp", n(0), n(70000), "0.0.0.0/0"), "InvalidParameterValue", "TCP/UDP port (70000) out of range"},
		"icmp":      {from("icmp", n(300), n(0), "0.0.0.0/0"), "InvalidParameterValue", ""},
		"block":     {from("tcp", n(1), n(1), "10.0.0.0/33"), "InvalidParameterValue", "CIDR block 10.0.0.0/33 is malformed"},
		"v6 as v4":  {from("tcp", n(1), n(1), "::/0"), "InvalidParameterValue", "CIDR block ::/0 is malformed"},
		"no source": {[]types.IpPermission{{IpProtocol: aws.String("-1")}}, "MissingParameter", ""},
		"twice":     {tcp(1, "10.0.0.0/8", "10.1.0.0/8"), "InvalidParameterValue", "The same permission must not appear multiple times"},
		"nothing":   {nil, "MissingParameter", "The request must contain the parameter ipPermissions"},
		"group": {[]types.IpPermission{{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-00000000000000000")}}}},
			"InvalidGroup.NotFound", "The security group 'sg-00000000000000000' does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.AuthorizeSecurityGroupIngress(w.ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: c.permissions})
			wantError(t, err, c.code, c.message)
		})
	}
	if g := w.show(t, id); len(g.IpPermissions) != 0 {
		t.Errorf("permissions = %+v", g.IpPermissions)
	}
}

func TestSecurityGroupDependencies(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc(t)
	a, b := w.group(t, vpc, "a"), w.group(t, vpc, "b")
	remove := func(id string) error {
		_, err := w.DeleteSecurityGroup(w.ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id})
		return err
	}
	must[ec2.AuthorizeSecurityGroupIngressOutput](t)(w.AuthorizeSecurityGroupIngress(w.ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &b, IpPermissions: []types.IpPermission{{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &a}, {GroupId: &b}}}},
	}))
	wantError(t, remove(a), "DependencyViolation", "resource "+a+" has a dependent object")
	if err := remove(b); err != nil { // it names itself, which does not hold it
		t.Fatal(err)
	}
	w.tasks.enis = []types.NetworkInterface{{NetworkInterfaceId: aws.String("eni-0aaaaaaaaaaaaaaaa"), Groups: []types.GroupIdentifier{{GroupId: &a}}}}
	wantError(t, remove(a), "DependencyViolation", "resource "+a+" has a dependent object")
	w.tasks.enis = nil
	if err := remove(a); err != nil {
		t.Fatal(err)
	}
	groups := must[ec2.DescribeSecurityGroupsOutput](t)(w.DescribeSecurityGroups(w.ctx, &ec2.DescribeSecurityGroupsInput{Filters: filter("vpc-id", vpc)})).SecurityGroups
	wantError(t, remove(*groups[0].GroupId), "CannotDelete", `the specified group: "`+*groups[0].GroupId+`" name: "default" cannot be deleted by a user`)
	_, err := w.CreateSecurityGroup(w.ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("default"), Description: aws.String("d"), VpcId: &vpc})
	wantError(t, err, "InvalidParameterValue", "Cannot use reserved security group name: default")
	w.group(t, vpc, "c")
	_, err = w.CreateSecurityGroup(w.ctx, &ec2.CreateSecurityGroupInput{GroupName: aws.String("c"), Description: aws.String("d"), VpcId: &vpc})
	wantError(t, err, "InvalidGroup.Duplicate", "The security group 'c' already exists for VPC '"+vpc+"'")
}

func TestRuleDescriptions(t *testing.T) {
	w := newWorld(t)
	id := w.group(t, w.vpc(t), "web")
	added := must[ec2.AuthorizeSecurityGroupIngressOutput](t)(w.AuthorizeSecurityGroupIngress(w.ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: tcp(80, "10.0.0.0/8")}))
	describe := func(text string) error {
		_, err := w.UpdateSecurityGroupRuleDescriptionsIngress(w.ctx, &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &id,
			SecurityGroupRuleDescriptions: []types.SecurityGroupRuleDescription{{SecurityGroupRuleId: added.SecurityGroupRules[0].SecurityGroupRuleId, Description: &text}}})
		return err
	}
	if err := describe("from home"); err != nil {
		t.Fatal(err)
	}
	if got := w.show(t, id).IpPermissions[0].IpRanges[0].Description; *got != "from home" {
		t.Errorf("description = %s", *got)
	}
	wantError(t, describe("naïve"), "InvalidParameterValue", "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*")
	permission := tcp(80, "10.0.0.0/8")
	permission[0].IpRanges[0].Description = aws.String("again")
	must[ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput](t)(w.UpdateSecurityGroupRuleDescriptionsIngress(w.ctx,
		&ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &id, IpPermissions: permission}))
	if got := w.show(t, id).IpPermissions[0].IpRanges[0].Description; *got != "again" {
		t.Errorf("description = %s", *got)
	}
}
