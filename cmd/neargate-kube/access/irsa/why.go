package irsa

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/emulator/eks/link"
)

// Why tells why a pod does not get the role of its service account's pod
// identity association; nothing when it does.
func Why(pod *corev1.Pod, p link.PodIdentity) []string {
	about := fmt.Sprintf("Its service account %s/%s has the pod identity association %s, but the pod does not get its role: ", p.Namespace, p.ServiceAccount, p.ID)
	switch {
	case pod.Labels[rules.ProfileLabel] != "":
		return []string{about + "as on AWS, there is no EKS Pod Identity Agent on Fargate. IAM roles for service accounts work there: " +
			"annotate the service account with eks.amazonaws.com/role-arn: " + p.RoleARN + ", and delete the pod, so that the next one gets it."}
	case !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == agentVolume }):
		return []string{about + "it was created before the association was. Delete the pod, so that the next one gets it."}
	}
	return nil
}
