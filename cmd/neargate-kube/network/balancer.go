package network

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
)

// Balancers lists the Services of type LoadBalancer that are to answer on the
// host. Those of a class that is not Neargate's or AWS's own are left to their
// controller, as are those that are being deleted.
func Balancers(v View) (all []link.LoadBalancer) {
	by := slicesOf(v.Slices)
	boxes := sandboxesByAddress(v.Pods)
	for _, s := range sorted(v.Services) {
		if !balanced(s) {
			continue
		}
		b := link.LoadBalancer{Name: s.Namespace + "/" + s.Name}
		if s.Spec.LoadBalancerClass != nil {
			b.Class = *s.Spec.LoadBalancerClass
		}
		for _, p := range s.Spec.Ports {
			b.Ports = append(b.Ports, balancerPort(s, p, by[b.Name], boxes))
		}
		all = append(all, b)
	}
	return all
}

// balanced tells whether the load balancer is ours to make.
func balanced(s *corev1.Service) bool {
	if s.Spec.Type != corev1.ServiceTypeLoadBalancer || s.DeletionTimestamp != nil {
		return false
	}
	class := s.Spec.LoadBalancerClass
	return class == nil || strings.HasPrefix(*class, "service.k8s.aws/") || strings.HasPrefix(*class, "eks.amazonaws.com/")
}

func balancerPort(s *corev1.Service, p corev1.ServicePort, all []*discoveryv1.EndpointSlice, boxes map[netip.Addr]string) link.LoadBalancerPort {
	port := link.LoadBalancerPort{Protocol: strings.ToLower(string(p.Protocol)), Port: uint16(p.Port)}
	for _, e := range endpoints(s, all, p) {
		port.Endpoints = append(port.Endpoints, link.Endpoint{Sandbox: boxes[e.Addr()], Address: e})
	}
	return port
}

// sandboxesByAddress finds the sandbox behind a pod's address. Pods that have
// ended have lost theirs.
func sandboxesByAddress(pods []*corev1.Pod) map[netip.Addr]string {
	by := map[netip.Addr]string{}
	for _, p := range pods {
		if p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed {
			continue
		}
		if a, err := netip.ParseAddr(p.Status.PodIP); err == nil {
			by[a] = boxes.ID(p.UID)
		}
	}
	return by
}
