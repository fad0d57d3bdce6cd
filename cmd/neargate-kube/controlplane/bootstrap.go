package controlplane

import (
	"context"
	"fmt"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

// bootstrap.go makes what a new EKS cluster has in kube-system.

// dnsAddress is where the cluster's names are resolved, as on EKS: the tenth
// address of the service range.
func (p *plane) dnsAddress() netip.Addr {
	a := netip.MustParsePrefix(p.config.ServiceCIDR).Masked().Addr()
	for range 10 {
		a = a.Next()
	}
	return a
}

// bootstrap makes the objects that are missing. What a user has changed stays.
func (p *plane) bootstrap(ctx context.Context, server *apiServer, client kubernetes.Interface) error {
	p.board.progress("making the cluster's own objects")
	if err := p.registerMetrics(ctx, server, client); err != nil {
		return fmt.Errorf("making metrics.k8s.io known: %w", err)
	}
	if err := p.makeDNS(ctx, client); err != nil {
		return fmt.Errorf("making the Service kube-dns: %w", err)
	}
	if !p.settings.get().BootstrapAddons {
		return nil
	}
	_, err := client.AppsV1().Deployments(metav1.NamespaceSystem).Create(ctx, coreDNS(), metav1.CreateOptions{})
	if err := orThere(err); err != nil {
		return fmt.Errorf("making the Deployment coredns: %w", err)
	}
	return nil
}

// makeDNS looks first: a second Service with that address is refused for its
// address, before it is for its name.
func (p *plane) makeDNS(ctx context.Context, client kubernetes.Interface) error {
	services := client.CoreV1().Services(metav1.NamespaceSystem)
	_, err := services.Get(ctx, "kube-dns", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = services.Create(ctx, p.dnsService(), metav1.CreateOptions{})
	}
	return err
}

// dnsService has EKS's name and address. It needs no pods: each pod's sandbox
// answers there by itself.
func (p *plane) dnsService() *corev1.Service {
	port := func(name string, protocol corev1.Protocol) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Port: 53, TargetPort: intstr.FromInt32(53), Protocol: protocol}
	}
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{
			Name: "kube-dns", Labels: map[string]string{"k8s-app": "kube-dns", "eks.amazonaws.com/component": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"},
			Annotations: map[string]string{"neargate.dev/provided-by": "the resolver in each pod's sandbox"},
		},
		Spec: corev1.ServiceSpec{
			ClusterIP: p.dnsAddress().String(), Selector: map[string]string{"k8s-app": "kube-dns"},
			Ports: []corev1.ServicePort{port("dns", corev1.ProtocolUDP), port("dns-tcp", corev1.ProtocolTCP)},
		},
	}
}

// coreDNS is the Deployment that EKS's tutorial for Fargate patches. It has no
// replicas, and so says of nothing that it runs: names are resolved without.
func coreDNS() *appsv1.Deployment {
	labels := map[string]string{"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{
			Name: "coredns", Labels: labels,
			Annotations: map[string]string{"neargate.dev/provided-by": "the resolver in each pod's sandbox; this Deployment needs no replicas"},
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"eks.amazonaws.com/compute-type": "ec2"}},
				Spec: corev1.PodSpec{
					PriorityClassName: "system-cluster-critical",
					Containers:        []corev1.Container{{Name: "coredns", Image: "registry.k8s.io/coredns/coredns:v1.12.0"}},
				},
			},
		},
	}
}
