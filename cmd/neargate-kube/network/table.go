package network

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Domain is the cluster's, as on EKS.
const Domain = "cluster.local"

// View is what the cluster has, at one moment.
type View struct {
	Services []*corev1.Service
	Slices   []*discoveryv1.EndpointSlice
	Pods     []*corev1.Pod
	// Own are Services that every sandbox answers by itself, by
	// "namespace/name": they get names, and no translation.
	Own map[string]bool
}

// Table computes what the cluster's pods are told.
func Table(v View) sandbox.ServiceTable {
	t := sandbox.ServiceTable{
		Zones: []string{Domain},
		Names: map[string]sandbox.DNSName{},
	}
	by := slicesOf(v.Slices)
	for _, s := range sorted(v.Services) {
		key := s.Namespace + "/" + s.Name
		name(t.Names, s, by[key])
		if entry, ok := translated(s, by[key]); ok && !v.Own[key] {
			t.Services = append(t.Services, entry)
		}
	}
	for _, p := range v.Pods {
		namePod(t.Names, p)
	}
	return t
}

func sorted(all []*corev1.Service) []*corev1.Service {
	return slices.SortedFunc(slices.Values(all), func(a, b *corev1.Service) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// slicesOf groups EndpointSlices by their Service.
func slicesOf(all []*discoveryv1.EndpointSlice) map[string][]*discoveryv1.EndpointSlice {
	by := map[string][]*discoveryv1.EndpointSlice{}
	for _, s := range all {
		if name := s.Labels[discoveryv1.LabelServiceName]; name != "" {
			by[s.Namespace+"/"+name] = append(by[s.Namespace+"/"+name], s)
		}
	}
	for _, of := range by {
		slices.SortFunc(of, func(a, b *discoveryv1.EndpointSlice) int { return cmp.Compare(a.Name, b.Name) })
	}
	return by
}

// translated is a Service's entry: nothing for a headless one, and nothing for
// one that is only another name.
func translated(s *corev1.Service, all []*discoveryv1.EndpointSlice) (e sandbox.Service, ok bool) {
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		return e, false
	}
	e.Addresses = addresses(s)
	e.Sticky = s.Spec.SessionAffinity == corev1.ServiceAffinityClientIP
	for _, p := range s.Spec.Ports {
		protocol := strings.ToLower(string(p.Protocol))
		if protocol != "tcp" && protocol != "udp" {
			continue
		}
		e.Ports = append(e.Ports, sandbox.ServicePort{
			Protocol: protocol, Port: uint16(p.Port), Endpoints: endpoints(s, all, p),
		})
	}
	return e, len(e.Addresses) > 0
}

// addresses are all that lead to a Service, but for nodes' ports.
func addresses(s *corev1.Service) (all []netip.Addr) {
	texts := append(slices.Clone(s.Spec.ClusterIPs), s.Spec.ExternalIPs...)
	if len(s.Spec.ClusterIPs) == 0 {
		texts = append(texts, s.Spec.ClusterIP)
	}
	for _, i := range s.Status.LoadBalancer.Ingress {
		texts = append(texts, i.IP)
	}
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil { // "None" and "" are none
			all = append(all, a)
		}
	}
	return all
}

// endpoints are those of a port that traffic goes to: the ready ones, and when
// there is none, those that still serve while they end, as kube-proxy has it.
func endpoints(s *corev1.Service, all []*discoveryv1.EndpointSlice, p corev1.ServicePort) (ready []netip.AddrPort) {
	var serving []netip.AddrPort
	for _, slice := range all {
		port, ok := portOf(slice, p)
		if !ok {
			continue
		}
		for _, e := range slice.Endpoints {
			for _, a := range ips(e) {
				switch {
				case isReady(e):
					ready = append(ready, netip.AddrPortFrom(a, port))
				case is(e.Conditions.Serving) && is(e.Conditions.Terminating):
					serving = append(serving, netip.AddrPortFrom(a, port))
				}
			}
		}
	}
	if len(ready) == 0 {
		return serving
	}
	return ready
}

func portOf(slice *discoveryv1.EndpointSlice, p corev1.ServicePort) (uint16, bool) {
	for _, q := range slice.Ports {
		if q.Name != nil && *q.Name == p.Name && q.Port != nil && (q.Protocol == nil || *q.Protocol == p.Protocol) {
			return uint16(*q.Port), true
		}
	}
	return 0, false
}

func ips(e discoveryv1.Endpoint) (all []netip.Addr) {
	for _, text := range e.Addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			all = append(all, a)
		}
	}
	return all
}

// isReady: a condition that is not told counts as true.
func isReady(e discoveryv1.Endpoint) bool { return e.Conditions.Ready == nil || *e.Conditions.Ready }

func is(b *bool) bool { return b != nil && *b }
