package eks

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of a managed node group and what its control plane
// is told of it. Its nodes are virtual: the control plane makes as many as are
// wanted, each as big as its instance type, and they run pods without
// Fargate's limits. How statuses move is in nodegroup_advance.go, what callers
// may ask for in nodegroup_check.go.

// Nodegroup is a managed node group as it is stored.
type Nodegroup struct {
	types.Nodegroup
	InstanceID string // i-…, of which its nodes' ids are made
	Asked      asked  // by which request
	// Before is what a version update in progress has begun with, and Force
	// whether it deletes pods that a PodDisruptionBudget keeps.
	Before *nodeVersion `json:",omitempty"`
	Force  bool         `json:",omitempty"`
}

// nodeVersion is what UpdateNodegroupVersion changes.
type nodeVersion struct{ Version, Release *string }

// nodegroups are kept under their cluster and name.
var nodegroups = store.NewTable[Nodegroup]("eks/nodegroup")

const (
	maxNodegroups = 30  // the quota of node groups in a cluster
	maxNodes      = 450 // and of nodes in a node group
)

func aboutNodegroup(c *Cluster, name string) about { return about{cluster: c.name(), nodegroup: name} }

func (n *Nodegroup) name() string { return aws.ToString(n.NodegroupName) }

// nodegroup finds a node group of the caller's cluster.
func nodegroup(tx *store.Tx, call apiwire.Call, clusterName, name *string) (*Cluster, store.Record[Nodegroup], error) {
	c, err := cluster(tx, call, aws.ToString(clusterName))
	if err != nil {
		return nil, store.Record[Nodegroup]{}, err
	}
	r, err := nodegroups.Get(tx, partKey(c.arn(), aws.ToString(name)))
	if hasNot(err) {
		err = aboutNodegroup(c, aws.ToString(name)).notFound("No node group found for name: %s.", aws.ToString(name))
	}
	return c, r, err
}

// hasNodegroups tells whether a cluster has node groups that could still have
// pods; those that failed because there is no control plane any more have
// none.
func hasNodegroups(tx *store.Tx, cluster string) (bool, error) {
	for n, err := range parts(tx, nodegroups, cluster) {
		if err != nil {
			return false, err
		}
		if n.Status != types.NodegroupStatusCreateFailed && n.Status != types.NodegroupStatusDeleteFailed {
			return true, nil
		}
	}
	return false, nil
}

// nodegroupsOf are a cluster's node groups as its control plane is told them:
// those that are CREATING too, since they are ACTIVE when their nodes are
// Ready.
func nodegroupsOf(tx *store.Tx, network Network, c *Cluster) ([]link.Nodegroup, error) {
	var list []link.Nodegroup
	for n, err := range parts(tx, nodegroups, c.arn()) {
		if err != nil {
			return nil, err
		}
		if n.Status == types.NodegroupStatusCreateFailed {
			continue
		}
		told, err := n.told(tx, network, c)
		if err != nil {
			return nil, err
		}
		list = append(list, told)
	}
	return list, nil
}

func (n *Nodegroup) told(tx *store.Tx, network Network, c *Cluster) (link.Nodegroup, error) {
	subnets, err := linkSubnets(tx, network, c.Scope, n.Subnets)
	size, _ := lookInstanceType(n.InstanceTypes[0]) // checked when it was made
	told := link.Nodegroup{
		Name: n.name(), Deleting: n.Status == types.NodegroupStatusDeleting || n.Status == types.NodegroupStatusDeleteFailed,
		Subnets: subnets, Labels: n.Labels, CapacityType: string(n.CapacityType), AMIType: string(n.AmiType),
		InstanceType: n.InstanceTypes[0], CPU: size.cpu, Memory: size.memory, Version: aws.ToString(n.Version),
		Release: aws.ToString(n.ReleaseVersion), MaxUnavailable: n.maxUnavailable(), Force: n.Force,
		RoleARN: aws.ToString(n.NodeRole), InstanceID: n.InstanceID, Desired: int(aws.ToInt32(n.ScalingConfig.DesiredSize)),
	}
	for _, t := range n.Taints {
		told.Taints = append(told.Taints, link.Taint{Key: aws.ToString(t.Key), Value: aws.ToString(t.Value), Effect: taintEffects[t.Effect]})
	}
	return told, err
}

// maxUnavailable is how many nodes an update takes away at once: at least one.
func (n *Nodegroup) maxUnavailable() int {
	switch u := n.UpdateConfig; {
	case u == nil:
		return 1
	case u.MaxUnavailable != nil:
		return int(*u.MaxUnavailable)
	default:
		return max(1, int(aws.ToInt32(u.MaxUnavailablePercentage)*aws.ToInt32(n.ScalingConfig.DesiredSize)/100))
	}
}

// taintEffects are the effects in Kubernetes' words.
var taintEffects = map[types.TaintEffect]string{
	types.TaintEffectNoSchedule:       "NoSchedule",
	types.TaintEffectNoExecute:        "NoExecute",
	types.TaintEffectPreferNoSchedule: "PreferNoSchedule",
}

func taggedNodegroup(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	cluster, rest := arnParts(arn) // NAME/UUID
	name, _, _ := strings.Cut(rest, "/")
	r, err := nodegroups.Get(tx, partKey(cluster, name))
	if err != nil {
		return tagged{}, err
	}
	if aws.ToString(r.Value.NodegroupArn) != arn.String() {
		return tagged{}, store.ErrNotFound
	}
	return tagsOf(tx, nodegroups, r.Key, func(n *Nodegroup) *map[string]string { return &n.Tags })
}
