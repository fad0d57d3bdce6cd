// Package pods does for every pod that is bound to one of the cluster's nodes
// what kubelet's pod worker and its status manager do on a real node: it has
// the pod's containers made in the sandbox that waits for them, follows what
// becomes of them, writes the pod's status and its events, keeps live volumes
// up to date, and sees the pod off when it is deleted.
//
// A sandbox tells its address before it is up, and its pod is bound and gets its
// containers then; the pod's status tells the address, and that containers can
// be started, when the sandbox is up.
//
// Sandboxes are the emulator's; the worker says what it wants by [link.Sandboxes]
// and sees what happens by the watcher of package boxes. It keeps nothing of its
// own: after a crash everything is found again in Kubernetes' objects and in the
// sandboxes, and what runs goes on running.
//
// What is to be done for a pod is decided in decide.go, how its status looks in
// status.go (with phase.go, container_status.go and condition.go), which events
// it deserves in event.go: all of that is pure. worker.go has the queue, act.go
// does what was decided, configure.go tells what each attempt of a container is
// started with, object.go reads ConfigMaps and Secrets, volume.go keeps volumes
// alive.
package pods
