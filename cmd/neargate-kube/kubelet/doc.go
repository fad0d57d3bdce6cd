// Package kubelet answers the kubelet API of all the cluster's nodes at once:
// what the API server asks a node for when somebody says kubectl logs, exec,
// attach, cp or port-forward. The paths carry namespace and pod, so that no
// node needs an address of its own for this.
//
// Only the API server reaches it, over connections in this process.
package kubelet
