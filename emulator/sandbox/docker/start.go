package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Starting workload containers. The usual way is two calls to the Engine,
// create and start; only what was done before costs more. Attempts are told by
// the container's name: a restart in place renames it.

// Start implements [sandbox.Runtime].
func (r *Runtime) Start(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, attempt int, env []sandbox.EnvVar) error {
	unlock, err := r.enter(ctx, s.ID)
	if err != nil {
		return err
	}
	defer unlock()
	b := r.box(s.ID)
	if b == nil {
		return errNoSandbox
	}
	r.mu.Lock()
	newest, begun := b.newest[c.Name]
	r.mu.Unlock()
	switch {
	case begun && newest > attempt:
		return nil
	case begun && newest < attempt && !c.Restart.Fresh && !needsPause(s, b):
		done, err := r.restart(ctx, s, c, b, attempt)
		if done || err != nil {
			return err
		}
	}
	return r.startNew(ctx, s, c, b, attempt, env)
}

// startNew makes and starts the container of an attempt, or does the part of
// it that has not been done.
func (r *Runtime) startNew(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, attempt int, env []sandbox.EnvVar) error {
	defer r.underWay()()
	if err := r.raiseCeiling(ctx, s, b); err != nil {
		return err
	}
	if err := r.pauseAnew(ctx, s, b); err != nil {
		return err
	}
	o, err := r.describe(ctx, s, c, b, attempt, env)
	if err != nil {
		return err
	}
	id, err := r.create(ctx, s, c, o)
	if errdefs.IsConflict(err) {
		return r.startExisting(ctx, s, c, b, attempt, env, o.Name)
	}
	if err != nil {
		return err
	}
	r.note(b, c.Name, attempt)
	if err := r.pause(ctx, s, b); err != nil {
		return err
	}
	err = r.startWithin(ctx, s, c, b, attempt, env, id, o.HostConfig.Ulimits)
	r.afterStart(s, c, attempt) // whether it runs or has failed for good
	if err != nil {
		if isPassing(err) {
			r.doubtPause(b)
		}
		return err
	}
	return r.renewCeiling(ctx, s, b)
}

func (r *Runtime) describe(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, attempt int, env []sandbox.EnvVar) (client.ContainerCreateOptions, error) {
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	t := setting{instance: r.options.Instance, names: r.names, owner: b.container, network: r.joined(s, b), kept: b.kept, subpaths: f.has("1.45")}
	r.mu.Lock()
	if b.ceiling != nil {
		t.ceiling = *b.ceiling
	}
	if b.front != nil {
		t.public = publicLabel(b.front)
	}
	r.mu.Unlock()
	if needsPause(s, b) {
		files, err := r.findFiles(ctx, b)
		if err != nil {
			return client.ContainerCreateOptions{}, err
		}
		t.files = sharedFiles(c, files)
	}
	if err := checkEnvironment(c, c.Env, env); err != nil {
		return client.ContainerCreateOptions{}, err
	}
	if err := r.verifyNonRoot(ctx, c); err != nil {
		return client.ContainerCreateOptions{}, err
	}
	if t.target, err = r.target(ctx, s, c); err != nil {
		return client.ContainerCreateOptions{}, err
	}
	if err := r.addMessage(ctx, c, b, attempt); err != nil {
		return client.ContainerCreateOptions{}, err
	}
	if err := r.resolve(ctx, s, c, b, &t); err != nil {
		return client.ContainerCreateOptions{}, err
	}
	return workload(s, r.withoutRefused(c, b), attempt, env, t), nil
}

