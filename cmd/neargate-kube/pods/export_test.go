package pods

import (
	"context"
	"fmt"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// What the tests see of the inside.
type (
	Notes   = notes
	Event   = event
	History = history
)

var (
	Phase     = phase
	StatusOf  = status
	Changes   = changes
	ImageID   = imageID
	LiveNames = liveVolumes
)

// Decide is decide with its result taken apart.
func Decide(pod *v1.Pod, box *sandbox.Sandbox, now time.Time, deleted, placed bool) (does, code string, grace *time.Duration, again time.Duration) {
	a := decide(view{pod, box, now, deleted, placed})
	return string(a.verb), a.code, a.grace, a.again
}

// Sync does one round for a pod.
func (w *Worker) Sync(ctx context.Context, id string) (time.Duration, error) { return w.sync(ctx, id) }

// Record has events given to f instead of the API.
func (w *Worker) Record(f func(*v1.Pod, Event)) { w.record = f }

// Dirty says that the files of a pod's volumes may have to change.
func (w *Worker) Dirty(id string) { w.dirty(id) }

// PlanResize says in words what planResize decides.
func PlanResize(pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, others []*v1.Pod) string {
	switch r := planResize(pod, box, node, others); {
	case r.Reason != "":
		return r.Reason + ": " + r.Text
	case len(r.Grant) > 0:
		return fmt.Sprintf("%s again=%t", r.Grant[0].Name, r.Grant[0].Again)
	case r.Failed != "":
		return "underway: " + r.Failed
	case r.Underway:
		return "underway"
	}
	return ""
}
