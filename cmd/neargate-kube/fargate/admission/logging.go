package admission

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// Where the ConfigMap of reference section 8 is, and the label that the
// namespace must have.
const (
	loggingNamespace = "aws-observability"
	loggingName      = "aws-logging"
)

// logging finds out whether the logs of a new pod are shipped. The namespace is
// looked for in the API server's own cache, so that clusters without it, which
// are most, pay nothing; the ConfigMap is read when there is one.
type logging struct {
	client     kubernetes.Interface
	namespaces listers.NamespaceLister
	check      func(*corev1.ConfigMap) error
}

// state returns the value of the annotation Logging.
func (l *logging) state(ctx context.Context) (string, error) {
	n, err := l.namespaces.Get(loggingNamespace)
	if apierrors.IsNotFound(err) || err == nil && n.Labels[loggingNamespace] != "enabled" {
		return rules.LoggingNotFound, nil
	}
	if err != nil {
		return "", fmt.Errorf("namespace %s: %w", loggingNamespace, err)
	}
	cm, err := l.client.CoreV1().ConfigMaps(loggingNamespace).Get(ctx, loggingName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return rules.LoggingNotFound, nil
	case err != nil:
		return "", fmt.Errorf("ConfigMap %s/%s: %w", loggingNamespace, loggingName, err)
	case l.check != nil && l.check(cm) != nil: // the scheduler tells the pod what is wrong
		return rules.LoggingInvalid, nil
	}
	return rules.LoggingEnabled, nil
}
