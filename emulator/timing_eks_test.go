package emulator_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/fixtures"
)

// TestInstantCluster: with --timing=instant EKS answers when what it was asked
// for is there, so that nobody's waiter waits half a minute for nothing.
func TestInstantCluster(t *testing.T) {
	s, ctx, name := open(t, fixtures.WithInstantTiming()), context.Background(), aws.String("web")
	cluster, err := s.eks().CreateCluster(ctx, &eks.CreateClusterInput{
		Name: name, RoleArn: s.role(t, "cluster"), ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: s.subnets(t)},
	})
	if err != nil || cluster.Cluster.Status != types.ClusterStatusActive || cluster.Cluster.Endpoint == nil {
		t.Fatalf("CreateCluster answers %+v, %v", cluster, err)
	}
	group, err := s.eks().CreateNodegroup(ctx, &eks.CreateNodegroupInput{
		ClusterName: name, NodegroupName: aws.String("ng"), NodeRole: s.role(t, "cluster"), Subnets: s.subnets(t),
	})
	if err != nil || group.Nodegroup.Status != types.NodegroupStatusActive {
		t.Fatalf("CreateNodegroup answers %+v, %v", group, err)
	}
	update, err := s.eks().UpdateClusterConfig(ctx, &eks.UpdateClusterConfigInput{Name: name, DeletionProtection: aws.Bool(true)})
	if err != nil || update.Update.Status != types.UpdateStatusSuccessful {
		t.Fatalf("UpdateClusterConfig answers %+v, %v", update, err)
	}
	if _, err := s.eks().DeleteNodegroup(ctx, &eks.DeleteNodegroupInput{ClusterName: name, NodegroupName: aws.String("ng")}); err != nil {
		t.Fatal(err)
	}
	left, err := s.eks().ListNodegroups(ctx, &eks.ListNodegroupsInput{ClusterName: name})
	if err != nil || len(left.Nodegroups) != 0 {
		t.Errorf("after DeleteNodegroup there are %+v, %v", left, err)
	}
}
