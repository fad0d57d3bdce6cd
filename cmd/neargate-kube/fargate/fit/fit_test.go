package fit_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/fit"
)

func pod(cpu, memory string) *corev1.Pod {
	r := corev1.ResourceList{}
	if cpu != "" {
		r[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		r[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: r}}}}}
}

func node(name string, pods ...*corev1.Pod) fit.Node {
	n := &corev1.Node{}
	n.Name, n.Labels = name, map[string]string{"name": name}
	n.Status.Allocatable = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("4Gi"), corev1.ResourcePods: resource.MustParse("3")}
	return fit.Node{Node: n, Pods: pods}
}

func fargate(name string) fit.Node {
	n := node(name, &corev1.Pod{})
	n.Status.Allocatable[corev1.ResourcePods] = resource.MustParse("1")
	n.Spec.Taints = []corev1.Taint{{Key: "eks.amazonaws.com/compute-type", Value: "fargate", Effect: "NoSchedule"}}
	return n
}

func with(p *corev1.Pod, change func(*corev1.PodSpec)) *corev1.Pod {
	change(&p.Spec)
	return p
}

func cordoned(n fit.Node) fit.Node {
	n.Spec.Unschedulable = true
	return n
}

func TestChooseExplains(t *testing.T) {
	never := corev1.PreemptNever
	tolerant := []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	for name, c := range map[string]struct {
		pod   *corev1.Pod
		nodes []fit.Node
		minor int
		want  string
	}{
		"no nodes": {pod("", ""), nil, 35, "no nodes available to schedule pods"},
		"Fargate nodes, now": {pod("", ""), []fit.Node{fargate("a"), fargate("b")}, 35,
			"0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."},
		"Fargate nodes, before": {pod("", ""), []fit.Node{fargate("a"), fargate("b")}, 33,
			"0/2 nodes are available: 2 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."},
		"a Fargate node that is tolerated": {with(pod("", ""), func(s *corev1.PodSpec) { s.Tolerations = tolerant }), []fit.Node{fargate("a")}, 33,
			"0/1 nodes are available: 1 Too many pods. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
		"selector": {with(pod("", ""), func(s *corev1.PodSpec) { s.NodeSelector = map[string]string{"name": "z"} }), []fit.Node{node("a"), fargate("b")}, 33,
			"0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint {eks.amazonaws.com/compute-type: fargate}. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."},
		"cordoned": {pod("", ""), []fit.Node{cordoned(node("a"))}, 33,
			"0/1 nodes are available: 1 node(s) were unschedulable. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
		"full, and too small": {pod("1500m", "5Gi"), []fit.Node{node("a", pod("1", ""))}, 33,
			"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
		"full": {pod("1500m", ""), []fit.Node{node("a", pod("1", "")), node("b", pod("2", ""))}, 33,
			"0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod."},
		"never preempts": {with(pod("3", ""), func(s *corev1.PodSpec) { s.PreemptionPolicy = &never }), []fit.Node{node("a")}, 33,
			"0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never."},
		"extended resource": {with(pod("", ""), func(s *corev1.PodSpec) {
			s.Containers[0].Resources.Requests["nvidia.com/gpu"] = resource.MustParse("1")
		}), []fit.Node{node("a")}, 33,
			"0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."},
		"host port": {hostPort(), []fit.Node{node("a", hostPort())}, 33,
			"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := fit.Choose(c.pod, c.nodes, c.minor)
			if got != "" || why != c.want {
				t.Errorf("chose %q\ngot  %s\nwant %s", got, why, c.want)
			}
		})
	}
}

func hostPort() *corev1.Pod {
	return with(pod("", ""), func(s *corev1.PodSpec) {
		s.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80}}
	})
}

func TestChoosePrefers(t *testing.T) {
	soft := node("a")
	soft.Spec.Taints = []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectPreferNoSchedule}}
	likesB := with(pod("", ""), func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
			Weight: 5, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "name", Operator: "In", Values: []string{"b"}}}}}}}}
	})
	for name, c := range map[string]struct {
		pod   *corev1.Pod
		nodes []fit.Node
		want  string
	}{
		"the first of equal ones":     {pod("1", ""), []fit.Node{node("b"), node("a")}, "a"},
		"the emptier one":             {pod("1", ""), []fit.Node{node("a", pod("1", "")), node("b", pod("", "1Gi"))}, "b"},
		"the one with fewer pods":     {pod("", ""), []fit.Node{node("a", pod("", "")), node("b")}, "b"},
		"the one that has room":       {pod("1", ""), []fit.Node{node("a"), node("b", pod("2", ""))}, "a"},
		"the one that it likes":       {likesB, []fit.Node{node("a"), node("b", pod("1", ""))}, "b"},
		"the one without soft taints": {pod("", ""), []fit.Node{soft, node("b", pod("1", ""))}, "b"},
		"not a Fargate node":          {pod("", ""), []fit.Node{fargate("a"), node("b", pod("1", ""))}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, why := fit.Choose(c.pod, c.nodes, 35); got != c.want {
				t.Errorf("chose %q (%s), want %q", got, why, c.want)
			}
		})
	}
}

func TestUnmet(t *testing.T) {
	p := with(pod("", ""), func(s *corev1.PodSpec) {
		s.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{}}
		s.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{}}
	})
	if got := fit.Unmet(p); len(got) != 2 {
		t.Errorf("unmet %q", got)
	}
	if got := fit.Unmet(pod("", "")); len(got) != 0 {
		t.Errorf("unmet %q", got)
	}
}
