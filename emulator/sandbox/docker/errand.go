package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// What the Engine cannot do and the program of the sandbox image does for it,
// in a container that lives for one moment.

// killExec ends an executed process that nobody waits for any more. The Engine
// cannot do so, but it tells the process's number on its host: a container
// there, of the sandbox's image, kills it.
func (r *Runtime) killExec(ctx context.Context, id, exec string) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTimeout)
	defer cancel()
	i, err := r.daemon.ExecInspect(ctx, exec, client.ExecInspectOptions{})
	if err != nil || !i.Running || i.PID <= 1 {
		return // it has ended, or its container is gone
	}
	helper, err := r.killer(ctx, id, i.PID)
	if err == nil {
		err = r.runToEnd(ctx, helper)
		ctx, cancel := cleanup(ctx)
		defer cancel()
		err = errors.Join(err, r.removeContainer(ctx, helper))
	}
	if err != nil && r.life.Err() == nil {
		r.log.Warn().Err(err).Str("sandbox", id).Int("pid", i.PID).Msg("an executed process runs on though nobody waits for it")
	}
}

func (r *Runtime) killer(ctx context.Context, id string, pid int) (string, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return "", err
	}
	return r.daemon.create(ctx, client.ContainerCreateOptions{
		Name:   r.names.errand(id, unique()),
		Config: &container.Config{Image: image, Cmd: []string{"kill", strconv.Itoa(pid)}, Labels: r.labels(roleErrand, id)},
		HostConfig: &container.HostConfig{
			NetworkMode: "none", PidMode: "host", CapDrop: []string{"ALL"}, CapAdd: []string{"KILL"}, SecurityOpt: []string{"no-new-privileges"},
		},
	})
}

// runToEnd starts a helper and waits until it has done its work.
func (r *Runtime) runToEnd(ctx context.Context, helper string) error {
	w := r.daemon.ContainerWait(ctx, helper, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := r.daemon.ContainerStart(ctx, helper, client.ContainerStartOptions{}); err != nil {
		return err
	}
	select {
	case err := <-w.Error:
		return err
	case out := <-w.Result:
		if out.StatusCode == 0 {
			return nil
		}
		return fmt.Errorf("exit code %d: %s", out.StatusCode, r.said(ctx, helper))
	}
}

// said is what a helper has written.
func (r *Runtime) said(ctx context.Context, helper string) string {
	body, err := r.daemon.ContainerLogs(ctx, helper, client.ContainerLogsOptions{ShowStderr: true, Tail: "5"})
	if err != nil {
		return err.Error()
	}
	defer body.Close()
	var text strings.Builder
	if err := output(newFrames(body, false), sandbox.Streams{ErrOut: &text}); err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
