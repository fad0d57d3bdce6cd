package eks

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/emulator/store"
)

// This file makes and removes the security group of a cluster.

// makeGroup makes the cluster security group. Why is EC2's refusal, which ends
// the cluster's creation: its VPC is gone, for example.
func (a *API) makeGroup(tx *store.Tx, c *Cluster) (why string, err error) {
	name := "eks-cluster-sg-" + c.name() + "-" + digits(10)
	id, err := a.network.CreateSecurityGroup(tx, c.Scope, NewSecurityGroup{
		Name: name, VPC: aws.ToString(c.ResourcesVpcConfig.VpcId),
		Description: "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.",
		Tags: map[string]string{
			"Name": name, "kubernetes.io/cluster/" + c.name(): "owned", "aws:eks:cluster-name": c.name(),
		},
	})
	if refused := smithy.APIError(nil); errors.As(err, &refused) {
		return "The cluster security group cannot be made: " + refused.ErrorMessage(), nil
	}
	if err != nil {
		return "", err
	}
	c.ResourcesVpcConfig.ClusterSecurityGroupId = aws.String(id)
	return "", nil
}

// removeGroup removes it again. EC2's refusal leaves it behind, as AWS does
// when something else uses the group: its VPC shows it.
func (a *API) removeGroup(tx *store.Tx, c *Cluster) error {
	id := c.ResourcesVpcConfig.ClusterSecurityGroupId
	if id == nil {
		return nil
	}
	err := a.network.DeleteSecurityGroup(tx, c.Scope, *id)
	if refused := smithy.APIError(nil); errors.As(err, &refused) {
		return nil
	}
	return err
}
