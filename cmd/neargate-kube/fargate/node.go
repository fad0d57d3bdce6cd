package fargate

import (
	"maps"
	"os"
	"runtime"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// groupLabel names a node's group.
const groupLabel = "eks.amazonaws.com/nodegroup"

// objectTTL is what the controller of that annotation would write into nodes of
// a cluster of this size, by a request of its own for each.
const objectTTL = "0"

// fargateNode is the Node of a Fargate pod, Ready from the beginning.
func fargateNode(c link.Config, name, address, zone, id string, size sandbox.Size, version string) *corev1.Node {
	host := hostName(address, c.Region)
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: rules.NodeLabels(c.Region, zone)}}
	n.Labels[corev1.LabelHostname] = host
	n.Annotations = map[string]string{corev1.ObjectTTLAnnotationKey: objectTTL}
	n.Spec.ProviderID = providerID(c.ARN, zone, id, name)
	n.Spec.Taints = []corev1.Taint{{Key: rules.ComputeType, Value: rules.Fargate, Effect: corev1.TaintEffectNoSchedule}}
	// A micro-VM has at least 2 vCPUs and 4 GiB, whatever the pod's size.
	n.Status = nodeStatus(address, host, max(size.CPU, 2048), max(size.Memory, 4<<30), size.Storage, 1, version)
	n.Status.NodeInfo.SystemUUID = id
	return n
}

// groupNode is a Node of a node group, at the address that its sandbox holds.
func (c *Compute) groupNode(g link.Nodegroup, index int, address, zone string) *corev1.Node {
	name := hostName(address, c.Cluster.Region)
	instance := instanceID(g.InstanceID, index)
	n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: groupLabels(c.Cluster, g, zone)}}
	n.Labels[corev1.LabelHostname] = name
	n.Spec.ProviderID = "aws:///" + zone + "/" + instance
	n.Spec.Taints = groupTaints(g)
	n.Annotations = map[string]string{appliedKey: appliedOf(n), corev1.ObjectTTLAnnotationKey: objectTTL}
	if g.Release != "" {
		n.Annotations[releaseKey] = g.Release
	}
	n.Status = nodeStatus(address, name, g.CPU, g.Memory, 20<<30, 110, c.kubelet(g))
	n.Status.NodeInfo.SystemUUID = holderID(c.Cluster.ARN, g.Name, index)
	return n
}

// groupLabels are those of EKS, and the group's own.
func groupLabels(c link.Config, g link.Nodegroup, zone string) map[string]string {
	l := rules.NodeLabels(c.Region, zone)
	delete(l, rules.ComputeType)
	maps.Copy(l, map[string]string{
		groupLabel:                          g.Name,
		"eks.amazonaws.com/capacityType":    g.CapacityType,
		"eks.amazonaws.com/nodegroup-image": g.AMIType, // there is no AMI, so its type stands for it
		corev1.LabelInstanceTypeStable:      g.InstanceType,
		corev1.LabelInstanceType:            g.InstanceType,
	})
	maps.Copy(l, g.Labels)
	return l
}

func groupTaints(g link.Nodegroup) []corev1.Taint {
	var all []corev1.Taint
	for _, t := range g.Taints {
		all = append(all, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
	}
	return all
}

// nodeStatus is what a node tells of itself. CPU in units, the others in bytes.
func nodeStatus(address, host string, cpu, memory, storage, pods int64, version string) corev1.NodeStatus {
	all := corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewMilliQuantity(cpu*1000/1024, resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memory, resource.BinarySI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(storage, resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(pods, resource.DecimalSI),
	}
	return corev1.NodeStatus{
		Capacity: all, Allocatable: all.DeepCopy(),
		Conditions: conditions(metav1.Now()),
		Addresses: []corev1.NodeAddress{
			{Type: corev1.NodeInternalIP, Address: address},
			{Type: corev1.NodeHostName, Address: host},
			{Type: corev1.NodeInternalDNS, Address: host},
		},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: 10250}},
		NodeInfo: corev1.NodeSystemInfo{
			OperatingSystem: "linux", Architecture: runtime.GOARCH,
			OSImage:                 "Amazon Linux 2023",
			KernelVersion:           kernel(),
			ContainerRuntimeVersion: "containerd://2.1.4",
			KubeletVersion:          version,
		},
	}
}

// kernel is the release of the kernel that containers run on, as far as this
// process sees it.
func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil { // not Linux: the containers run in a machine of Docker's
		return runtime.GOOS
	}
	return strings.TrimSpace(string(b))
}

// conditions are those of a healthy node, with kubelet's texts.
func conditions(now metav1.Time) []corev1.NodeCondition {
	one := func(t corev1.NodeConditionType, s corev1.ConditionStatus, reason, message string) corev1.NodeCondition {
		return corev1.NodeCondition{Type: t, Status: s, Reason: reason, Message: message, LastHeartbeatTime: now, LastTransitionTime: now}
	}
	return []corev1.NodeCondition{
		one(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
		one(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
		one(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
		one(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"),
	}
}

func isFargateNode(n *corev1.Node) bool { return n.Labels[rules.ComputeType] == rules.Fargate }

// isReady tells whether a node's condition Ready is True.
func isReady(n *corev1.Node) bool {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
