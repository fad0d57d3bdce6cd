package eks_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/link"
)

func TestNextNodegroup(t *testing.T) {
	const ready, failed = link.Ready, link.Failed
	nodes := func(n int) map[string]int { return map[string]int{"workers": n} }
	for _, row := range []struct {
		name             string
		is               types.NodegroupStatus
		status           link.Status
		settled, records bool
		next             types.NodegroupStatus
		gone             bool
	}{
		{"not told yet", "CREATING", link.Status{Phase: ready, Nodegroups: nodes(2)}, false, false, "CREATING", false},
		{"no node", "CREATING", link.Status{Phase: ready}, true, false, "CREATING", false},
		{"some nodes", "CREATING", link.Status{Phase: ready, Nodegroups: nodes(1)}, true, false, "CREATING", false},
		{"all nodes", "CREATING", link.Status{Phase: ready, Nodegroups: nodes(2)}, true, false, "ACTIVE", false},
		{"more nodes than wanted", "UPDATING", link.Status{Phase: ready, Nodegroups: nodes(3)}, true, false, "UPDATING", false},
		{"updated", "UPDATING", link.Status{Phase: ready, Nodegroups: nodes(2)}, true, false, "ACTIVE", false},
		{"active, and a node is away", "ACTIVE", link.Status{Phase: ready, Nodegroups: nodes(1)}, true, false, "ACTIVE", false},
		{"records only", "CREATING", link.Status{}, true, true, "ACTIVE", false},
		{"draining", "DELETING", link.Status{Phase: ready, Draining: map[string]int{"nodegroup/workers": 1}}, true, false, "DELETING", false},
		{"another drains", "DELETING", link.Status{Phase: ready, Draining: map[string]int{"nodegroup/more": 1, "fargateprofile/workers": 1}}, true, false, "DELETING", true},
		{"not told of the deletion", "DELETING", link.Status{Phase: ready}, false, false, "DELETING", false},
		{"records only, deleted", "DELETING", link.Status{}, true, true, "DELETING", true},
		{"failed while coming", "CREATING", link.Status{Phase: failed}, false, false, "CREATE_FAILED", false},
		{"failed while changing", "UPDATING", link.Status{Phase: failed}, false, false, "DEGRADED", false},
		{"failed while going", "DELETING", link.Status{Phase: failed}, false, false, "DELETE_FAILED", false},
		{"failed under it", "ACTIVE", link.Status{Phase: failed}, false, false, "ACTIVE", false},
	} {
		if next, gone := eks.NextNodegroup(row.is, row.status, row.settled, row.records); next != row.next || gone != row.gone {
			t.Errorf("%s: %s, gone %t", row.name, next, gone)
		}
	}
}

func TestNextAddon(t *testing.T) {
	const ready, failed = link.Ready, link.Failed
	says := func(why string) map[string]string { return map[string]string{"coredns": why} }
	for _, row := range []struct {
		name             string
		is               types.AddonStatus
		status           link.Status
		settled, records bool
		next             types.AddonStatus
		issue            string
	}{
		{"not told yet", "CREATING", link.Status{Phase: ready, Addons: says("")}, false, false, "CREATING", ""},
		{"nothing said", "CREATING", link.Status{Phase: ready}, true, false, "CREATING", ""},
		{"well", "CREATING", link.Status{Phase: ready, Addons: says("")}, true, false, "ACTIVE", ""},
		{"not well", "CREATING", link.Status{Phase: ready, Addons: says("no")}, true, false, "DEGRADED", "no"},
		{"well again", "DEGRADED", link.Status{Phase: ready, Addons: says("")}, true, false, "ACTIVE", ""},
		{"well no more", "ACTIVE", link.Status{Phase: ready, Addons: says("no")}, true, false, "DEGRADED", "no"},
		{"updated", "UPDATING", link.Status{Phase: ready, Addons: says("")}, true, false, "ACTIVE", ""},
		{"update failed", "UPDATING", link.Status{Phase: ready, Addons: says("no")}, true, false, "UPDATE_FAILED", "no"},
		{"it stays so", "UPDATE_FAILED", link.Status{Phase: ready, Addons: says("")}, true, false, "UPDATE_FAILED", ""},
		{"going", "DELETING", link.Status{Phase: ready, Addons: says("")}, false, false, "DELETING", ""},
		{"gone", "DELETING", link.Status{Phase: ready, Addons: says("")}, true, false, "", ""},
		{"failed while coming", "CREATING", link.Status{Phase: failed, Error: "it died"}, false, false, "CREATE_FAILED", "it died"},
		{"failed while changing", "UPDATING", link.Status{Phase: failed, Error: "it died"}, false, false, "UPDATE_FAILED", "it died"},
		{"failed while going", "DELETING", link.Status{Phase: failed, Error: "it died"}, false, false, "DELETE_FAILED", "it died"},
		{"failed under it", "ACTIVE", link.Status{Phase: failed, Error: "it died"}, false, false, "ACTIVE", ""},
	} {
		next, issues := eks.NextAddon(row.is, row.status, row.settled, row.records)
		said := ""
		if len(issues) > 0 {
			said = *issues[0].Message
		}
		if next != row.next || said != row.issue {
			t.Errorf("%s: %s %q", row.name, next, said)
		}
	}
	if next, issues := eks.NextAddon("CREATING", link.Status{}, true, true); next != "ACTIVE" || len(issues) != 1 {
		t.Errorf("records only: %s %v", next, issues)
	}
}

func TestEveryInstanceTypeHasASize(t *testing.T) {
	n := 0
	eks.InstanceTypes(func(name string, cpu, memory int64) {
		n++
		if perCPU := float64(memory) / float64(1<<20) / (float64(cpu) / 1024); perCPU < 250 || perCPU > 17000 {
			t.Errorf("%s has %d units and %d bytes", name, cpu, memory)
		}
	})
	if n < 500 {
		t.Errorf("there are %d types only", n)
	}
}
