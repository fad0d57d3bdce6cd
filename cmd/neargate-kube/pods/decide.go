package pods

import (
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/sandbox"
)

// decide.go decides what is to be done for a pod; act.go does it.

// verb is what the worker does for a pod in one go.
type verb string

const (
	rest     verb = ""         // nothing but to tell how things are
	forget   verb = "forget"   // neither pod nor sandbox are there
	complete verb = "complete" // give the open sandbox its containers
	tend     verb = "tend"     // what a running pod needs: later containers, live volumes
	stop     verb = "stop"     // have the sandbox stopped
	finish   verb = "finish"   // delete the pod from the API: it has stopped
	remove   verb = "remove"   // delete the record of the sandbox: its pod is gone
	lose     verb = "lose"     // tell that the pod's sandbox is lost
)

// Codes of a sandbox that the worker has stopped. Deadlines are reasonDeadline.
const (
	codeDeleted  = "UserInitiated"
	codeFinished = "PodFinished"
)

// orphanGrace is what the containers of a pod get that was deleted by force.
const orphanGrace = time.Second

// view is what is known of a pod at one moment.
type view struct {
	pod *v1.Pod          // nil: not in the API
	box *sandbox.Sandbox // nil: there is none
	now time.Time
	// deleted: the worker has deleted the pod already, and finalizers keep it.
	deleted bool
	// placed: the pod was put on a node by name, whose sandbox is still to come
	// or which will not take it. Package fargate sees to that.
	placed bool
}

// action is one thing to do.
type action struct {
	verb         verb
	code, reason string         // for stop
	grace        *time.Duration // for stop; nil: the containers' own
	again        time.Duration  // when to look again though nothing happens; 0: never
}

// decide says what is to be done for a pod.
func decide(v view) action {
	switch {
	case v.pod == nil:
		return decideOrphan(v.box)
	case v.pod.DeletionTimestamp != nil:
		return decideDeleted(v)
	case v.pod.Spec.NodeName == "":
		return action{}
	case isTerminal(v.pod.Status.Phase):
		if v.box != nil && !v.box.Desired.Stopped && !v.box.IsStopped() {
			return action{verb: stop, code: codeFinished, reason: "The pod has come to its end: " + string(v.pod.Status.Phase)}
		}
		return action{}
	case v.box == nil:
		if v.placed {
			return action{}
		}
		return action{verb: lose}
	case v.box.Desired.Stopped || v.box.Status.Falling:
		return action{}
	}
	left, late := deadline(v.pod, v.now)
	if late {
		return action{verb: stop, code: reasonDeadline, reason: textDeadline}
	}
	a := action{again: left}
	if !isOpen(v.box) {
		a.verb = tend
	} else if v.box.Status.Address != nil {
		a.verb = complete
	}
	return a
}

// decideOrphan: the pod is not there, so nothing of it shall be.
func decideOrphan(box *sandbox.Sandbox) action {
	grace := orphanGrace
	switch {
	case box == nil:
		return action{verb: forget}
	case box.IsStopped():
		return action{verb: remove}
	case box.Desired.Stopped && box.Desired.Grace != nil && *box.Desired.Grace <= grace:
		return action{}
	}
	return action{verb: stop, code: codeDeleted, reason: "The pod was deleted", grace: &grace}
}

func decideDeleted(v view) action {
	grace := deletionGrace(v.pod)
	switch {
	case v.box == nil || v.box.IsStopped():
		if v.deleted || v.pod.Spec.NodeName == "" { // the API server needs nobody for one that is not bound
			return action{}
		}
		return action{verb: finish}
	case v.box.Desired.Stopped && v.box.Desired.Grace != nil && *v.box.Desired.Grace <= grace:
		return action{}
	}
	return action{verb: stop, code: codeDeleted, reason: "The pod was deleted", grace: &grace}
}

// deletionGrace is how long the containers of a deleted pod get: at least a
// second, as with kubelet.
func deletionGrace(pod *v1.Pod) time.Duration {
	seconds := int64(v1.DefaultTerminationGracePeriodSeconds)
	if pod.DeletionGracePeriodSeconds != nil {
		seconds = *pod.DeletionGracePeriodSeconds
	} else if pod.Spec.TerminationGracePeriodSeconds != nil {
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	return max(time.Duration(seconds)*time.Second, time.Second)
}

// deadline tells how long a pod may still be active, 0 without a limit, or
// that it has been for too long.
func deadline(pod *v1.Pod, now time.Time) (left time.Duration, late bool) {
	if pod.Spec.ActiveDeadlineSeconds == nil || pod.Status.StartTime == nil {
		return 0, false
	}
	left = pod.Status.StartTime.Add(time.Duration(*pod.Spec.ActiveDeadlineSeconds) * time.Second).Sub(now)
	return max(left, 0), left <= 0
}

// isOpen: the sandbox waits for its containers.
func isOpen(box *sandbox.Sandbox) bool { return box.Spec.Open }

// isPlaced: nothing was told of the pod yet, and the node that it is on was not
// made for it.
func isPlaced(pod *v1.Pod, node *v1.Node) bool {
	if pod.Status.StartTime != nil || len(pod.Status.ContainerStatuses) > 0 {
		return false
	}
	return node == nil || !strings.Contains(node.Spec.ProviderID, "-"+boxes.ID(pod.UID)+"/")
}
