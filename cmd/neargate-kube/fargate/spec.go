package fargate

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	requests "k8s.io/component-helpers/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Labels of a pod's sandbox, and so of its containers. nodeHint is the node
// group's node that the pod is meant for while it is not bound.
const (
	labelPod       = "io.kubernetes.pod.name"
	labelNamespace = "io.kubernetes.pod.namespace"
	labelUID       = "io.kubernetes.pod.uid"
	labelZone      = corev1.LabelTopologyZone
	nodeHint       = "io.kubernetes.node.name"
)

// podSpec is the open sandbox of a pod. node is "" on Fargate.
func podSpec(pod *corev1.Pod, c link.Config, s link.Subnet, size sandbox.Size, node string) sandbox.Spec {
	cluster := clusterNetwork(c)
	r := resolverOf(pod, cluster.DNS, c.Region)
	labels := map[string]string{labelPod: pod.Name, labelNamespace: pod.Namespace, labelUID: string(pod.UID), labelZone: s.Zone}
	if node != "" {
		labels[nodeHint] = node
	}
	return sandbox.Spec{
		ID:       boxes.ID(pod.UID),
		Owner:    c.ARN + "/" + pod.Namespace + "/" + pod.Name,
		Group:    c.ARN,
		Hostname: podHostname(pod),
		Network: sandbox.Network{
			VPC: s.VPC, VPCCIDR: s.VPCCIDR, Subnet: s.ID, SubnetCIDR: s.CIDR,
			Hosts:      hosts(pod),
			DNSServers: r.Servers, DNSSearch: r.Searches, DNSOptions: r.Options,
			Cluster: cluster,
		},
		Size: size, Labels: labels,
		Steps: 2, Patient: true, Keep: true, Open: true,
	}
}

// holderSpec is the sandbox that holds the address of a node group's node. It
// stays open for ever.
func holderSpec(c link.Config, group string, index int, s link.Subnet) sandbox.Spec {
	return sandbox.Spec{
		ID:      holderID(c.ARN, group, index),
		Owner:   c.ARN + "/nodegroup/" + group,
		Group:   c.ARN,
		Network: sandbox.Network{VPC: s.VPC, VPCCIDR: s.VPCCIDR, Subnet: s.ID, SubnetCIDR: s.CIDR, Cluster: clusterNetwork(c)},
		Labels:  map[string]string{boxes.NodeLabel: group, labelZone: s.Zone},
		Steps:   2, Patient: true, Open: true,
	}
}

// clusterNetwork tells the cluster's Service addresses: the first is the API,
// the tenth the DNS.
func clusterNetwork(c link.Config) *sandbox.ClusterNetwork {
	n := &sandbox.ClusterNetwork{Name: c.ARN, ServiceCIDR: c.ServiceCIDR}
	p, err := netip.ParsePrefix(c.ServiceCIDR)
	if err != nil { // New has refused it
		return n
	}
	a := p.Masked().Addr().Next()
	n.API = netip.AddrPortFrom(a, 443).String()
	for range 9 {
		a = a.Next()
	}
	n.DNS = a.String()
	return n
}

// podHostname is what kubelet would set: at most 63 characters, the cut never
// leaving a "-" or "." at the end.
func podHostname(pod *corev1.Pod) string {
	if o := pod.Spec.HostnameOverride; o != nil {
		return *o
	}
	h := pod.Name
	if pod.Spec.Hostname != "" {
		h = pod.Spec.Hostname
	}
	if len(h) > 63 {
		h = strings.TrimRight(h[:63], "-.")
	}
	if f := pod.Spec.SetHostnameAsFQDN; f != nil && *f && pod.Spec.Subdomain != "" {
		return h + "." + pod.Spec.Subdomain + "." + pod.Namespace + ".svc.cluster.local"
	}
	return h
}

func hosts(pod *corev1.Pod) []sandbox.Host {
	var all []sandbox.Host
	for _, a := range pod.Spec.HostAliases {
		all = append(all, sandbox.Host{Address: a.IP, Names: a.Hostnames})
	}
	return all
}

// limits is the ceiling of a pod on a node group's node: as with kubelet, there
// is one where every container has a limit, or the pod itself.
func limits(pod *corev1.Pod) sandbox.Size {
	all := requests.PodLimits(pod, requests.PodResourcesOptions{})
	limited := func(name corev1.ResourceName) bool {
		if r := pod.Spec.Resources; r != nil {
			if _, ok := r.Limits[name]; ok {
				return true
			}
		}
		for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
			for _, c := range list {
				if q, ok := c.Resources.Limits[name]; !ok || q.IsZero() {
					return false
				}
			}
		}
		return true
	}
	var s sandbox.Size
	if limited(corev1.ResourceCPU) {
		s.CPU = (all.Cpu().MilliValue()*1024 + 999) / 1000
	}
	if limited(corev1.ResourceMemory) {
		s.Memory = all.Memory().Value()
	}
	return s
}
