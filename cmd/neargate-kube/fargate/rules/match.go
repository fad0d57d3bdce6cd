package rules

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Profiles are the Fargate profiles in force, ACTIVE and DELETING ones.
type Profiles interface{ FargateProfiles() []link.FargateProfile }

// Match returns the profile that a new pod runs on: the alphanumerically first
// of those that choose it, or the one that its label names, if that chooses it.
// False: the pod stays with its own scheduler. namespace is the one of the
// request, as a new pod may not tell it.
func Match(pod *corev1.Pod, namespace, region string, profiles []link.FargateProfile) (link.FargateProfile, bool) {
	if pod.Spec.NodeName != "" || pod.Annotations[ComputeType] == "ec2" || isPinned(pod) {
		return link.FargateProfile{}, false
	}
	named := pod.Labels[ProfileLabel]
	var best link.FargateProfile
	for _, p := range profiles {
		switch {
		case p.Deleting, named != "" && p.Name != named, best.Name != "" && p.Name >= best.Name:
		case chooses(p, pod, namespace) && len(Subnets(pod, region, p)) > 0:
			best = p
		}
	}
	return best, best.Name != ""
}

// chooses tells whether any of the profile's selectors fits the pod.
func chooses(p link.FargateProfile, pod *corev1.Pod, namespace string) bool {
	return slices.ContainsFunc(p.Selectors, func(s link.Selector) bool {
		return fits(s.Namespace, namespace) && hasAll(pod.Labels, s.Labels)
	})
}

// hasAll tells whether each wanted pair, which may hold wildcards, is met by
// some label.
func hasAll(labels, wanted map[string]string) bool {
	for k, v := range wanted {
		if !hasLabel(labels, k, v) {
			return false
		}
	}
	return true
}

func hasLabel(labels map[string]string, key, value string) bool {
	for k, v := range labels {
		if fits(key, k) && fits(value, v) {
			return true
		}
	}
	return false
}

// fits matches * (any number of characters) and ? (exactly one).
func fits(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0: // let the last star take one more
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// isPinned recognises a DaemonSet's pod: it is meant for one node that exists,
// which is never a Fargate node to come.
func isPinned(pod *corev1.Pod) bool {
	a := pod.Spec.Affinity
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return false
	}
	terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(t corev1.NodeSelectorTerm) bool {
		return !slices.ContainsFunc(t.MatchFields, func(r corev1.NodeSelectorRequirement) bool { return r.Key == "metadata.name" })
	})
}

// Subnets returns the profile's subnets in whose zones a Fargate node would
// meet the pod's nodeSelector and required node affinity.
func Subnets(pod *corev1.Pod, region string, p link.FargateProfile) []link.Subnet {
	if len(pod.Spec.NodeSelector) == 0 && (pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity == nil) {
		return p.Subnets
	}
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	var good []link.Subnet
	for _, s := range p.Subnets {
		node := &corev1.Node{}
		node.Labels = NodeLabels(region, s.Zone)
		// An affinity that cannot be read meets no node; the API server's
		// validation tells its author why.
		if ok, err := required.Match(node); ok && err == nil {
			good = append(good, s)
		}
	}
	return good
}

// NodeLabels are a Fargate node's labels that do not depend on its address.
func NodeLabels(region, zone string) map[string]string {
	return map[string]string{
		ComputeType:                         Fargate,
		corev1.LabelArchStable:              "amd64",
		corev1.LabelOSStable:                "linux",
		"beta.kubernetes.io/arch":           "amd64",
		"beta.kubernetes.io/os":             "linux",
		corev1.LabelTopologyRegion:          region,
		corev1.LabelTopologyZone:            zone,
		corev1.LabelFailureDomainBetaRegion: region,
		corev1.LabelFailureDomainBetaZone:   zone,
	}
}
