package irsa_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/neargate/neargate/cmd/neargate-kube/access/irsa"
)

const roleARN = "arn:aws:iam::111122223333:role/app"

// admit creates a pod in namespace a whose account has these annotations.
func admit(t *testing.T, annotations map[string]string, pod *core.Pod) {
	t.Helper()
	client := fake.NewClientset(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "app", Annotations: annotations}})
	made, err := irsa.Factory("eu-west-1")(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := made.(*irsa.Plugin)
	factory := informers.NewSharedInformerFactory(client, 0)
	p.SetExternalKubeClientSet(client)
	p.SetExternalKubeInformerFactory(factory)
	factory.Start(t.Context().Done())
	factory.WaitForCacheSync(t.Context().Done())
	if err := p.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	pod.Namespace, pod.Spec.ServiceAccountName = "a", "app"
	for range 2 { // plugins may be asked twice
		err := p.Admit(t.Context(), admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("version"), "a", "p",
			core.Resource("pods").WithVersion("version"), "", admission.Create, nil, false, nil), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func env(c core.Container) string {
	var all []string
	for _, e := range c.Env {
		all = append(all, e.Name+"="+e.Value)
	}
	return strings.Join(all, " ")
}

func TestRole(t *testing.T) {
	pod := &core.Pod{Spec: core.PodSpec{
		InitContainers: []core.Container{{Name: "i"}},
		Containers:     []core.Container{{Name: "c", Env: []core.EnvVar{{Name: "AWS_REGION", Value: "own"}}}, {Name: "skipped"}},
	}}
	pod.Annotations = map[string]string{"eks.amazonaws.com/skip-containers": "x, skipped", "eks.amazonaws.com/token-expiration": "60"}
	admit(t, map[string]string{"eks.amazonaws.com/role-arn": roleARN, "eks.amazonaws.com/audience": "me", "eks.amazonaws.com/sts-regional-endpoints": "false"}, pod)
	const file = " AWS_ROLE_ARN=" + roleARN + " AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
	if got := env(pod.Spec.InitContainers[0]); got != "AWS_STS_REGIONAL_ENDPOINTS=legacy AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=eu-west-1"+file {
		t.Error(got)
	}
	if got := env(pod.Spec.Containers[0]); got != "AWS_REGION=own AWS_STS_REGIONAL_ENDPOINTS=legacy AWS_DEFAULT_REGION=eu-west-1"+file {
		t.Error(got)
	}
	if c := pod.Spec.Containers[1]; len(c.Env)+len(c.VolumeMounts) > 0 {
		t.Errorf("the skipped container has %+v", c)
	}
	if m := pod.Spec.Containers[0].VolumeMounts; len(m) != 1 || m[0].Name != "aws-iam-token" || !m[0].ReadOnly || m[0].MountPath != "/var/run/secrets/eks.amazonaws.com/serviceaccount" {
		t.Errorf("mounts %+v", m)
	}
	if len(pod.Spec.Volumes) != 1 {
		t.Fatalf("volumes %+v", pod.Spec.Volumes)
	}
	if token := pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken; token.Audience != "me" || *token.ExpirationSeconds != 3600 {
		t.Errorf("token %+v", token)
	}
}

func TestNoRole(t *testing.T) {
	pod := &core.Pod{Spec: core.PodSpec{Containers: []core.Container{{Name: "c"}}}}
	admit(t, nil, pod)
	if len(pod.Spec.Volumes)+len(pod.Spec.Containers[0].Env) > 0 {
		t.Errorf("%+v", pod.Spec)
	}
}
