// Package emulator is Neargate put together: the one place where the wire,
// the store, the services, the sandbox engine and a runtime meet.
//
// # One request, all the way
//
// A request comes in at apiwire, which finds out account, region, service and
// operation, decodes the input into the SDK's struct, checks what can be
// checked without knowing anything, and calls a method of a service's API.
// That method reads and writes records in one transaction of the store, and
// answers. It never touches a runtime.
//
// The commit leaves changes in the store's feed. Controllers follow the feed
// through the harness of package reconcile: the sandbox engine brings each
// sandbox one step closer to what its record wants, and is the only one that
// talks to the runtime. What it sees it commits, others follow. So the feed is
// the bus, and what happened and who caused it can be read there afterwards.
//
// # One cluster, two processes
//
// A cluster of EKS is a record like any other, and a process: neargate-kube,
// which has Kubernetes in it and is built as a module of its own, because that
// takes minutes, has process-wide state and may end the process. Package
// eks/controlplane starts it, watches over it and answers it; eks/link is what
// the two say to each other. The process decides where pods go and what their
// containers are; it asks for sandboxes, which the engine runs as it runs those
// of tasks. It keeps nothing but Kubernetes' own objects, so that it can be
// killed at any moment.
//
// # Who knows whom
//
// Service packages do not know each other. What one needs of another it
// declares as a small interface, and the adapters in this package fulfil it:
// see adapters.go. The import rules are kept by deps_test.go.
//
// # Kubernetes
//
// The Kubernetes of an EKS cluster is a process of its own, neargate-kube, for
// which emulator/eks/controlplane is the parent: it asks for sandboxes as ECS
// does, and the same engine runs them. So tasks and pods are explained, logged
// and removed alike: what a person may mean is found in eks_ref.go, and the
// answers of both meet in why.go, status.go and task_logs.go.
//
// # One process, one data directory
//
// An emulator owns its data directory: a second one is refused. Everything
// that it makes in the runtime is labelled with the directory's instance id,
// by which it is found again after a crash and told from other programs'
// containers and from other emulators'.
package emulator