// target finds the container whose processes another one shall see.
func (r *Runtime) target(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (string, error) {
	if c.Target == "" || c.ShareProcesses {
		return "", nil
	}
	all, err := r.attemptsOf(ctx, s.ID, c.Target)
	if err != nil {
		return "", err
	}
	if n := len(all); n > 0 && all[n-1].summary.State == container.StateRunning {
		return all[n-1].summary.ID, nil
	}
	text := "unable to find target container " + c.Target
	return "", &sandbox.StopError{Container: c.Name, Reason: "CannotCreateContainerError: " + text, Trouble: sandbox.TroubleConfig, Text: text}
}

// create makes the container. An image that was removed after its pull is
// pulled once more.
func (r *Runtime) create(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, o client.ContainerCreateOptions) (string, error) {
	id, err := r.daemon.create(ctx, o)
	if err != nil && errdefs.IsNotFound(err) && strings.Contains(strings.ToLower(err.Error()), "no such image") {
		r.pulls.forget()
		again := *c
		if again.Pull == sandbox.PullAlways {
			again.Pull = sandbox.PullIfNotPresent
		}
		if _, err := r.Pull(ctx, s, &again); err != nil {
			return "", err
		}
		id, err = r.daemon.create(ctx, o)
	}
	if err != nil && !errdefs.IsConflict(err) {
		return "", createError(c, err)
	}
	return id, err
}

func (r *Runtime) run(ctx context.Context, c *sandbox.Container, id string) error {
	_, err := r.daemon.ContainerStart(ctx, id, client.ContainerStartOptions{})
	r.mu.Lock()
	delete(r.inspects, id)
	r.mu.Unlock()
	if err != nil {
		return startError(c, err)
	}
	return nil
}

// startExisting goes on with a container that an earlier call has made.
func (r *Runtime) startExisting(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, attempt int, env []sandbox.EnvVar, name string) error {
	i, err := r.daemon.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
	if err != nil {
		return err
	}
	if i.Container.Config.Labels[labelInstance] != r.options.Instance {
		return fmt.Errorf("container name %s is used by another program", name)
	}
	r.note(b, c.Name, attempt)
	if i.Container.State.Status != container.StateCreated {
		return nil
	}
	if needsPause(s, b) { // and it may be bound to one that is gone
		if err := r.removeContainer(ctx, i.Container.ID); err != nil {
			return err
		}
		return r.startNew(ctx, s, c, b, attempt, env)
	}
	if err := r.startWithin(ctx, s, c, b, attempt, env, i.Container.ID, i.Container.HostConfig.Ulimits); err != nil {
		return err
	}
	r.afterStart(s, c, attempt)
	return r.renewCeiling(ctx, s, b)
}

func (r *Runtime) note(b *box, container string, attempt int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.newest[container] = max(b.newest[container], attempt)
}

// restart starts the container of an earlier attempt again. It reports false
// when there is none, and then a new one has to be made.
func (r *Runtime) restart(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, attempt int) (bool, error) {
	all, err := r.attemptsOf(ctx, s.ID, c.Name)
	if err != nil || len(all) == 0 {
		return false, err
	}
	last := all[len(all)-1]
	id := last.summary.ID
	if last.number >= attempt && last.summary.State != container.StateCreated {
		return true, nil
	}
	if err := r.raiseCeiling(ctx, s, b); err != nil {
		return true, err
	}
	// That it runs already means that an earlier call got as far as this.
	if last.summary.State != container.StateRunning {
		r.mu.Lock()
		r.attempts[id] = attempt
		r.mu.Unlock()
		if err := r.run(ctx, c, id); err != nil {
			r.mu.Lock()
			delete(r.attempts, id)
			r.mu.Unlock()
			return true, err
		}
	}
	_, err = r.daemon.ContainerRename(ctx, id, client.ContainerRenameOptions{NewName: r.names.workload(s.ID, c.Name, attempt)})
	if err != nil {
		return true, fmt.Errorf("naming attempt %d of %s: %w", attempt, c.Name, err)
	}
	r.note(b, c.Name, attempt)
	return true, r.renewCeiling(ctx, s, b)
}

// attemptOf is a container and the attempt that it stands for.
type attemptOf struct {
	number  int
	summary container.Summary
}

// attemptsOf lists a container's attempts that are still there, oldest first.
func (r *Runtime) attemptsOf(ctx context.Context, id, name string) ([]attemptOf, error) {
	l, err := r.daemon.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.ours().Add("label", labelSandbox+"="+id, labelContainer+"="+name)})
	if err != nil {
		return nil, err
	}
	var all []attemptOf
	for _, c := range l.Items {
		if n, ok := r.attemptNumber(id, c); ok {
			all = append(all, attemptOf{n, c})
		}
	}
	slices.SortFunc(all, func(a, b attemptOf) int { return a.number - b.number })
	return all, nil
}

// attemptNumber reads it from the name, or from memory while a restart has not
// come to the renaming.
func (r *Runtime) attemptNumber(id string, c container.Summary) (int, bool) {
	n, ok := r.names.attempt(id, c.Labels[labelContainer], nameOf(c))
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(n, r.attempts[c.ID]), ok
}

// afterStart removes attempts that nobody will ask for any more: the newest
// one's logs are wanted, and those of the one before.
func (r *Runtime) afterStart(s *sandbox.Spec, c *sandbox.Container, attempt int) {
	if attempt < 2 {
		return
	}
	id, name := s.ID, c.Name
	r.background(func(ctx context.Context) {
		all, err := r.attemptsOf(ctx, id, name)
		for _, old := range all {
			if old.number < attempt-1 {
				err = errors.Join(err, r.removeContainer(ctx, old.summary.ID))
			}
		}
		if err != nil && ctx.Err() == nil {
			r.log.Warn().Err(err).Str("sandbox", id).Str("container", name).Msg("earlier attempts stay until the sandbox goes")
		}
	})
}
