package pods

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// configure.go tells the sandbox what each attempt of a container is started
// with, as it is right before that: what a ConfigMap says then counts for a
// restart, and what is not there any more holds it.

// retryContainer is after how long it is tried again to make a container whose
// configuration cannot be had, unless something changes: kubelet's backOffPeriod.
const retryContainer = 10 * time.Second

// answer answers for the containers that are asked about, and tells anew what
// those are started with that have not begun when something has changed. It
// says when the next is due.
func (w *Worker) answer(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory, changed bool) (time.Duration, error) {
	var next time.Duration
	var failed error
	for i := range box.Spec.Containers {
		c, cs := &box.Spec.Containers[i], &box.Status.Containers[i]
		switch {
		case !c.Asks:
			continue
		case cs.Asking && !changed:
			if wait := time.Until(m.answered[c.Name].Add(retryContainer)); wait > 0 {
				next = soonest(next, wait)
				continue
			}
		case !cs.Asking && !(changed && isToldEarly(cs)) && !waitsForImage(pod, c, cs):
			continue
		}
		wait, err := w.configure(ctx, pod, box, m, cs)
		next, failed = soonest(next, wait), errors.Join(failed, err)
	}
	return next, failed
}

// isToldEarly: what the first attempt is started with was told already, and it
// has not begun.
func isToldEarly(cs *sandbox.ContainerStatus) bool {
	if cs.Attempt > 0 || cs.Told == 0 {
		return false
	}
	return cs.State == sandbox.ContainerPending || cs.State == sandbox.ContainerPulling || cs.State == sandbox.ContainerPulled
}

// waitsForImage: it is to be started, and with another image than its sandbox
// knows.
func waitsForImage(pod *v1.Pod, c *sandbox.Container, cs *sandbox.ContainerStatus) bool {
	if cs.State == sandbox.ContainerRunning || cs.State == sandbox.ContainerStopped && cs.RestartAt.IsZero() {
		return false
	}
	image := imageOf(pod, c.Name)
	return image != "" && image != c.Image
}

// imageOf is the image that a pod wants for a container.
func imageOf(pod *v1.Pod, name string) string {
	for _, c := range allContainers(pod) {
		if c.Name == name {
			return strings.TrimSpace(c.Image)
		}
	}
	return ""
}

// configure answers for one container.
func (w *Worker) configure(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory, cs *sandbox.ContainerStatus) (time.Duration, error) {
	a := link.Configuration{Attempt: cs.Attempt}
	if cs.State == sandbox.ContainerStopped {
		a.Attempt++
	}
	t, err := w.Translator.Container(ctx, pod, box, cs.Name)
	var p Problems
	switch {
	case errors.As(err, &p):
		a.Trouble, a.Text, a.Container.Image = p[0].Reason, p[0].Message, imageOf(pod, cs.Name)
	case err != nil:
		return 0, fmt.Errorf("container %s: %w", cs.Name, err)
	default:
		a.Container = t.Completion.Containers[0]
	}
	err = w.Parent.ConfigureContainer(ctx, box.Spec.ID, cs.Name, a)
	if errors.Is(err, link.ErrInvalid) && a.Trouble == "" {
		a = link.Configuration{Attempt: a.Attempt, Trouble: translate.ReasonConfig, Text: err.Error()}
		err = w.Parent.ConfigureContainer(ctx, box.Spec.ID, cs.Name, a)
	}
	if err != nil {
		return 0, fmt.Errorf("container %s: %w", cs.Name, err)
	}
	if a.Trouble != "" {
		m.answered[cs.Name] = time.Now()
		return retryContainer, nil
	}
	delete(m.answered, cs.Name)
	m.note(t.Notes)
	for _, e := range t.Events {
		w.record(pod, event{Type: e.Type, Reason: e.Reason, Message: e.Message})
	}
	return 0, nil
}
