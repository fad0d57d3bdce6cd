package translate_test

import (
	"context"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// objects is a Source of what it holds, all in the namespace "shop" but for
// services, which are in their own.
type objects struct {
	configMaps []*v1.ConfigMap
	secrets    []*v1.Secret
	services   []*v1.Service
	token      translate.Token
	asked      []translate.TokenRequest
	failure    error // of every call, when it is set
}

func (o *objects) ConfigMap(_ context.Context, namespace, name string) (*v1.ConfigMap, error) {
	for _, cm := range o.configMaps {
		if cm.Name == name && namespace == "shop" {
			return cm, o.failure
		}
	}
	return nil, o.absent("configmaps", name)
}

func (o *objects) Secret(_ context.Context, namespace, name string) (*v1.Secret, error) {
	for _, s := range o.secrets {
		if s.Name == name && namespace == "shop" {
			return s, o.failure
		}
	}
	return nil, o.absent("secrets", name)
}

func (o *objects) absent(resource, name string) error {
	if o.failure != nil {
		return o.failure
	}
	return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, name)
}

func (o *objects) Services(_ context.Context, namespace string) ([]*v1.Service, error) {
	var all []*v1.Service
	for _, s := range o.services {
		if s.Namespace == namespace {
			all = append(all, s)
		}
	}
	return all, nil
}

func (o *objects) Token(_ context.Context, r translate.TokenRequest) (translate.Token, error) {
	o.asked = append(o.asked, r)
	return o.token, o.failure
}

// HostPath has one file, /etc/hosts, and says where else it was asked.
func (o *objects) HostPath(_ context.Context, node, path, kind string) (link.HostPathState, error) {
	if path == "/etc/hosts" {
		return link.HostPathState{Refused: "hostPath type check failed: /etc/hosts is not a directory"}, o.failure
	}
	return link.HostPathState{Place: node + "," + kind + path}, o.failure
}

func configMap(name string, data map[string]string) *v1.ConfigMap {
	return &v1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Data: data}
}

func secret(name string, data map[string]string) *v1.Secret {
	s := &v1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"}, Data: map[string][]byte{}}
	for k, text := range data {
		s.Data[k] = []byte(text)
	}
	return s
}

func service(namespace, name, ip string, ports ...v1.ServicePort) *v1.Service {
	return &v1.Service{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Spec: v1.ServiceSpec{ClusterIP: ip, Ports: ports}}
}

// issued is when the tokens of these tests were made.
var issued = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func surroundings() translate.Environment {
	return translate.Environment{
		PodIPs: []string{"10.0.1.23"}, HostIPs: []string{"10.0.1.23"}, Region: "us-west-2", Version: "1.35", Fargate: true,
		Allocatable: v1.ResourceList{"cpu": resource.MustParse("2"), "memory": resource.MustParse("4Gi"), "ephemeral-storage": resource.MustParse("20Gi")},
	}
}

// shopPod is a pod of the namespace "shop" with these containers.
func shopPod(containers ...v1.Container) *v1.Pod {
	return &v1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "shop", UID: "11111111-2222-3333-4444-555555555555", Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"team": "blue"}},
		Spec:       v1.PodSpec{NodeName: "fargate-ip-10-0-1-23.us-west-2.compute.internal", ServiceAccountName: "seller", Containers: containers},
	}
}

func box(change ...func(*v1.Container)) v1.Container {
	c := v1.Container{Name: "web", Image: "web:1"}
	for _, f := range change {
		f(&c)
	}
	return c
}

// translated is a pod that has to be translatable.
func translated(t *testing.T, pod *v1.Pod, s *objects, change ...func(*translate.Environment)) *translate.Result {
	t.Helper()
	e := surroundings()
	for _, f := range change {
		f(&e)
	}
	r, err := translate.Pod(t.Context(), pod, s, e)
	if err != nil {
		t.Fatalf("Pod: %v", err)
	}
	return r
}

// only is the one container of a pod with that one.
func only(t *testing.T, s *objects, change ...func(*v1.Container)) sandbox.Container {
	t.Helper()
	return translated(t, shopPod(box(change...)), s).Completion.Containers[0]
}

// untold is why it cannot be told of the container web of a pod, which is
// translatable, what it is started with.
func untold(t *testing.T, pod *v1.Pod, s *objects) translate.Errors {
	t.Helper()
	if c := translated(t, pod, s).Completion.Containers[0]; !c.Asks || c.Told || c.Image == "" {
		t.Errorf("%+v", c)
	}
	r, err := translate.Container(t.Context(), pod, "web", s, surroundings())
	errs, ok := err.(translate.Errors)
	if !ok || r != nil {
		t.Fatalf("Container gave %v, %v; want Errors", r, err)
	}
	return errs
}

// refused are the errors of a pod that must not be translatable.
func refused(t *testing.T, pod *v1.Pod, s *objects) translate.Errors {
	t.Helper()
	r, err := translate.Pod(t.Context(), pod, s, surroundings())
	errs, ok := err.(translate.Errors)
	if !ok || r != nil {
		t.Fatalf("Pod gave %v, %v; want Errors", r, err)
	}
	return errs
}
