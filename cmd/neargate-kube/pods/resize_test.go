package pods_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func amounts(cpu, memory string) v1.ResourceRequirements {
	l := v1.ResourceList{v1.ResourceCPU: resource.MustParse(cpu), v1.ResourceMemory: resource.MustParse(memory)}
	return v1.ResourceRequirements{Requests: l, Limits: l}
}

func groupNode() *v1.Node {
	n := node()
	n.Name, n.Status.Allocatable = "ip-10-0-1-9.ec2.internal", amounts("2", "2Gi").Limits
	return n
}

func TestPlanResize(t *testing.T) {
	was := sandbox.Resources{CPU: 1024, CPULimit: 1024, Memory: 1 << 30, MemoryReservation: 1 << 30}
	other := pod("b")
	other.UID, other.Spec.Containers[0].Resources = "other", amounts("500m", "512Mi")
	over := other.DeepCopy()
	over.Status.Phase = v1.PodSucceeded
	for name, c := range map[string]struct {
		want   v1.ResourceRequirements
		policy []v1.ContainerResizePolicy
		node   *v1.Node
		others []*v1.Pod
		state  sandbox.ContainerStatus
		plan   string
	}{
		"nothing":             {want: amounts("1", "1Gi"), node: groupNode(), plan: ""},
		"more":                {want: amounts("1500m", "1Gi"), node: groupNode(), others: []*v1.Pod{other}, plan: "a again=false"},
		"of one that is over": {want: amounts("2", "1Gi"), node: groupNode(), others: []*v1.Pod{over}, plan: "a again=false"},
		"too much now":        {want: amounts("1600m", "1Gi"), node: groupNode(), others: []*v1.Pod{other}, plan: "Deferred: Node didn't have enough resource: cpu, requested: 1600, used: 500, capacity: 2000"},
		"too much ever":       {want: amounts("1", "3Gi"), node: groupNode(), plan: "Infeasible: Node didn't have enough capacity: memory, requested: 3221225472, capacity: 2147483648"},
		"on Fargate":          {want: amounts("2", "1Gi"), node: node(), plan: "Infeasible: In-place pod resize is not supported on this node"},
		"no node":             {want: amounts("2", "1Gi"), plan: "Infeasible: In-place pod resize is not supported on this node"},
		"by another run":      {want: amounts("1", "512Mi"), node: groupNode(), policy: []v1.ContainerResizePolicy{{ResourceName: "memory", RestartPolicy: v1.RestartContainer}}, plan: "a again=true"},
		"the other resource":  {want: amounts("2", "1Gi"), node: groupNode(), policy: []v1.ContainerResizePolicy{{ResourceName: "memory", RestartPolicy: v1.RestartContainer}}, plan: "a again=false"},
		"granted":             {want: amounts("1", "1Gi"), node: groupNode(), state: sandbox.ContainerStatus{Resized: -1}, plan: "underway"},
		"granted, in vain":    {want: amounts("1", "1Gi"), node: groupNode(), state: sandbox.ContainerStatus{Resized: -1, ResizeTrouble: "busy"}, plan: "underway: busy"},
	} {
		p := pod("a")
		p.Spec.Containers[0].Resources, p.Spec.Containers[0].ResizePolicy = c.want, c.policy
		if c.node != nil {
			p.Spec.NodeName = c.node.Name
		}
		cs := runs("a")
		cs.Resized, cs.ResizeTrouble = c.state.Resized, c.state.ResizeTrouble
		b := box(cs)
		b.Spec.Containers = []sandbox.Container{{Name: "a", Image: "nginx:1", CPU: was.CPU, CPULimit: was.CPULimit, Memory: was.Memory, MemoryReservation: was.MemoryReservation}}
		if got := pods.PlanResize(p, b, c.node, append(c.others, p)); got != c.plan {
			t.Errorf("%s: got %q, want %q", name, got, c.plan)
		}
	}
}

