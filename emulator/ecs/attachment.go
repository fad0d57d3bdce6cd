package ecs

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows a task's network interface: as an attachment of the task,
// and, for EC2's DescribeNetworkInterfaces, as the facts of Attached.

// attachment is the task's ENI as DescribeTasks tells it. Its details grow
// once the interface has an address.
func attachment(t *Task, s *sandbox.Sandbox) types.Attachment {
	details := pairs("subnetId", t.Interface.Subnet)
	if a := s.Status.Address; a != nil {
		details = pairs("subnetId", t.Interface.Subnet, "networkInterfaceId", t.Interface.ID, "macAddress", a.MAC,
			"privateDnsName", PrivateDNSName(a.IP, t.Region), "privateIPv4Address", a.IP)
		if a.IPv6 != "" {
			details = append(details, pair("ipv6Address", a.IPv6))
		}
	}
	return types.Attachment{
		Id:      &t.Interface.Attachment,
		Type:    aws.String("ElasticNetworkInterface"),
		Status:  aws.String(attachmentStatus(s)),
		Details: details,
	}
}

// attachmentStatus follows the network step of the sandbox. What never had an
// address is not there yet, to its end.
func attachmentStatus(s *sandbox.Sandbox) string {
	switch status := sandbox.LastStatus(s); {
	case status == sandbox.Stopped:
		return "DELETED"
	case s.Status.Address == nil:
		return "PRECREATED"
	case status == sandbox.Provisioning:
		return "ATTACHING"
	case status == sandbox.Deprovisioning:
		return "DETACHING"
	}
	return "ATTACHED"
}

func interfaces(t *Task, s *sandbox.Sandbox) []types.NetworkInterface {
	if s.Status.Address == nil {
		return []types.NetworkInterface{}
	}
	return []types.NetworkInterface{{
		AttachmentId:       &t.Interface.Attachment,
		PrivateIpv4Address: &s.Status.Address.IP,
		Ipv6Address:        optional(&s.Status.Address.IPv6),
	}}
}

func pair(name, value string) types.KeyValuePair { return pairs(name, value)[0] }

// pairs makes pairs of names and values that take turns. They stay where they
// are, since a list of a hundred tasks has a thousand of them.
func pairs(texts ...string) []types.KeyValuePair {
	list := make([]types.KeyValuePair, len(texts)/2)
	for i := range list {
		list[i] = types.KeyValuePair{Name: &texts[2*i], Value: &texts[2*i+1]}
	}
	return list
}

// PrivateDNSName is the name that EC2 gives an address:
// ip-10-0-1-2.ec2.internal in us-east-1, ip-10-0-1-2.<region>.compute.internal
// elsewhere.
func PrivateDNSName(ip, region string) string {
	host := "ip-" + strings.ReplaceAll(ip, ".", "-")
	if region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + region + ".compute.internal"
}

// PublicDNSName is the name that EC2 gives a public address.
func PublicDNSName(ip, region string) string {
	host := "ec2-" + strings.ReplaceAll(ip, ".", "-")
	if region == "us-east-1" {
		return host + ".compute-1.amazonaws.com"
	}
	return host + "." + region + ".compute.amazonaws.com"
}

// Attached is a task's interface as EC2 knows it.
type Attached struct {
	Interface
	TaskARN, ClusterName string
	Account, Region      string
	CreatedAt            time.Time
	AttachmentARN        string
	Address              sandbox.Address
	Attaching            bool // it has no address yet
	Tags                 []types.Tag
}

// AttachedInterfaces lists the interfaces of all tasks of an account and
// region that are not stopped, for EC2.
func AttachedInterfaces(tx *store.Tx, scope string) ([]Attached, error) {
	var list []Attached
	for s, err := range sandbox.Live(tx) {
		if err != nil {
			return nil, err
		}
		if !strings.Contains(s.Spec.Owner, arnInfix(scope)) {
			continue
		}
		one, err := attachedOf(tx, s)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// arnInfix is what the ARN of every task of a scope "account/region" holds.
func arnInfix(scope string) string {
	account, region, _ := strings.Cut(scope, "/")
	return ":ecs:" + region + ":" + account + ":task/"
}

func attachedOf(tx *store.Tx, s *sandbox.Sandbox) (Attached, error) {
	t, _, err := tasks.Peek(tx, s.Spec.Owner)
	if err != nil {
		return Attached{}, err
	}
	one := Attached{
		Interface: t.Interface, TaskARN: t.ARN, ClusterName: t.ClusterName,
		Account: t.Account, Region: t.Region, CreatedAt: t.CreatedAt,
		AttachmentARN: attachmentARN(t), Tags: t.Tags, Attaching: s.Status.Address == nil,
	}
	if s.Status.Address != nil {
		one.Address = *s.Status.Address
	}
	return one, nil
}

func attachmentARN(t *Task) string {
	head, _, _ := strings.Cut(t.ARN, ":task/")
	return head + ":attachment/" + t.Interface.Attachment
}
