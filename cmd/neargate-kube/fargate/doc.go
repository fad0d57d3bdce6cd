// Package fargate gives a cluster's pods a place: it is the scheduler of pods
// on Fargate and on node groups, and what stands behind the nodes.
//
// A pod on Fargate gets an open sandbox first, whose address makes the node's
// name; then the node, then it is bound. From there package pods takes over. A
// node lives as long as its pod. A node group's node has a sandbox of its own,
// without containers, that holds its address.
//
// Nothing is remembered outside of Kubernetes' objects and the sandboxes: each
// reconcile looks at both and takes the next step, so that a crash anywhere is
// only a pause. schedule.go decides about a pod that is not bound yet,
// provision.go and bind.go bring a Fargate pod to its node, place.go chooses a
// node group's; nodes.go and groups.go keep the nodes, evict.go empties them,
// roll.go replaces them for a later version, leases.go keeps their leases, and
// sight.go tells when nothing can be told of them.
package fargate