// edit changes the pod as kubectl does.
func (l *life) edit(change func(*v1.Pod)) {
	l.Helper()
	p, err := l.client.CoreV1().Pods("default").Get(l.Context(), "web", metav1.GetOptions{})
	if err != nil {
		l.Fatal(err)
	}
	p.Generation++
	change(p)
	if _, err := l.client.CoreV1().Pods("default").Update(l.Context(), p, metav1.UpdateOptions{}); err != nil {
		l.Fatal(err)
	}
}

func (l *life) box() (s *sandbox.Sandbox) {
	l.Helper()
	err := l.store.View(context.Background(), func(tx *store.Tx) (err error) {
		s, err = sandbox.Get(tx, boxes.ID(uid))
		return err
	})
	if err != nil {
		l.Fatal(err)
	}
	return s
}

func TestLifeWithOtherResources(t *testing.T) {
	p := podOf(v1.RestartPolicyAlways, script("a", ""))
	p.Spec.NodeName = groupNode().Name
	p.Spec.Containers[0].Resources = amounts("1", "1Gi")
	p.Spec.Containers[0].ResizePolicy = []v1.ContainerResizePolicy{{ResourceName: "memory", RestartPolicy: v1.RestartContainer}}
	live(t, p, func(l *life) {
		if _, err := l.client.CoreV1().Nodes().Create(l.Context(), groupNode(), metav1.CreateOptions{}); err != nil {
			l.Fatal(err)
		}
		l.is(time.Second, "Running ready; a running")
		l.edit(func(p *v1.Pod) { p.Spec.Containers[0].Resources = amounts("1500m", "1Gi") })
		cs := l.at(2 * time.Second).Status.ContainerStatuses[0]
		if cs.Resources.Limits.Cpu().String() != "1500m" || cs.AllocatedResources.Cpu().String() != "1500m" || cs.RestartCount != 0 || l.box().Status.Containers[0].Resized != 1 {
			t.Errorf("%+v", cs)
		}
		l.edit(func(p *v1.Pod) { p.Spec.Containers[0].Resources = amounts("3", "1Gi") })
		got := l.at(3 * time.Second).Status
		if cs := got.ContainerStatuses[0]; cs.Resources.Limits.Cpu().String() != "1500m" || condition(got, v1.PodResizePending) != "True Infeasible Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000" {
			t.Errorf("%+v %s", cs, condition(got, v1.PodResizePending))
		}
		l.edit(func(p *v1.Pod) { p.Spec.Containers[0].Resources = amounts("1500m", "512Mi") })
		got = l.at(5 * time.Second).Status
		if cs := got.ContainerStatuses[0]; cs.Resources.Limits.Memory().String() != "512Mi" || cs.RestartCount != 1 || cs.State.Running == nil || condition(got, v1.PodResizePending) != "none" {
			t.Errorf("%+v", cs)
		}
		for _, want := range []string{"ResizeStarted ", "ResizeCompleted ", "ResizeInfeasible ", "Killing a"} {
			if got := l.events(); !slices.Contains(got, want) {
				t.Errorf("no %s in %q", want, got)
			}
		}
	})
}

func TestLifeWithAnotherImage(t *testing.T) {
	live(t, podOf(v1.RestartPolicyNever, script("a", ""), script("b", "")), func(l *life) {
		l.is(time.Second, "Running ready; a running; b running")
		l.edit(func(p *v1.Pod) { p.Spec.Containers[0].Image = "nginx:2" })
		got := l.at(2 * time.Second).Status.ContainerStatuses
		if got[0].Image != "nginx:2" || !strings.Contains(got[0].ImageID, "nginx@") || got[0].RestartCount != 1 || got[0].State.Running == nil || got[1].RestartCount != 0 {
			t.Errorf("%+v", got)
		}
		if got := l.events(); !slices.Contains(got, "Killing a") || slices.Contains(got, "Killing b") {
			t.Error(got)
		}
		l.edit(func(p *v1.Pod) { p.Spec.Containers[1].Image = "No Name" })
		l.is(3*time.Second, "Running; a running; b waits InvalidImageName CannotPullContainerError: invalid reference format: No Name; before: ended Error 143")
		l.edit(func(p *v1.Pod) { p.Spec.Containers[1].Image = "nginx:3" })
		l.is(4*time.Second, "Running ready; a running; b running")
	})
}
