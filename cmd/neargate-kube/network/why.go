package network

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Why tells in sentences what is asked of the network without effect here.
func Why(services []*corev1.Service, policies []networkingv1.NetworkPolicy) (all []string) {
	for _, s := range sorted(services) {
		for _, text := range unmet(s) {
			all = append(all, fmt.Sprintf("Service %s/%s: %s", s.Namespace, s.Name, text))
		}
	}
	slices.SortFunc(policies, func(a, b networkingv1.NetworkPolicy) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	for _, n := range policies {
		all = append(all, fmt.Sprintf("NetworkPolicy %s/%s has no effect: nothing enforces policies, every pod reaches every other.", n.Namespace, n.Name))
	}
	return all
}

// unmet are a Service's wishes that nothing here fulfils.
func unmet(s *corev1.Service) (all []string) {
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if ports := nodePorts(s); len(ports) > 0 && s.Spec.Type == corev1.ServiceTypeNodePort {
		add("nothing listens on nodes, so node port %s does not answer; use the cluster IP, kubectl port-forward, or type LoadBalancer.", strings.Join(ports, ", "))
	}
	if s.Spec.Type == corev1.ServiceTypeLoadBalancer && !balanced(s) && s.DeletionTimestamp == nil {
		add("the load balancer class %s is left to a controller of that class.", *s.Spec.LoadBalancerClass)
	}
	if len(s.Spec.LoadBalancerSourceRanges) > 0 {
		add("loadBalancerSourceRanges are not enforced; the load balancer answers on this machine's loopback range alone.")
	}
	if p := s.Spec.InternalTrafficPolicy; p != nil && *p == corev1.ServiceInternalTrafficPolicyLocal {
		add("internalTrafficPolicy Local has no effect: connections go to the pods of all nodes.")
	}
	for _, p := range s.Spec.Ports {
		if p.Protocol == corev1.ProtocolSCTP && s.Spec.ClusterIP != corev1.ClusterIPNone {
			add("port %d is of SCTP, which is not carried.", p.Port)
		}
	}
	return all
}

func nodePorts(s *corev1.Service) (all []string) {
	for _, p := range s.Spec.Ports {
		if p.NodePort != 0 {
			all = append(all, fmt.Sprint(p.NodePort))
		}
	}
	return all
}

// Why tells of a namespace, or with "" of the cluster, what is asked of the
// network without effect, and what goes wrong.
func (p *Publisher) Why(ctx context.Context, namespace string) []string {
	var all []string
	if _, err := p.State(); err != nil {
		all = append(all, "The Services' newest state has not reached the pods: "+err.Error())
	}
	services, err := p.Informers.Core().V1().Services().Lister().List(labels.Everything())
	if err != nil {
		return append(all, err.Error())
	}
	mine := slices.DeleteFunc(slices.Clone(services), func(s *corev1.Service) bool { return namespace != "" && s.Namespace != namespace })
	// Nobody else needs the policies: they are not worth an informer.
	policies, err := p.Client.NetworkingV1().NetworkPolicies(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return append(all, "Whether there are NetworkPolicies cannot be told: "+err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(p.silent)) {
		if of, _, _ := strings.Cut(name, "/"); namespace == "" || of == namespace {
			all = append(all, fmt.Sprintf("The load balancer of Service %s does not answer: %s", name, p.silent[name]))
		}
	}
	return append(all, Why(mine, policies.Items)...)
}
