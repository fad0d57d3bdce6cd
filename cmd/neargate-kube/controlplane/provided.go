package controlplane

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// provided.go tells what stands behind the add-ons whose work Neargate does by
// itself.

// providedNames are those add-ons, in order.
var providedNames = []string{"coredns", "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"}

// provided tells of each add-on "" when all is well and why not when it is not.
// One of which nothing is known yet is left out.
func (p *plane) provided(q *parts) map[string]string {
	all := map[string]string{}
	told, err := q.publisher.State()
	switch {
	case err != nil:
		all["kube-proxy"] = "the Services' newest state has not reached the pods: " + err.Error()
	case told:
		all["kube-proxy"] = ""
	}
	if why := p.whyNoDNS(q); why != "" {
		all["coredns"] = why
	} else if proxy, known := all["kube-proxy"]; known {
		all["coredns"] = proxy
	}
	select {
	case <-p.boxes.Synced():
		all["vpc-cni"], all["eks-pod-identity-agent"] = "", ""
	default:
	}
	if why, known := q.usage.now(); known {
		all["metrics-server"] = why
	}
	return all
}

// whyNoDNS tells why the names of Services cannot be asked for where pods ask.
func (p *plane) whyNoDNS(q *parts) string {
	s, err := q.factory.Core().V1().Services().Lister().Services(metav1.NamespaceSystem).Get("kube-dns")
	address := p.dnsAddress().String()
	switch {
	case err != nil:
		return "there is no Service kube-system/kube-dns; pods ask at " + address + " all the same, and are answered"
	case s.Spec.ClusterIP != address:
		return "the Service kube-system/kube-dns has the address " + s.Spec.ClusterIP + "; pods ask, and are answered, at " + address
	}
	return ""
}

// onDNS has f called when the Service kube-dns comes, goes or changes.
func onDNS(services cache.SharedIndexInformer, f func()) error {
	dns := func(o any) {
		if s, ok := o.(*corev1.Service); ok && s.Name == "kube-dns" && s.Namespace == metav1.NamespaceSystem {
			f()
		}
	}
	_, err := services.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: dns, UpdateFunc: func(_, now any) { dns(now) }, DeleteFunc: dns,
	})
	return err
}
