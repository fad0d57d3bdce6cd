package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// The waits between tries to set a pod up, doubled with each. A change of what
// it refers to ends the wait.
const (
	firstSetup = 500 * time.Millisecond
	lastSetup  = 2 * time.Minute
)

// sync brings a pod one step further and tells how it is.
func (w *Worker) sync(ctx context.Context, id string) (time.Duration, error) {
	pod, err := w.pod(id)
	if err != nil {
		return 0, err
	}
	box, _ := w.Boxes.Get(id)
	if pod == nil {
		return 0, w.orphan(ctx, id, box)
	}
	m := w.memory(id)
	m.Lock()
	defer m.Unlock()
	pod = m.newest(pod)
	now := time.Now()
	m.known = true
	var wait time.Duration
	if pod.Spec.NodeName != "" { // before that, its sandbox is the scheduler's matter
		ctx = identity.As(ctx, identity.Node(pod.Spec.NodeName))
		wait = w.tell(pod, box, m, now)
	}
	node, err := w.nodes.Get(pod.Spec.NodeName)
	if err != nil { // it is gone, or the informer has not seen it yet
		node = nil
	}
	a := decide(view{pod: pod, box: box, now: now, deleted: m.deleted, placed: isPlaced(pod, node)})
	again, failed := w.act(ctx, pod, box, node, m, a)
	wait = soonest(soonest(wait, again), a.again)
	if pod.Spec.NodeName == "" {
		return wait, failed
	}
	if newer, ok := w.Boxes.Get(id); ok {
		box = newer
	}
	if pod, err = w.write(ctx, pod, box, node, m); err != nil {
		return wait, errors.Join(failed, err)
	}
	if a.verb == finish && failed == nil {
		failed = w.finish(ctx, pod, m)
	}
	return wait, failed
}

