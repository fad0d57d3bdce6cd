package docker

import (
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Why a container cannot be made or started, in Fargate's words (ecs.md
// section 7). What may go away by itself stays the Engine's own error.

// createError explains an error of ContainerCreate.
func createError(c *sandbox.Container, err error) error {
	if !errdefs.IsInvalidArgument(err) || isPassing(err) {
		return err
	}
	return &sandbox.StopError{
		Container: c.Name, Reason: "CannotCreateContainerError: Error response from daemon: " + reason(err),
		Trouble: sandbox.TroubleCreation, Text: reason(err),
	}
}

// startError explains an error of ContainerStart.
func startError(c *sandbox.Container, err error) error {
	text := reason(err)
	if isPassing(err) {
		return err
	}
	if at := strings.Index(text, "OCI runtime"); at >= 0 {
		return notStarted(c, "ResourceInitializationError: failed to create new container runtime task: failed to create shim: "+ociReason(text[at:]), text)
	}
	if errdefs.IsInvalidArgument(err) || strings.Contains(text, "error while creating mount source path") || strings.Contains(text, "error mounting") {
		return notStarted(c, "Error response from daemon: "+text, text)
	}
	return err
}

// notStarted is the end of a container that was made. A kubelet tells it with
// the runtime's own text.
func notStarted(c *sandbox.Container, reason, text string) error {
	return &sandbox.StopError{Container: c.Name, Reason: "CannotStartContainerError: " + reason, Trouble: sandbox.TroubleRun, Text: text}
}

// isPassing: the Engine is away or was exchanged, or the sandbox has just
// ended; later it may work, or the engine will have seen why it cannot.
func isPassing(err error) bool {
	if client.IsErrConnectionFailed(err) {
		return true
	}
	text := err.Error()
	for _, sign := range []string{"client version", "non running container", "marked for removal", "context canceled", "context deadline exceeded"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	// The sandbox container whose namespace is to be joined.
	return strings.Contains(text, "No such container") || strings.Contains(text, "cannot join network")
}

func reason(err error) string {
	return strings.TrimSpace(strings.TrimPrefix(err.Error(), "Error response from daemon: "))
}

// ociReason ends as containerd's errors do.
func ociReason(text string) string {
	if strings.HasSuffix(text, ": unknown") {
		return text
	}
	return text + ": unknown"
}
