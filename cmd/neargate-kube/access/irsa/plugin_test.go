package irsa_test

import (
	"fmt"
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
	if pod.Namespace == "" {
		pod.Namespace = "a"
	}
	client := fake.NewClientset(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: "app", Annotations: annotations}})
	made, err := irsa.Factory(irsa.Config{Region: "eu-west-1", Associated: func(namespace, account string) bool { return namespace == "associated" && account == "app" }})(nil)
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
	pod.Spec.ServiceAccountName = "app"
	for range 2 { // plugins may be asked twice
		err := p.Admit(t.Context(), admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("version"), pod.Namespace, "p",
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
	if got := env(pod.Spec.InitContainers[0]); got != "AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=eu-west-1"+file {
		t.Error(got)
	}
	if got := env(pod.Spec.Containers[0]); got != "AWS_REGION=own"+file {
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

// TestAssociation: an association goes before the service account's role, and
// has no effect on Fargate.
func TestAssociation(t *testing.T) {
	const (
		role  = "AWS_STS_REGIONAL_ENDPOINTS=regional AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=eu-west-1 AWS_ROLE_ARN=" + roleARN + " AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token"
		agent = "AWS_STS_REGIONAL_ENDPOINTS=regional AWS_DEFAULT_REGION=eu-west-1 AWS_REGION=eu-west-1 AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.23/v1/credentials" +
			" AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"
	)
	for name, c := range map[string]struct {
		pod               core.Pod
		annotations       map[string]string
		env, volume, file string // "" none
	}{
		"associated": {env: agent, volume: "eks-pod-identity-token /var/run/secrets/pods.eks.amazonaws.com/serviceaccount", file: "pods.eks.amazonaws.com eks-pod-identity-token 86400"},
		"both": {annotations: map[string]string{"eks.amazonaws.com/role-arn": roleARN, "eks.amazonaws.com/token-expiration": "7200"},
			env: agent, volume: "eks-pod-identity-token /var/run/secrets/pods.eks.amazonaws.com/serviceaccount", file: "pods.eks.amazonaws.com eks-pod-identity-token 7200"},
		"Fargate":         {pod: core.Pod{Spec: core.PodSpec{SchedulerName: "fargate-scheduler"}}},
		"Fargate's label": {pod: core.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"eks.amazonaws.com/fargate-profile": "fp"}}, Spec: core.PodSpec{SchedulerName: "mine"}}},
		"both on Fargate": {pod: core.Pod{Spec: core.PodSpec{SchedulerName: "fargate-scheduler"}}, annotations: map[string]string{"eks.amazonaws.com/role-arn": roleARN},
			env: role, volume: "aws-iam-token /var/run/secrets/eks.amazonaws.com/serviceaccount", file: "sts.amazonaws.com token 86400"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := c.pod.DeepCopy()
			pod.Namespace, pod.Spec.Containers = "associated", []core.Container{{Name: "c"}}
			admit(t, c.annotations, pod)
			if got := env(pod.Spec.Containers[0]); got != c.env {
				t.Errorf("env %s", got)
			}
			volume, file := "", ""
			for i, v := range pod.Spec.Volumes {
				token := v.Projected.Sources[0].ServiceAccountToken
				volume += v.Name + " " + pod.Spec.Containers[0].VolumeMounts[i].MountPath
				file += fmt.Sprintf("%s %s %d", token.Audience, token.Path, *token.ExpirationSeconds)
			}
			if volume != c.volume || file != c.file {
				t.Errorf("volumes %q with %q", volume, file)
			}
		})
	}
}
