package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Termination messages. Each attempt of a container that has one gets a file
// of its own, which every user may write and PID 1 keeps and reads. Which one
// it is is in the container's labels, so that nothing has to be remembered.

// labelMessage is on workload containers: "file", or "logs" where the output
// may stand in for an empty file; the file's name; its path in the container.
const labelMessage = "dev.neargate.message"

// What a kubelet takes of the output at most.
const (
	messageLogBytes = 2048
	messageLogLines = 80
)

func messageFile(c *sandbox.Container, attempt int) string {
	return safeName(c.Name) + "." + strconv.Itoa(attempt)
}

func messageLabel(c *sandbox.Container, attempt int) string {
	from := "file"
	if c.Message.FromLogs {
		from = "logs"
	}
	return from + " " + messageFile(c, attempt) + " " + c.Message.Path
}

// addMessage makes the file of an attempt.
func (r *Runtime) addMessage(ctx context.Context, c *sandbox.Container, b *box, attempt int) error {
	if c.Message == nil {
		return nil
	}
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return err
	}
	err = t.MakeMessage(ctx, messageFile(c, attempt))
	if e, ok := errors.AsType[*tunnel.Error](err); ok && e.Kind == tunnel.Invalid {
		text := "termination message: " + e.Text
		return &sandbox.StopError{Container: c.Name, Reason: "CannotCreateContainerError: " + text, Trouble: sandbox.TroubleConfig, Text: text}
	}
	if err != nil {
		return fmt.Errorf("termination message of %s: %w", c.Name, err)
	}
	return nil
}

// messageMount puts the file into the container.
func messageMount(s *sandbox.Spec, c *sandbox.Container, attempt int, t setting) mount.Mount {
	return part(source{t.kept, path.Join(messagesFolder, messageFile(c, attempt))}, c.Message.Path, false, t)
}

// message reads what an ended container has left. What cannot be read is said
// so in its place, as a kubelet does.
func (r *Runtime) message(ctx context.Context, id string, c container.InspectResponse) (string, error) {
	label := strings.SplitN(c.Config.Labels[labelMessage], " ", 3)
	if len(label) != 3 || c.State.Status == container.StateCreated || c.State.Status == container.StateRunning {
		return "", nil
	}
	text, err := r.messageOf(ctx, id, label[1])
	if err == nil && text == "" && label[0] == "logs" && c.State.ExitCode != 0 {
		text, err = r.lastOutput(ctx, c)
	}
	if err == nil {
		return text, nil
	}
	lost, isLost := errors.AsType[*tunnel.Error](err)
	switch {
	case ctx.Err() != nil || client.IsErrConnectionFailed(err) || isLost && lost.Kind == tunnel.Lost:
		return "", err
	case errdefs.IsNotFound(err):
		return "", nil // the container has gone meanwhile
	}
	return fmt.Sprintf("Error on reading termination log %s: %v", label[2], err), nil
}

func (r *Runtime) messageOf(ctx context.Context, id, file string) (string, error) {
	b := r.box(id)
	if b == nil {
		return "", errNoSandbox
	}
	t, err := r.sessionOf(ctx, b)
	if err != nil {
		return "", err
	}
	return t.ReadMessage(ctx, file)
}

// lastOutput is the end of what a container has written. It is not cut off at
// the start: the Engine may note that after the first line.
func (r *Runtime) lastOutput(ctx context.Context, c container.InspectResponse) (string, error) {
	body, err := r.daemon.ContainerLogs(ctx, c.ID, client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(messageLogLines),
	})
	if err != nil {
		return "", err
	}
	defer body.Close()
	var all bytes.Buffer
	if err := output(newFrames(body, c.Config.Tty), sandbox.Streams{Out: &all, ErrOut: &all}); err != nil {
		return "", err
	}
	text := all.Bytes()
	return string(text[max(0, len(text)-messageLogBytes):]), nil
}
