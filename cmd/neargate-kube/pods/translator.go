package pods

import (
	"context"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Translator says what a pod means for its sandbox, which has its address.
type Translator interface {
	// Pod gives what the sandbox lacks, and the events that go with it. An error
	// that is a Problems tells why the pod cannot be set up as it is.
	Pod(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox) (Translation, error)
	// Container gives one container, for another attempt of it. An error that is
	// a Problems tells why it cannot be made as it is.
	Container(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, name string) (Translation, error)
	// Ephemeral gives a container that came later, by its name, and what it asks
	// for and does not get.
	Ephemeral(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, name string) (sandbox.Container, []string, error)
	// Volume gives the files of a volume as they should be now, and when they
	// are due again though nothing changes; zero: never.
	Volume(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, volume string) ([]sandbox.File, time.Time, error)
}

// Translation is what a pod means, or one container of it.
type Translation struct {
	Completion link.Completion
	Events     []Warning
	Notes      []string // what the pod asks for and does not get, in sentences
}

// Warning is an event of the pod that goes with a translation.
type Warning struct{ Type, Reason, Message string }

// Problem is a reason why a pod cannot be set up as it is.
type Problem struct {
	Reason    string // FailedMount, CreateContainerConfigError, …
	Container string // whom it befell; "": the whole pod
	Message   string
	Rejected  bool // trying again does not help: the pod fails with Reason and Message
}

// Problems are all reasons why a pod cannot be set up.
type Problems []Problem

func (p Problems) Error() string {
	texts := make([]string, len(p))
	for i := range p {
		texts[i] = p[i].Message
	}
	return strings.Join(texts, "; ")
}

// rejection is the first problem that trying again does not help against.
func (p Problems) rejection() *Problem {
	for i := range p {
		if p[i].Rejected {
			return &p[i]
		}
	}
	return nil
}

// events tells of the problems as kubelet does.
func (p Problems) events() []event {
	var all []event
	for _, one := range p {
		all = append(all, event{Type: v1.EventTypeWarning, Reason: one.Reason, Message: one.Message})
	}
	return all
}
