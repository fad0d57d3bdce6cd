package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Termination messages. Each attempt of a container that has one gets a file
// of its own, which every user may write, out of one more volume of the
// sandbox. Read it is through the container that has ended, and where it is
// is in that container's labels, so that nothing has to be remembered.

// labelMessage is on workload containers: the path, and behind a space "logs"
// where the output may stand in for an empty file.
const labelMessage = "dev.neargate.message"

// What a kubelet takes at most, of the file and of the output.
const (
	messageBytes    = 4096
	messageLogBytes = 2048
	messageLogLines = 80
)

// messages is the volume with the files; a dot is in no volume's name.
func (n names) messages(id string) string { return n.sandbox(id) + ".messages" }

func messageFile(c *sandbox.Container, attempt int) sandbox.File {
	return sandbox.File{Path: safeName(c.Name) + "." + strconv.Itoa(attempt), Mode: 0o666}
}

func hasMessage(c sandbox.Container) bool { return c.Message != nil }

func messageLabel(m *sandbox.Message) string {
	if m.FromLogs {
		return m.Path + " logs"
	}
	return m.Path
}

// makeMessages makes the volume with the files of the first attempts.
func (r *Runtime) makeMessages(ctx context.Context, s *sandbox.Spec) error {
	var files []sandbox.File
	for _, c := range s.Containers {
		if hasMessage(c) {
			files = append(files, messageFile(&c, 0))
		}
	}
	if len(files) == 0 {
		return nil
	}
	return r.addMessages(ctx, s.ID, files)
}

func (r *Runtime) addMessages(ctx context.Context, id string, files []sandbox.File) error {
	_, err := finish(ctx, func(ctx context.Context) (client.VolumeCreateResult, error) {
		return r.daemon.VolumeCreate(ctx, client.VolumeCreateOptions{
			Name: r.names.messages(id), Driver: "local",
			Labels: map[string]string{labelInstance: r.options.Instance, labelSandbox: id},
		})
	})
	if err != nil {
		return fmt.Errorf("termination messages: %w", err)
	}
	content, err := archive(files, nil)
	if err != nil {
		return err
	}
	return r.copyInto(ctx, id, r.names.messages(id), content)
}

// addMessage makes the file of an attempt that makeMessages has not made one
// for.
func (r *Runtime) addMessage(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, attempt int) error {
	if c.Message == nil || attempt == 0 && !c.Ephemeral {
		return nil
	}
	return r.addMessages(ctx, s.ID, []sandbox.File{messageFile(c, attempt)})
}

// messageMount puts the file into the container.
func messageMount(s *sandbox.Spec, c *sandbox.Container, attempt int, t setting) mount.Mount {
	volume, file := t.names.messages(s.ID), messageFile(c, attempt).Path
	if !t.subpaths {
		return mount.Mount{Type: mount.TypeBind, Source: path.Join(t.folders[volume], file), Target: c.Message.Path}
	}
	return mount.Mount{
		Type: mount.TypeVolume, Source: volume, Target: c.Message.Path,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true, Subpath: file},
	}
}

// message reads what an ended container has left. What cannot be read is said
// so in its place, as a kubelet does.
func (r *Runtime) message(ctx context.Context, c container.InspectResponse) (string, error) {
	label := c.Config.Labels[labelMessage]
	if label == "" || c.State.Status == container.StateCreated || c.State.Status == container.StateRunning {
		return "", nil
	}
	file, logs := strings.CutSuffix(label, " logs")
	text, err := r.messageOf(ctx, c.ID, file)
	if err == nil && text == "" && logs && c.State.ExitCode != 0 {
		text, err = r.lastOutput(ctx, c)
	}
	if err != nil {
		switch {
		case ctx.Err() != nil || client.IsErrConnectionFailed(err):
			return "", err
		case errdefs.IsNotFound(err):
			return "", nil // the container has gone meanwhile
		}
		return fmt.Sprintf("Error on reading termination log %s: %v", file, err), nil
	}
	return text, nil
}

func (r *Runtime) messageOf(ctx context.Context, id, file string) (string, error) {
	c, err := r.daemon.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: file})
	if err != nil {
		return "", err
	}
	defer c.Content.Close()
	t := tar.NewReader(c.Content)
	h, err := t.Next()
	if err != nil {
		return "", err
	}
	if h.Typeflag != tar.TypeReg {
		return "", errors.New("it is not a regular file any more")
	}
	text, err := io.ReadAll(io.LimitReader(t, messageBytes))
	return string(text), err
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
