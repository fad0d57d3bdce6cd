package fit

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// terse is the minor version from which the scheduler no longer tells taints,
// and has a word on device claims.
const terse = 34

// untolerated is the reason for a taint.
func untolerated(t corev1.Taint, minor int) string {
	if minor >= terse {
		return "node(s) had untolerated taint(s)"
	}
	return fmt.Sprintf("node(s) had untolerated taint {%s: %s}", t.Key, t.Value)
}

// explain is the default scheduler's sentence: why no node is good, and why
// evicting others would not help.
func explain(pod *corev1.Pod, refusals []refusal, minor int) string {
	counts, preemption := map[string]int{}, map[string]int{}
	for _, r := range refusals {
		for _, reason := range r.reasons {
			counts[reason]++
		}
		if r.resolvable {
			preemption["No preemption victims found for incoming pod"]++
		} else {
			preemption["Preemption is not helpful for scheduling"]++
		}
	}
	all := fmt.Sprintf("0/%d nodes are available:", len(refusals))
	after := fmt.Sprintf("preemption: %s %s.", all, histogram(preemption))
	if p := pod.Spec.PreemptionPolicy; p != nil && *p == corev1.PreemptNever {
		after = "preemption: not eligible due to preemptionPolicy=Never."
	}
	if minor >= terse {
		after = "no new claims to deallocate, " + after
	}
	return fmt.Sprintf("%s %s. %s", all, histogram(counts), after)
}

// histogram lists counted reasons in the order of their text, number included.
func histogram(counts map[string]int) string {
	lines := make([]string, 0, len(counts))
	for reason, n := range counts {
		lines = append(lines, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(lines)
	return strings.Join(lines, ", ")
}

// Unmet tells which wishes of a pod nobody looked at.
func Unmet(pod *corev1.Pod) []string {
	var all []string
	if a := pod.Spec.Affinity; a != nil && (a.PodAffinity != nil || a.PodAntiAffinity != nil) {
		all = append(all, "its affinity to other pods has no effect: Neargate's nodes all stand on one machine")
	}
	if len(pod.Spec.TopologySpreadConstraints) > 0 {
		all = append(all, "its topology spread constraints have no effect: Neargate's nodes all stand on one machine")
	}
	return all
}
