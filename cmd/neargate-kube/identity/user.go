package identity

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// User is somebody whom a part of this process stands for. The zero User is the
// API server itself.
type User struct {
	Name   string
	groups []string // beside system:authenticated
	agent  string   // the program, as its user agent and managedFields tell it
}

// Those of EKS. Source of the names: "Understand Amazon EKS created RBAC roles
// and users" of the Amazon EKS user guide, and for the node manager, which works
// for Fargate as well, "Logging and monitoring" there.
var (
	FargateScheduler = User{Name: "eks:fargate-scheduler", agent: "fargate-scheduler"}
	FargateManager   = User{Name: "eks:fargate-manager", agent: "eks"}
	NodeManager      = User{Name: "eks:node-manager", agent: "eks"}
	CloudController  = User{Name: "eks:cloud-controller-manager", agent: "aws-cloud-controller-manager"}
	Authenticator    = User{Name: "eks:authenticator", agent: "aws-iam-authenticator"}
	// ClusterBootstrap makes what a new cluster begins with, and may do
	// everything.
	ClusterBootstrap = User{Name: "eks:cluster-bootstrap", groups: []string{user.SystemPrivilegedGroup}, agent: "eks"}
)

// Those of Kubernetes, with the rights that it gives them by itself.
var (
	DefaultScheduler = User{Name: user.KubeScheduler, agent: "kube-scheduler"}
	KubeProxy        = User{Name: user.KubeProxy, agent: "kube-proxy"}
	// NodeController keeps the taints of nodes, which nodes may not do.
	NodeController = controller("node-controller")
)

func controller(name string) User {
	const namespace = "kube-system"
	return User{
		Name: serviceaccount.MakeUsername(namespace, name), groups: serviceaccount.MakeGroupNames(namespace),
		agent: "kube-controller-manager",
	}
}

// Node is the kubelet of a node.
func Node(name string) User {
	return User{Name: nodePrefix + name, groups: []string{user.NodesGroup}, agent: "kubelet"}
}

const nodePrefix = "system:node:"

// Source is who tells an event.
func Source(s corev1.EventSource) User {
	switch s.Component {
	case "kubelet":
		return Node(s.Host)
	case rules.SchedulerName:
		return FargateScheduler
	case corev1.DefaultSchedulerName:
		return DefaultScheduler
	}
	return User{}
}

type key struct{}

// As returns a context in which the API server is asked as u.
func As(ctx context.Context, u User) context.Context { return context.WithValue(ctx, key{}, u) }
