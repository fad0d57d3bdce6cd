package identity

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// Sink writes events as who they come from.
func Sink(events typedcorev1.EventsGetter) record.EventSink { return sink{events.Events("")} }

type sink struct{ events typedcorev1.EventInterface }

func by(e *corev1.Event) context.Context { return As(context.Background(), Source(e.Source)) }

// Create implements record.EventSink.
func (s sink) Create(e *corev1.Event) (*corev1.Event, error) {
	return s.events.CreateWithEventNamespaceWithContext(by(e), e)
}

// Update implements record.EventSink.
func (s sink) Update(e *corev1.Event) (*corev1.Event, error) {
	return s.events.UpdateWithEventNamespaceWithContext(by(e), e)
}

// Patch implements record.EventSink.
func (s sink) Patch(was *corev1.Event, change []byte) (*corev1.Event, error) {
	return s.events.PatchWithEventNamespaceWithContext(by(was), was, change)
}
