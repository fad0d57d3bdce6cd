package translate

import (
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Reasons of an [Error], with kubelet's words.
const (
	// ReasonConfig: the container waits with that reason and the error's
	// message; the event is Failed, "Error: MESSAGE".
	ReasonConfig = "CreateContainerConfigError"
	// ReasonMount: all containers wait with ContainerCreating (or
	// PodInitializing); the event is FailedMount with the error's message.
	ReasonMount = "FailedMount"
	// ReasonSysctl and ReasonOS: kubelet does not take the pod at all: its phase
	// is Failed.
	ReasonSysctl = "SysctlForbidden"
	ReasonOS     = "PodOSNotSupported"
)

// Error is why a pod cannot be set up as it is.
type Error struct {
	Reason    string
	Container string // whom it befell; "": the whole pod
	Volume    string // which one, for ReasonMount
	Message   string // what kubelet would say
	// Rejected: no trying again helps, the pod fails with Reason and Message.
	Rejected bool
	cause    error
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives the error of the Source, if that is behind it.
func (e *Error) Unwrap() error { return e.cause }

// Errors is every reason why a pod cannot be set up, volumes first.
type Errors []*Error

func (e Errors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Message
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.Is and errors.As look into each.
func (e Errors) Unwrap() []error {
	all := make([]error, len(e))
	for i, one := range e {
		all[i] = one
	}
	return all
}

// Rejection is the first error that no trying again helps against, or nil.
func (e Errors) Rejection() *Error {
	for _, one := range e {
		if one.Rejected {
			return one
		}
	}
	return nil
}

func badContainer(name string, err error) *Error {
	return &Error{Reason: ReasonConfig, Container: name, Message: err.Error(), cause: err}
}

func badVolume(name string, err error) *Error {
	return &Error{Reason: ReasonMount, Volume: name, Message: fmt.Sprintf("MountVolume.SetUp failed for volume %q : %v", name, err), cause: err}
}

// missing words the absence of an object as kubelet does, whose caches name
// the kind in the singular: configmap "x" not found.
func missing(kind, name string, err error) error {
	if apierrors.IsNotFound(err) {
		return &worded{text: fmt.Sprintf("%s %q not found", kind, name), cause: err}
	}
	return err
}

// worded is an error in other words.
type worded struct {
	text  string
	cause error
}

func (w *worded) Error() string { return w.text }
func (w *worded) Unwrap() error { return w.cause }

// aggregate joins errors as Kubernetes words several: "[a, b]"; one stays as
// it is.
func aggregate(errs []error) error {
	switch len(errs) {
	case 0:
		return nil
	case 1:
		return errs[0]
	}
	texts := make([]string, len(errs))
	for i, err := range errs {
		texts[i] = err.Error()
	}
	return &worded{text: "[" + strings.Join(texts, ", ") + "]", cause: errors.Join(errs...)}
}
