package fargate

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What a resolv.conf may hold (kubelet's limits).
const (
	maxServers     = 3
	maxSearches    = 32
	maxSearchChars = 2048
	maxSearchName  = 253
)

// vpcResolver is where every sandbox reaches the VPC's resolver.
const vpcResolver = "169.254.169.253"

// A resolver is a pod's resolv.conf.
type resolver struct {
	Servers, Searches, Options []string
	// Cut tells what did not fit, in kubelet's words.
	Cut []string
}

// resolverOf composes what dnsPolicy and dnsConfig ask for, as kubelet does. No
// servers means the VPC's resolver alone.
func resolverOf(pod *corev1.Pod, clusterDNS, region string) resolver {
	var r resolver
	host := []string{domain(region)}
	switch pod.Spec.DNSPolicy {
	case corev1.DNSNone:
	case corev1.DNSDefault:
		r.Searches = host
	default: // ClusterFirst; with host network, which has no pods here, it is the same
		r.Servers = []string{clusterDNS}
		r.Searches = append([]string{pod.Namespace + ".svc.cluster.local", "svc.cluster.local", "cluster.local"}, host...)
		r.Options = []string{"ndots:5"}
	}
	if c := pod.Spec.DNSConfig; c != nil {
		if pod.Spec.DNSPolicy == corev1.DNSDefault && len(c.Nameservers) > 0 {
			r.Servers = []string{vpcResolver}
		}
		r.Servers = distinct(r.Servers, c.Nameservers)
		r.Searches = distinct(r.Searches, c.Searches)
		r.Options = options(r.Options, c.Options)
	}
	r.limit()
	return r
}

func distinct(lists ...[]string) []string {
	var all []string
	for _, s := range slices.Concat(lists...) {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// options has later ones replace earlier ones of the same name, in place.
func options(base []string, more []corev1.PodDNSConfigOption) []string {
	all := slices.Clone(base)
	for _, o := range more {
		text := o.Name
		if o.Value != nil && *o.Value != "" {
			text += ":" + *o.Value
		}
		at := slices.IndexFunc(all, func(s string) bool {
			name, _, _ := strings.Cut(s, ":")
			return name == o.Name
		})
		if at < 0 {
			all = append(all, text)
		} else {
			all[at] = text
		}
	}
	return all
}

// limit leaves out what resolvers do not take.
func (r *resolver) limit() {
	if len(r.Servers) > maxServers {
		r.Servers = r.Servers[:maxServers]
		r.Cut = append(r.Cut, "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: "+strings.Join(r.Servers, " "))
	}
	had := len(r.Searches)
	r.Searches = slices.DeleteFunc(slices.Clone(r.Searches), func(s string) bool { return len(s) > maxSearchName })
	r.Searches = r.Searches[:min(len(r.Searches), maxSearches)]
	for len(strings.Join(r.Searches, " ")) > maxSearchChars {
		r.Searches = r.Searches[:len(r.Searches)-1]
	}
	if len(r.Searches) < had {
		r.Cut = append(r.Cut, "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: "+strings.Join(r.Searches, " "))
	}
}
