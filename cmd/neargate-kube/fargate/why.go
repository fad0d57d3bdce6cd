package fargate

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/fit"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// Why tells in sentences where a pod stands on its way to a node, and which of
// its wishes have no effect here.
func (c *Compute) Why(p *corev1.Pod) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if name := p.Labels[rules.ProfileLabel]; name != "" {
		add("Fargate profile %s has chosen it, with %s.", name, p.Annotations[rules.CapacityKey])
	} else {
		add("No Fargate profile has chosen it when it was created.")
	}
	if p.Spec.NodeName != "" {
		add("It is on node %s.", p.Spec.NodeName)
	} else if why := unscheduled(p); why.Message != "" {
		add("It has no node: %s", why.Message)
	} else {
		add("It has no node yet.")
	}
	if box, ok := c.Boxes.Get(boxes.ID(p.UID)); ok && p.Spec.NodeName == "" && box.Status.Trouble != "" {
		add("Its sandbox is in trouble since %s: %s", box.Status.TroubleAt.Format("15:04:05"), box.Status.Trouble)
	}
	for _, wish := range fit.Unmet(p) {
		add("%s.", wish)
	}
	return all
}
