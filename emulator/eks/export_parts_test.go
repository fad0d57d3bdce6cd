package eks

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
)

// NextNodegroup is what becomes of the node group "workers" of two nodes.
func NextNodegroup(status types.NodegroupStatus, s link.Status, settled, records bool) (types.NodegroupStatus, bool) {
	n := &Nodegroup{Nodegroup: types.Nodegroup{
		NodegroupName: aws.String("workers"), Status: status, ScalingConfig: &types.NodegroupScalingConfig{DesiredSize: aws.Int32(2)},
	}}
	return nextNodegroup(n, seen{status: s, settled: settled, records: records})
}

// NextAddon is what becomes of the add-on "coredns".
func NextAddon(status types.AddonStatus, s link.Status, settled, records bool) (types.AddonStatus, []types.AddonIssue) {
	return nextAddon(&Addon{Addon: types.Addon{AddonName: aws.String("coredns"), Status: status}}, seen{status: s, settled: settled, records: records})
}

// InstanceTypes calls each with every type of the tables and its size.
func InstanceTypes(each func(name string, cpu, memory int64)) {
	call := func(names, sizes string) {
		for family := range strings.FieldsSeq(names) {
			for size := range strings.FieldsSeq(sizes) {
				size, _, _ = strings.Cut(size, "/")
				t, _ := lookInstanceType(family + "." + size)
				each(family+"."+size, t.cpu, t.memory)
			}
		}
	}
	for _, f := range instanceFamilies {
		call(f.names, f.sizes)
	}
	for _, f := range oddInstanceTypes {
		call(f.names, f.sizes)
	}
}
