// Package sandbox runs the stand-in for Fargate's microVM: one network
// namespace with one private address, its containers, its volumes, its size.
// An ECS task or a pod of EKS owns exactly one; two never share one.
//
// A sandbox climbs steps and comes down the same ones:
//
//	step          going up        coming down
//	1 network     PROVISIONING    DEPROVISIONING
//	2 containers  PENDING         STOPPING
//	3 targets     ACTIVATING      DEACTIVATING
//	              RUNNING         STOPPED
//
// So its life is an integer that climbs 0 → Spec.Steps and then descends, and
// never climbs again. Only height and direction are stored; LastStatus
// computes the word. Turning round halfway, the step that was being climbed
// comes down too, because it may be half built; so every way down tolerates
// what was never built.
//
// next decides, as a pure function of the record, what the runtime observes
// and the time; Engine.Reconcile does that one thing and commits the result.
// A crash at any point is resumed from Runtime.Inspect.
//
// An open sandbox (Spec.Open), whose owner has work to do with its address
// before the containers are known, has it told while its network is still being
// made, where the runtime is a Reserver. So both go on side by side. That the
// network is up is said by the height alone, and nothing is started before. An
// address that was told never changes: when it is lost before the network is
// up, the sandbox ends, because whatever was named after it cannot follow.
//
// Decision: a sandbox whose containers have all been started passes RUNNING,
// even when an essential one has ended before anybody looked. It did run, AWS
// reports such a task as started, and whoever waits for RUNNING in the feed
// sees it. Targets are not registered then.
//
// Beside Reconcile run the probes of running containers (prober.go), the log
// pumps (logpump.go) and the pulls of patient sandboxes (puller.go); what they
// find is merged into the next look. What fails for a reason that may pass is
// tried again and told in Status.Trouble; a *StopError ends the sandbox with
// AWS's words, or, where it is patient, has that one container wait in a
// kubelet's rhythm (patience.go). Why puts all of it in plain
// sentences.
//
// The package imports no service and no runtime. Owners (ecs, eks) make and
// stop sandboxes with Create and Stop inside their own transaction and read
// the record; nothing here knows what a task or a pod is.
package sandbox
