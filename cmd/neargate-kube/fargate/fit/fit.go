// Package fit chooses the node of a node group that a pod runs on: what the
// default scheduler's filters decide, as one function, with its texts. Of its
// scoring there is what node groups need: the emptiest node, after what the pod
// prefers.
//
// Not looked at: affinity between pods, topology spread, volumes' zones. Unmet
// says so of a pod, for those who ask why.
package fit

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	requests "k8s.io/component-helpers/resource"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"
)

// A Node is a node with the pods that are on it or on their way to it.
type Node struct {
	*corev1.Node
	Pods []*corev1.Pod
}

// Choose returns the name of the node for a pod. When there is none, name is ""
// and why has the text of the event FailedScheduling; minor is the Kubernetes
// minor version whose texts are used.
func Choose(pod *corev1.Pod, nodes []Node, minor int) (name, why string) {
	if len(nodes) == 0 {
		return "", "no nodes available to schedule pods"
	}
	var good []Node
	refusals := make([]refusal, 0, len(nodes))
	for _, n := range nodes {
		if r := filter(pod, n, minor); len(r.reasons) > 0 {
			refusals = append(refusals, r)
		} else {
			good = append(good, n)
		}
	}
	if len(good) == 0 {
		return "", explain(pod, refusals, minor)
	}
	preferred := preferences(pod)
	return slices.MaxFunc(good, func(a, b Node) int {
		return cmp.Or(
			cmp.Compare(preferred(a.Node), preferred(b.Node)),
			cmp.Compare(softTaints(pod, b), softTaints(pod, a)),
			cmp.Compare(b.load(), a.load()),
			cmp.Compare(b.Name, a.Name))
	}).Name, ""
}

// refusal is what speaks against a node, and whether less load would help.
type refusal struct {
	reasons    []string
	resolvable bool
}

// filter asks in the default scheduler's order; the first filter that refuses
// gives the reasons.
func filter(pod *corev1.Pod, n Node, minor int) refusal {
	if n.Spec.Unschedulable && !tolerates(pod, corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}) {
		return refusal{reasons: []string{"node(s) were unschedulable"}}
	}
	for _, t := range n.Spec.Taints {
		if t.Effect != corev1.TaintEffectPreferNoSchedule && !tolerates(pod, t) {
			return refusal{reasons: []string{untolerated(t, minor)}}
		}
	}
	if ok, err := nodeaffinity.GetRequiredNodeAffinity(pod).Match(n.Node); !ok || err != nil {
		return refusal{reasons: []string{"node(s) didn't match Pod's node affinity/selector"}}
	}
	if portTaken(pod, n.Pods) {
		return refusal{reasons: []string{"node(s) didn't have free ports for the requested pod ports"}, resolvable: true}
	}
	return resources(pod, n)
}

func tolerates(pod *corev1.Pod, t corev1.Taint) bool {
	return slices.ContainsFunc(pod.Spec.Tolerations, func(o corev1.Toleration) bool {
		return o.ToleratesTaint(klog.Background(), &t, false)
	})
}

// portTaken looks at host ports.
func portTaken(pod *corev1.Pod, others []*corev1.Pod) bool {
	type port struct {
		ip, protocol string
		number       int32
	}
	taken := func(a, b port) bool {
		return a.number == b.number && a.protocol == b.protocol && (a.ip == b.ip || a.ip == "0.0.0.0" || b.ip == "0.0.0.0")
	}
	ports := func(p *corev1.Pod) (all []port) {
		for _, c := range p.Spec.Containers {
			for _, q := range c.Ports {
				if q.HostPort > 0 {
					all = append(all, port{cmp.Or(q.HostIP, "0.0.0.0"), string(cmp.Or(q.Protocol, corev1.ProtocolTCP)), q.HostPort})
				}
			}
		}
		return all
	}
	wanted := ports(pod)
	return len(wanted) > 0 && slices.ContainsFunc(others, func(o *corev1.Pod) bool {
		return slices.ContainsFunc(ports(o), func(t port) bool {
			return slices.ContainsFunc(wanted, func(w port) bool { return taken(w, t) })
		})
	})
}

// resources compares what the pod requests with what the node has left.
func resources(pod *corev1.Pod, n Node) refusal {
	r := refusal{resolvable: true}
	if room := n.Status.Allocatable.Pods().Value(); int64(len(n.Pods))+1 > room {
		r.reasons = append(r.reasons, "Too many pods")
	}
	used := n.used()
	for name, want := range requestsOf(pod) {
		has := n.Status.Allocatable[name]
		left := has.DeepCopy()
		left.Sub(used[name])
		if want.Sign() > 0 && want.Cmp(left) > 0 {
			r.reasons = append(r.reasons, "Insufficient "+string(name))
			r.resolvable = r.resolvable && want.Cmp(has) <= 0
		}
	}
	slices.Sort(r.reasons)
	return r
}

func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return requests.PodRequests(pod, requests.PodResourcesOptions{})
}

// used sums what the node's pods request.
func (n Node) used() map[corev1.ResourceName]resource.Quantity {
	sum := map[corev1.ResourceName]resource.Quantity{}
	for _, p := range n.Pods {
		for name, q := range requestsOf(p) {
			s := sum[name]
			s.Add(q)
			sum[name] = s
		}
	}
	return sum
}

// load is the larger share of CPU and memory that is requested, and a little
// for each pod, so that pods without requests spread too.
func (n Node) load() float64 {
	used := n.used()
	share := func(name corev1.ResourceName) float64 {
		u, all := used[name], n.Status.Allocatable[name]
		if all.IsZero() {
			return 0
		}
		return u.AsApproximateFloat64() / all.AsApproximateFloat64()
	}
	return max(share(corev1.ResourceCPU), share(corev1.ResourceMemory)) + float64(len(n.Pods))/1000
}

// softTaints counts the PreferNoSchedule taints that the pod does not tolerate.
func softTaints(pod *corev1.Pod, n Node) int {
	count := 0
	for _, t := range n.Spec.Taints {
		if t.Effect == corev1.TaintEffectPreferNoSchedule && !tolerates(pod, t) {
			count++
		}
	}
	return count
}

// preferences returns how much the pod's preferred node affinity likes a node.
func preferences(pod *corev1.Pod) func(*corev1.Node) int64 {
	none := func(*corev1.Node) int64 { return 0 }
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil {
		return none
	}
	terms, err := nodeaffinity.NewPreferredSchedulingTerms(a.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	if err != nil { // the API server's validation lets none through; a preference is no condition
		return none
	}
	return terms.Score
}
