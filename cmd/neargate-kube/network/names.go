package network

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// names.go follows the specification "Kubernetes DNS-Based Service Discovery".

// name puts everything that a Service is called into the table.
func name(t map[string]sandbox.DNSName, s *corev1.Service, all []*discoveryv1.EndpointSlice) {
	base := fmt.Sprintf("%s.%s.svc.%s", s.Name, s.Namespace, Domain)
	switch {
	case s.Spec.Type == corev1.ServiceTypeExternalName:
		t[base] = sandbox.DNSName{Alias: strings.TrimSuffix(strings.ToLower(s.Spec.ExternalName), ".")}
	case s.Spec.ClusterIP == corev1.ClusterIPNone:
		headless(t, base, s, all)
	default:
		clusterIP(t, base, s)
	}
}

func clusterIP(t map[string]sandbox.DNSName, base string, s *corev1.Service) {
	n := sandbox.DNSName{}
	for _, text := range s.Spec.ClusterIPs {
		if a, err := netip.ParseAddr(text); err == nil {
			n.Addresses = append(n.Addresses, a)
			t[reverse(a)] = sandbox.DNSName{Pointer: base}
		}
	}
	if len(n.Addresses) == 0 {
		return
	}
	t[base] = n
	for _, p := range s.Spec.Ports {
		serve(t, base, p.Name, string(p.Protocol), sandbox.DNSServer{Target: base, Port: uint16(p.Port)})
	}
}

// headless gives a Service the addresses of its pods, and each pod a name: its
// hostname where the Service is its subdomain (a StatefulSet's), and else one
// made of its address.
func headless(t map[string]sandbox.DNSName, base string, s *corev1.Service, all []*discoveryv1.EndpointSlice) {
	n := sandbox.DNSName{}
	for _, slice := range all {
		for _, e := range slice.Endpoints {
			if !isReady(e) && !s.Spec.PublishNotReadyAddresses {
				continue
			}
			for _, a := range ips(e) {
				if !slices.Contains(n.Addresses, a) {
					n.Addresses = append(n.Addresses, a)
				}
				target := dashed(a) + "." + base
				if e.Hostname != nil && *e.Hostname != "" {
					target = *e.Hostname + "." + base
					t[reverse(a)] = sandbox.DNSName{Pointer: target}
				}
				// An address is in several slices when its ports differ.
				if own := t[target]; !slices.Contains(own.Addresses, a) {
					own.Addresses = append(own.Addresses, a)
					t[target] = own
				}
				for _, p := range slice.Ports {
					if p.Name != nil && p.Port != nil && p.Protocol != nil {
						serve(t, base, *p.Name, string(*p.Protocol), sandbox.DNSServer{Target: target, Port: uint16(*p.Port)})
					}
				}
			}
		}
	}
	if len(n.Addresses) > 0 {
		t[base] = n
	}
}

// serve adds an SRV record: _http._tcp.web.default.svc.cluster.local.
func serve(t map[string]sandbox.DNSName, base, port, protocol string, s sandbox.DNSServer) {
	if port == "" {
		return
	}
	key := fmt.Sprintf("_%s._%s.%s", strings.ToLower(port), strings.ToLower(protocol), base)
	n := t[key]
	if !slices.Contains(n.Servers, s) {
		n.Servers = append(n.Servers, s)
	}
	t[key] = n
}

// namePod gives a pod the name that is made of its address:
// 10-0-1-23.default.pod.cluster.local.
func namePod(t map[string]sandbox.DNSName, p *corev1.Pod) {
	a, err := netip.ParseAddr(p.Status.PodIP)
	if err != nil || p.Spec.HostNetwork {
		return
	}
	t[fmt.Sprintf("%s.%s.pod.%s", dashed(a), p.Namespace, Domain)] = sandbox.DNSName{Addresses: []netip.Addr{a}}
}

func dashed(a netip.Addr) string { return strings.NewReplacer(".", "-", ":", "-").Replace(a.String()) }

// reverse is the name that an address is asked for by.
func reverse(a netip.Addr) string {
	if a.Is4() {
		b := a.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", b[3], b[2], b[1], b[0])
	}
	var out strings.Builder
	b := a.As16()
	for i := len(b) - 1; i >= 0; i-- {
		fmt.Fprintf(&out, "%x.%x.", b[i]&0xf, b[i]>>4)
	}
	return out.String() + "ip6.arpa"
}
