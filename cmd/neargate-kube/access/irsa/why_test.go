package irsa_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/access/irsa"
	"github.com/neargate/neargate/emulator/eks/link"
)

func TestWhy(t *testing.T) {
	p := link.PodIdentity{ID: "a-1", Namespace: "a", ServiceAccount: "app", RoleARN: roleARN}
	pod := &corev1.Pod{}
	if got := irsa.Why(pod, p); len(got) != 1 || !strings.Contains(got[0], "created before the association") {
		t.Errorf("an old pod: %q", got)
	}
	pod.Spec.Volumes = []corev1.Volume{{Name: "eks-pod-identity-token"}}
	if got := irsa.Why(pod, p); got != nil {
		t.Errorf("a pod that has it: %q", got)
	}
	pod.Labels = map[string]string{"eks.amazonaws.com/fargate-profile": "fp"}
	if got := irsa.Why(pod, p); len(got) != 1 || !strings.Contains(got[0], "no EKS Pod Identity Agent on Fargate") || !strings.Contains(got[0], roleARN) {
		t.Errorf("a pod on Fargate: %q", got)
	}
}