func soonest(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// tell records the events between what was seen last and what is.
func (w *Worker) tell(pod *v1.Pod, box *sandbox.Sandbox, m *memory, now time.Time) time.Duration {
	all, again := changes(pod, m.seen, box, m.told, now)
	m.seen = box
	for _, e := range all {
		w.record(pod, e)
	}
	return again
}

// act does what was decided.
func (w *Worker) act(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, m *memory, a action) (time.Duration, error) {
	m.lost = a.verb == lose
	switch a.verb {
	case complete:
		return w.complete(ctx, pod, box, m)
	case tend:
		return w.tend(ctx, pod, box, node, m)
	case stop:
		return 0, w.Parent.StopSandbox(ctx, box.Spec.ID, a.code, a.reason, a.grace)
	}
	return 0, nil
}

// orphan has nothing left of a pod that is not in the API. A pod that this
// process has never seen is asked for, as the informer may be behind.
func (w *Worker) orphan(ctx context.Context, id string, box *sandbox.Sandbox) error {
	if box != nil && !w.knew(id) {
		there, err := w.isThere(ctx, id, box)
		if err != nil || there {
			return errors.Join(err, errIf(there, errStale))
		}
	}
	a := decide(view{box: box})
	switch a.verb {
	case forget:
		w.forget(id)
	case remove:
		return w.Parent.RemoveSandbox(ctx, id)
	case stop:
		return w.Parent.StopSandbox(ctx, id, a.code, a.reason, a.grace)
	}
	return nil
}

// errStale says that the informer does not show yet what the API has.
var errStale = errors.New("the informer is behind")

func errIf(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// isThere asks the API for the pod of a sandbox.
func (w *Worker) isThere(ctx context.Context, id string, box *sandbox.Sandbox) (bool, error) {
	name, ok := strings.CutPrefix(box.Spec.Owner, w.Cluster.ARN+"/")
	namespace, name, cut := strings.Cut(name, "/")
	if !ok || !cut {
		return false, fmt.Errorf("sandbox %s belongs to %q, which is no pod of this cluster", id, box.Spec.Owner)
	}
	pod, err := w.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil && boxes.ID(pod.UID) == id, err
}

// complete gives the sandbox its containers.
func (w *Worker) complete(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory) (time.Duration, error) {
	id := box.Spec.ID
	if wait := time.Until(m.retryAt); wait > 0 && !w.isDirty(id) {
		return wait, nil
	}
	w.clean(id)
	t, err := w.Translator.Pod(ctx, pod, box)
	if err == nil {
		err = w.Parent.CompleteSandbox(ctx, id, t.Completion)
		if errors.Is(err, link.ErrInvalid) {
			err = Problems{{Reason: "FailedCreatePodContainer", Message: err.Error()}}
		}
	}
	var p Problems
	if errors.As(err, &p) {
		return w.unfit(pod, m, p), nil
	}
	if err != nil {
		return 0, err
	}
	m.problems, m.tries, m.retryAt = nil, 0, time.Time{}
	m.notes, m.noted = t.Notes, true
	m.volumes = written(pod, t.Completion.Volumes)
	m.undated = true
	for _, e := range t.Events {
		w.record(pod, event{Type: e.Type, Reason: e.Reason, Message: e.Message})
	}
	return 0, nil
}

// unfit notes why a pod cannot be set up and says when to try again.
func (w *Worker) unfit(pod *v1.Pod, m *memory, p Problems) time.Duration {
	m.problems = p
	wait := min(firstSetup<<min(m.tries, 16), lastSetup)
	m.tries++
	m.retryAt = time.Now().Add(wait)
	for _, e := range p.events() {
		w.record(pod, e)
	}
	return wait
}

// tend does for a pod whose containers are made what comes later.
func (w *Worker) tend(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, node *v1.Node, m *memory) (time.Duration, error) {
	m.problems = nil
	room, err := w.resize(ctx, pod, box, node, m)
	if err != nil {
		return 0, err
	}
	if err := w.changeImages(ctx, pod, box, m); err != nil {
		return 0, err
	}
	if err := w.addContainers(ctx, pod, box, m); err != nil {
		return 0, err
	}
	changed := w.clean(box.Spec.ID)
	asked, bad := w.answer(ctx, pod, box, m, changed)
	due, err := w.refresh(ctx, pod, box, m, changed)
	if err = errors.Join(bad, err); err != nil && changed {
		w.dirty(box.Spec.ID)
	}
	return soonest(soonest(asked, due), room), err
}

// changeImages has those containers run anew whose image was changed. The next
// run is told of the new one by configure; a sandbox from before that was
// possible cannot be told, and says so.
func (w *Worker) changeImages(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory) error {
	for _, c := range imageChanges(pod, box) {
		cs := inBox(box, c.Name)
		switch {
		case cs == nil:
		case madeOf(box, c.Name).Asks:
			if cs.State != sandbox.ContainerRunning || cs.Ending != "" {
				continue
			}
			err := w.Parent.RestartContainer(ctx, box.Spec.ID, c.Name, cs.Attempt, fmt.Sprintf("Container %s definition changed, will be restarted", c.Name))
			if err != nil {
				return fmt.Errorf("container %s: %w", c.Name, err)
			}
		case m.images[c.Name] != c.Image:
			m.images[c.Name] = c.Image
			w.record(pod, event{v1.EventTypeWarning, "FailedSync", fmt.Sprintf("Container %s definition changed to image %q, which is not taken while the pod runs: delete the pod, so that it is made anew", c.Name, c.Image), c.Name})
		}
	}
	return nil
}

// imageChanges are the containers whose image is not the one that they run.
func imageChanges(pod *v1.Pod, box *sandbox.Sandbox) []*v1.Container {
	made := map[string]string{}
	for i := range box.Spec.Containers {
		made[box.Spec.Containers[i].Name] = box.Spec.Containers[i].Image
	}
	var all []*v1.Container
	for _, c := range allContainers(pod) {
		if image, ok := made[c.Name]; ok && image != strings.TrimSpace(c.Image) {
			all = append(all, c)
		}
	}
	return all
}

// addContainers has the ephemeral containers made that are new.
func (w *Worker) addContainers(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory) error {
	for i := range pod.Spec.EphemeralContainers {
		name := pod.Spec.EphemeralContainers[i].Name
		if inBox(box, name) != nil {
			continue
		}
		c, notes, err := w.Translator.Ephemeral(ctx, pod, box, name)
		if err == nil {
			err = w.Parent.AddContainer(ctx, box.Spec.ID, c)
		}
		if err == nil {
			m.note(notes)
		}
		var p Problems
		if errors.As(err, &p) {
			for _, e := range p.events() {
				w.record(pod, e)
			}
		}
		if err != nil {
			return fmt.Errorf("ephemeral container %s: %w", name, err)
		}
	}
	return nil
}

// finish deletes a pod that has stopped from the API.
func (w *Worker) finish(ctx context.Context, pod *v1.Pod, m *memory) error {
	now := int64(0)
	err := w.Client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &pod.UID},
	})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		err = nil // it is gone, or another one of that name is there
	}
	m.deleted = err == nil
	return err
}
