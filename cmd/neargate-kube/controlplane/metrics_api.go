package controlplane

import (
	"context"
	"errors"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// metrics_api.go registers metrics.k8s.io the way metrics-server does it, so
// that discovery and the availability check see what they expect: a Service
// with an endpoint. Behind the endpoint is this process.

// metricsPort is where metrics.k8s.io stands, at the API's own address.
const metricsPort = 4443

func (p *plane) metricsAddress() netip.AddrPort { return netip.AddrPortFrom(p.api, metricsPort) }

// registerMetrics makes the objects that are not there yet.
func (p *plane) registerMetrics(ctx context.Context, server *apiServer, client kubernetes.Interface) error {
	name := metav1.ObjectMeta{Name: "metrics-server", Namespace: metav1.NamespaceSystem, Labels: map[string]string{"k8s-app": "metrics-server"}}
	_, err := client.CoreV1().Services(name.Namespace).Create(ctx, &corev1.Service{
		ObjectMeta: name,
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "https", Port: 443, TargetPort: intstr.FromInt32(metricsPort)}}},
	}, metav1.CreateOptions{})
	err = errors.Join(orThere(err), p.metricsEndpoint(ctx, client), metricsReader(ctx, client))
	if err != nil {
		return err
	}
	apis, err := aggregator.NewForConfig(p.rest(server, identity.User{}))
	if err != nil {
		return err
	}
	_, err = apis.ApiregistrationV1().APIServices().Create(ctx, &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: metricsAPI, Labels: name.Labels},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: "metrics.k8s.io", Version: "v1beta1", GroupPriorityMinimum: 100, VersionPriority: 100, InsecureSkipTLSVerify: true,
			Service: &apiregistrationv1.ServiceReference{Namespace: name.Namespace, Name: name.Name},
		},
	}, metav1.CreateOptions{})
	return orThere(err)
}

func (p *plane) metricsEndpoint(ctx context.Context, client kubernetes.Interface) error {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{
			Name: "metrics-server", Namespace: metav1.NamespaceSystem,
			Labels: map[string]string{discoveryv1.LabelServiceName: "metrics-server", discoveryv1.LabelManagedBy: "neargate.dev"},
		},
		AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{p.api.String()}}},
		Ports:       []discoveryv1.EndpointPort{{Name: new("https"), Port: new(int32(metricsPort)), Protocol: new(corev1.ProtocolTCP)}},
	}
	_, err := client.DiscoveryV1().EndpointSlices(slice.Namespace).Create(ctx, slice, metav1.CreateOptions{})
	return orThere(err)
}

// metricsReader lets those see usage who may see pods.
func metricsReader(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "system:aggregated-metrics-reader", Labels: map[string]string{
			"rbac.authorization.k8s.io/aggregate-to-view":  "true",
			"rbac.authorization.k8s.io/aggregate-to-edit":  "true",
			"rbac.authorization.k8s.io/aggregate-to-admin": "true",
		}},
		Rules: []rbacv1.PolicyRule{{APIGroups: []string{"metrics.k8s.io"}, Resources: []string{"pods", "nodes"}, Verbs: []string{"get", "list", "watch"}}},
	}, metav1.CreateOptions{})
	return orThere(err)
}

// orThere is err, unless that says that what was to be made is there already.
func orThere(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
