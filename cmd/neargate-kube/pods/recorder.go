package pods

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/record"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// recorder sends events as kubelet of the pod's node does: equal ones are
// counted, and floods are cut.
type recorder struct {
	client      kubernetes.Interface
	broadcaster record.EventBroadcaster
}

func newRecorder(client kubernetes.Interface) *recorder {
	return &recorder{client: client, broadcaster: record.NewBroadcaster()}
}

// start sends what is recorded until stop is called.
func (r *recorder) start() (stop func()) {
	r.broadcaster.StartRecordingToSink(identity.Sink(r.client.CoreV1()))
	return r.broadcaster.Shutdown
}

func (r *recorder) record(pod *v1.Pod, e event) {
	source := v1.EventSource{Component: "kubelet", Host: pod.Spec.NodeName}
	ref := &v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion, FieldPath: fieldPath(pod, e.Container),
	}
	r.broadcaster.NewRecorder(scheme.Scheme, source).Event(ref, e.Type, e.Reason, e.Message)
}

// fieldPath says where in a pod a container is.
func fieldPath(pod *v1.Pod, container string) string {
	if container == "" {
		return ""
	}
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == container {
			return "spec.initContainers{" + container + "}"
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == container {
			return "spec.ephemeralContainers{" + container + "}"
		}
	}
	return "spec.containers{" + container + "}"
}
