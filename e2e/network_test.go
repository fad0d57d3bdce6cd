package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// in puts a task into a subnet.
func in(subnet string) func(*ecs.RunTaskInput) {
	return func(in *ecs.RunTaskInput) {
		in.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{subnet}
	}
}

// makeSubnet makes a VPC and a subnet with the CLI, as EC2's SDK would take
// long to compile.
func makeSubnet(c *cli, vpcCIDR, subnetCIDR string) string {
	c.t.Helper()
	vpc := c.aws("ec2 create-vpc --cidr-block {} --query Vpc.VpcId", vpcCIDR)
	return c.aws("ec2 create-subnet --vpc-id {} --cidr-block {} --query Subnet.SubnetId", vpc, subnetCIDR)
}

// TestTwoVPCsWithOneCIDR: both run tasks; the second one's have addresses of
// another pool, which is said.
func TestTwoVPCsWithOneCIDR(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	c := s.cli(t)
	var addresses []string
	for i := range 2 {
		subnet := makeSubnet(c, "10.97.0.0/16", "10.97.1.0/24")
		k := s.run(t, web(fmt.Sprint("twin", i)), in(subnet), func(in *ecs.RunTaskInput) {
			in.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = types.AssignPublicIpDisabled
		})
		got := k.running()
		address := aws.ToString(container(t, got, "web").NetworkInterfaces[0].PrivateIpv4Address)
		addresses = append(addresses, address)
		eventually(t, "it answers at "+address, patience, func() error {
			_, err := get("http://" + address + "/")
			return err
		})
		if why := k.why(); strings.HasPrefix(address, "10.97.1.") == strings.Contains(why, "Note: addresses of vpc-") {
			t.Errorf("with the address %s, why says\n%s", address, why)
		}
	}
	if strings.HasPrefix(addresses[1], "10.97.") || addresses[0] == addresses[1] {
		t.Errorf("the two VPCs' tasks have the addresses %v", addresses)
	}
}

// TestFullSubnet: a subnet of 16 addresses, of which AWS keeps five, has room
// for eleven tasks; the next one says why it cannot start, and an address that
// is given back is good for another.
func TestFullSubnet(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	subnet := makeSubnet(s.cli(t), "10.98.0.0/16", "10.98.1.0/28")
	d := definition("crowd", types.ContainerDefinition{Name: aws.String("app"), Image: aws.String(probeImage), Command: []string{"serve"}})
	var all []*task
	seen := map[string]bool{}
	for range 11 {
		all = append(all, s.run(t, d, in(subnet)))
	}
	for _, k := range all {
		address := aws.ToString(container(t, k.running(), "app").NetworkInterfaces[0].PrivateIpv4Address)
		if seen[address] {
			t.Errorf("two tasks have the address %s", address)
		}
		seen[address] = true
	}
	late := s.run(t, d, in(subnet)).stopped()
	checkStop(t, late, types.TaskStopCodeTaskFailedToStart,
		"Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in subnet '"+subnet+"': InsufficientFreeAddressesInSubnet")
	all[0].stop("make room")
	all[0].stopped()
	s.run(t, d, in(subnet)).running()
}
