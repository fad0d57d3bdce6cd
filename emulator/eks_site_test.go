package emulator_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func (s *site) eks() *eks.Client { return eks.NewFromConfig(s.cfg) }

// trustOf is a trust policy that lets services in.
func trustOf(services ...string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["` + strings.Join(services, `","`) + `"]},"Action":"sts:AssumeRole"}]}`)
}

// role makes a role that the services of EKS can assume, once.
func (s *site) role(t testing.TB, name string) *string {
	t.Helper()
	out, err := iam.NewFromConfig(s.cfg).CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: trustOf("eks.amazonaws.com", "eks-fargate-pods.amazonaws.com", "ec2.amazonaws.com"),
	})
	if err != nil {
		got, err := iam.NewFromConfig(s.cfg).GetRole(context.Background(), &iam.GetRoleInput{RoleName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return got.Role.Arn
	}
	return out.Role.Arn
}

// subnets are two of the default VPC, in two Availability Zones.
func (s *site) subnets(t testing.TB) []string {
	t.Helper()
	_, xml := s.ec2(t, "DescribeSubnets", "Filter.1.Name", "default-for-az", "Filter.1.Value.1", "true",
		"Filter.2.Name", "availability-zone-id", "Filter.2.Value.1", "use1-az1", "Filter.2.Value.2", "use1-az2") // EKS is not in all zones
	var ids []string
	for _, part := range strings.Split(xml, "<subnetId>")[1:] {
		id, _, _ := strings.Cut(part, "<")
		ids = append(ids, id)
	}
	if len(ids) < 2 {
		t.Fatalf("the default VPC has not two subnets: %s", xml)
	}
	return ids[:2]
}

// cluster makes an EKS cluster and waits until it is ACTIVE.
func (s *site) cluster(t testing.TB, name string, change ...func(*eks.CreateClusterInput)) *types.Cluster {
	t.Helper()
	in := &eks.CreateClusterInput{Name: &name, RoleArn: s.role(t, "cluster"), ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: s.subnets(t)}}
	for _, c := range change {
		c(in)
	}
	if _, err := s.eks().CreateCluster(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	waiter := eks.NewClusterActiveWaiter(s.eks(), func(o *eks.ClusterActiveWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 50*time.Millisecond
	})
	out, err := waiter.WaitForOutput(context.Background(), &eks.DescribeClusterInput{Name: &name}, patience)
	if err != nil {
		t.Fatal(err)
	}
	return out.Cluster
}
