package translate

import (
	"context"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Source is what a pod refers to. What does not exist is an error for which
// apierrors.IsNotFound is true. Nothing that it returns is written into.
type Source interface {
	ConfigMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error)
	Secret(ctx context.Context, namespace, name string) (*v1.Secret, error)
	// Services lists those of a namespace.
	Services(ctx context.Context, namespace string) ([]*v1.Service, error)
	// Token asks for a token of a service account that is bound to a pod. No
	// audience means the API server's own. What it returns may be one that was
	// asked for before and is not due yet.
	Token(ctx context.Context, r TokenRequest) (Token, error)
	// HostPath makes or checks a path on the disk of a node, which is named by
	// its sandbox.
	HostPath(ctx context.Context, node, path, kind string) (link.HostPathState, error)
}

// TokenRequest is what a projected serviceAccountToken wants.
type TokenRequest struct {
	Namespace, ServiceAccount string
	Audience                  string        // "" the API server's
	Expiration                time.Duration // 0: the API server's default, an hour
	PodName                   string
	PodUID                    types.UID
}

// Token is a service account's token.
type Token struct {
	Value           string
	Issued, Expires time.Time
}

// maxTokenAge is after how long kubelet asks for a new token at the latest.
const maxTokenAge = 24 * time.Hour

// refreshAt is when a token is due: at 80 % of its life, after a day at the
// latest, as with kubelet's token manager.
func (t Token) refreshAt() time.Time {
	due := t.Issued.Add(t.Expires.Sub(t.Issued) * 8 / 10)
	if day := t.Issued.Add(maxTokenAge); day.Before(due) {
		return day
	}
	return due
}

// Environment is what holds for a pod and is not in it.
type Environment struct {
	PodIPs        []string        // the sandbox's address, IPv4 first
	HostIPs       []string        // of the pod's node; on Fargate the same
	Region        string          // of the cluster
	Version       string          // of Kubernetes: "1.35"
	ClusterDomain string          // "" cluster.local
	Allocatable   v1.ResourceList // of the node: what containers without limits are told
	Node          string          // the sandbox that stands for a node group's node; "" on Fargate
	// EmulatorURL is where programs in the pod reach the AWS APIs; it becomes
	// AWS_ENDPOINT_URL. "" gives none.
	EmulatorURL string
	// Fargate tells that the pod runs on Fargate, which has its own limits on
	// open files and processes.
	Fargate bool
	// Outputs is where the containers' output goes when the pod's annotation
	// Logging says LoggingEnabled; nil: nowhere.
	Outputs *Outputs
}

func (e *Environment) domain() string {
	if e.ClusterDomain == "" {
		return "cluster.local"
	}
	return e.ClusterDomain
}

// Result is what a pod means, or a container of it alone.
type Result struct {
	Completion link.Completion
	Updates    []Update // of the volumes whose files may change
	Events     []Event  // that kubelet records when it sets such a pod up
	Notes      []string // in sentences, what the pod asks for and does not get
}

// Event is an event of a pod.
type Event struct{ Type, Reason, Message string }
