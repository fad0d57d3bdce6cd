package emulator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// detail is a detail of a task's attachment.
func detail(task types.Task, name string) string {
	for _, d := range task.Attachments[0].Details {
		if aws.ToString(d.Name) == name {
			return aws.ToString(d.Value)
		}
	}
	return ""
}

// made makes something in EC2 and returns its id.
func (s *site) made(t *testing.T, id, action string, params ...string) string {
	t.Helper()
	status, answer := s.ec2(t, action, params...)
	if status != http.StatusOK || element(answer, id) == "" {
		t.Fatalf("%s: %d %s", action, status, answer)
	}
	return element(answer, id)
}

// eni lists the interfaces that a filter leaves, by their ids.
func (s *site) eni(t *testing.T, filter, value string) (ids []string, answer string) {
	t.Helper()
	status, answer := s.ec2(t, "DescribeNetworkInterfaces", "Filter.1.Name", filter, "Filter.1.Value.1", value)
	if status != http.StatusOK {
		t.Fatalf("filter %s: %d %s", filter, status, answer)
	}
	for _, item := range strings.Split(answer, "<networkInterfaceId>")[1:] {
		id, _, _ := strings.Cut(item, "<")
		ids = append(ids, id)
	}
	return ids, answer
}

// TestInterfaces: the interface of a task is EC2's too, from RunTask until the
// task has stopped, and what it stands on cannot be deleted as long.
func TestInterfaces(t *testing.T) {
	s := open(t)
	vpc := s.made(t, "vpcId", "CreateVpc", "CidrBlock", "10.8.0.0/16")
	subnet := s.made(t, "subnetId", "CreateSubnet", "VpcId", vpc, "CidrBlock", "10.8.1.0/24")
	group := s.made(t, "groupId", "CreateSecurityGroup", "GroupName", "web", "GroupDescription", "web", "VpcId", vpc)
	own := func(in *ecs.RunTaskInput) {
		in.NetworkConfiguration.AwsvpcConfiguration = &types.AwsVpcConfiguration{Subnets: []string{subnet}, SecurityGroups: []string{group}}
	}
	task := s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"), own)[0])
	other := s.running(t, s.run(t, fixtures.TaskDefinition("other", "nginx"))[0])
	eni, address := detail(task, "networkInterfaceId"), detail(task, "privateIPv4Address")
	attachment := strings.Replace(*task.ClusterArn, ":cluster/default", ":attachment/"+*task.Attachments[0].Id, 1)
	if !strings.HasPrefix(address, "10.8.1.") || detail(task, "subnetId") != subnet {
		t.Fatalf("attachment: %+v", task.Attachments)
	}
	for filter, value := range map[string]string{
		"network-interface-id": eni, "subnet-id": subnet, "vpc-id": vpc, "group-id": group, "description": attachment,
		"addresses.private-ip-address": address, "private-ip-address": address, "mac-address": detail(task, "macAddress"),
	} {
		if ids, _ := s.eni(t, filter, value); !slices.Equal(ids, []string{eni}) {
			t.Errorf("by %s %s: %v, want %s", filter, value, ids, eni)
		}
	}
	if ids, _ := s.eni(t, "attachment.status", "attached"); len(ids) != 2 || !slices.Contains(ids, detail(other, "networkInterfaceId")) {
		t.Errorf("all that are attached: %v", ids)
	}
	_, answer := s.eni(t, "network-interface-id", eni)
	for name, want := range map[string]string{
		"interfaceType": "interface", "requesterManaged": "true", "privateIpAddress": address, "groupName": "web",
		"macAddress": detail(task, "macAddress"), "privateDnsName": detail(task, "privateDnsName"), "key": "aws:ecs:clusterName", "value": "default",
	} {
		if got := element(answer, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(answer, "<status>in-use</status>") {
		t.Errorf("it is not in use: %s", answer)
	}
	refusals := func(when string) {
		t.Helper()
		for _, c := range [][]string{{"DeleteSubnet", "SubnetId", subnet}, {"DeleteSecurityGroup", "GroupId", group}} {
			if status, answer := s.ec2(t, c[0], c[1:]...); status != http.StatusBadRequest || element(answer, "Code") != "DependencyViolation" {
				t.Errorf("%s: %v: %d %s", when, c, status, answer)
			}
		}
		if status, answer := s.ec2(t, "DeleteNetworkInterface", "NetworkInterfaceId", eni); status != http.StatusBadRequest || element(answer, "Code") == "" {
			t.Errorf("%s: the interface of a task is deleted: %d %s", when, status, answer)
		}
	}
	refusals("while it runs")
	s.stop(t, task)
	s.stopped(t, task)
	if ids, _ := s.eni(t, "subnet-id", subnet); len(ids) != 0 {
		t.Errorf("interfaces of a task that has stopped: %v", ids)
	}
	for _, c := range [][]string{{"DeleteSubnet", "SubnetId", subnet}, {"DeleteSecurityGroup", "GroupId", group}, {"DeleteVpc", "VpcId", vpc}} {
		if status, answer := s.ec2(t, c[0], c[1:]...); status != http.StatusOK {
			t.Errorf("after it has stopped: %v: %d %s", c, status, answer)
		}
	}
}

// TestInterfaceBeforeItsAddress: it is there at once, and its subnet is in
// use, though the runtime has given it no address yet.
func TestInterfaceBeforeItsAddress(t *testing.T) {
	s := open(t)
	s.fake.Away(true)
	task := s.run(t, fixtures.TaskDefinition("web", "nginx"))[0]
	subnet := detail(task, "subnetId")
	ids, answer := s.eni(t, "subnet-id", subnet)
	if len(ids) != 1 || element(answer, "privateIpAddress") != "" || element(answer, "subnetId") != subnet || strings.Contains(answer, "<status>in-use</status>") {
		t.Errorf("pending: %v %s", ids, answer)
	}
	if status, answer := s.ec2(t, "DeleteSubnet", "SubnetId", subnet); element(answer, "Code") != "DependencyViolation" {
		t.Errorf("its subnet is deleted: %d %s", status, answer)
	}
	s.fake.Away(false)
	task = s.running(t, task)
	if got, answer := s.eni(t, "subnet-id", subnet); len(got) != 1 || got[0] != ids[0] || element(answer, "privateIpAddress") != detail(task, "privateIPv4Address") {
		t.Errorf("then: %v %s", got, answer)
	}
}

// TestPublicAddress: who asks for a public address finds it in EC2 only.
func TestPublicAddress(t *testing.T) {
	s := open(t)
	task := s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"), func(in *ecs.RunTaskInput) {
		in.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp = types.AssignPublicIpEnabled
	})[0])
	_, answer := s.eni(t, "network-interface-id", detail(task, "networkInterfaceId"))
	ip := element(answer, "publicIp")
	if !strings.HasPrefix(ip, "127.") || !strings.HasPrefix(element(answer, "publicDnsName"), "ec2-127-") || element(answer, "ipOwnerId") != "amazon" {
		t.Errorf("association: %s", answer)
	}
	if ids, _ := s.eni(t, "association.public-ip", ip); len(ids) != 1 {
		t.Errorf("by its public address: %v", ids)
	}
}
