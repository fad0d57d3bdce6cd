package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Looking at sandboxes. One listing tells the states; details are asked for
// once per state and remembered until an event, or an act of ours, says that
// something happened to the container.

// inspected is what is remembered of a container.
type inspected struct {
	state container.ContainerState
	seen  sandbox.ObservedContainer
}

// Inspect implements [sandbox.Runtime].
func (r *Runtime) Inspect(ctx context.Context, id string) (sandbox.Observed, error) {
	var o sandbox.Observed
	if err := r.ready(ctx); err != nil {
		return o, err
	}
	own, others, err := r.containersOf(ctx, id)
	if err != nil {
		return o, err
	}
	o.Containers = map[string]sandbox.ObservedContainer{}
	for _, c := range newestOf(others, func(c container.Summary) (int, bool) { return r.attemptNumber(id, c) }) {
		seen, err := r.observe(ctx, id, c)
		if errdefs.IsNotFound(err) {
			continue // it went between the two calls
		}
		if err != nil {
			return sandbox.Observed{}, err
		}
		o.Containers[c.Labels[labelContainer]] = seen
	}
	b := r.box(id)
	if b == nil {
		return o, nil
	}
	for _, c := range own {
		o.Up = o.Up || c.ID == b.container && c.State == container.StateRunning
	}
	if len(own) > 0 {
		o.Address, o.Notes = r.address(b), r.notesOf(b)
	}
	if o.Up {
		o.OOMKills = r.oomKills(ctx, b)
	}
	return o, nil
}

// newestOf keeps the newest attempt of each workload container.
func newestOf(all []container.Summary, attempt func(container.Summary) (int, bool)) []container.Summary {
	newest := map[string]container.Summary{}
	at := map[string]int{}
	for _, c := range all {
		name := c.Labels[labelContainer]
		n, ok := attempt(c)
		if c.Labels[labelRole] != roleWorkload || !ok {
			continue
		}
		if _, there := newest[name]; !there || n > at[name] {
			newest[name], at[name] = c, n
		}
	}
	return slices.Collect(maps.Values(newest))
}

func (r *Runtime) observe(ctx context.Context, id string, c container.Summary) (sandbox.ObservedContainer, error) {
	number, _ := r.attemptNumber(id, c)
	r.mu.Lock()
	known, ok := r.inspects[c.ID]
	r.mu.Unlock()
	if ok && known.state == c.State {
		known.seen.Attempt = number
		return known.seen, nil
	}
	i, err := r.daemon.ContainerInspect(ctx, c.ID, client.ContainerInspectOptions{})
	if err != nil {
		return sandbox.ObservedContainer{}, err
	}
	seen := observed(i.Container)
	if seen.ImageDigest, err = r.imageDigest(ctx, i.Container); err != nil {
		return seen, err
	}
	if seen.Message, err = r.message(ctx, id, i.Container); err != nil {
		return seen, err
	}
	seen.Attempt = number
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.life.Err() == nil && i.Container.State.Status == c.State {
		r.inspects[c.ID] = inspected{c.State, seen}
	}
	return seen, nil
}

// imageDigest tells the digest of what the container really runs.
func (r *Runtime) imageDigest(ctx context.Context, c container.InspectResponse) (string, error) {
	key := c.Image + " " + c.Config.Image
	d, changes := r.pulls.digest(key)
	if d != "" {
		return d, nil
	}
	i, err := r.daemon.ImageInspect(ctx, c.Image)
	if errdefs.IsNotFound(err) {
		return c.Image, nil // removed since; its id is all that is left
	}
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", c.Name, err)
	}
	d = digestOf(i.InspectResponse, c.Config.Image)
	r.pulls.remember(key, d, changes)
	return d, nil
}

// observed translates the Engine's words.
func observed(c container.InspectResponse) sandbox.ObservedContainer {
	o := sandbox.ObservedContainer{
		RuntimeID: c.ID, CreatedAt: moment(c.Created), StartedAt: moment(c.State.StartedAt),
		OOMKilled: c.State.OOMKilled, Error: c.State.Error,
	}
	switch c.State.Status {
	case container.StateCreated:
		o.State = sandbox.ContainerCreated
	case container.StateRunning, container.StatePaused, container.StateRestarting:
		o.State = sandbox.ContainerRunning
	default:
		o.State = sandbox.ContainerStopped
		o.FinishedAt = moment(c.State.FinishedAt)
		o.ExitCode = c.State.ExitCode
		// The Engine notes a start when it has made it, and an end as the
		// kernel told it: a short life seems to end first.
		if o.FinishedAt.Before(o.StartedAt) {
			o.FinishedAt = o.StartedAt
		}
	}
	return o
}

// moment reads the Engine's times; its year 1 is Go's zero.
func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// List implements [sandbox.Runtime].
func (r *Runtime) List(ctx context.Context) ([]string, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	all, err := r.daemon.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.ours()})
	if err != nil {
		return nil, err
	}
	volumes, err := r.daemon.VolumeList(ctx, client.VolumeListOptions{Filters: r.ours()})
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, c := range all.Items {
		id := c.Labels[labelSandbox]
		if c.Labels[labelRole] == roleSandbox {
			id = r.names.sandboxOf(nameOf(c))
		}
		ids[id] = true
	}
	for _, v := range volumes.Items {
		ids[v.Labels[labelSandbox]] = true
	}
	delete(ids, "")
	return slices.Sorted(maps.Keys(ids)), nil
}

// find returns the newest attempt of a container, or the one before.
func (r *Runtime) find(ctx context.Context, id, name string, previous bool) (container.Summary, error) {
	if err := r.ready(ctx); err != nil {
		return container.Summary{}, err
	}
	all, err := r.attemptsOf(ctx, id, name)
	if err != nil {
		return container.Summary{}, err
	}
	i := len(all) - 1
	if previous && len(all) > 1 {
		i--
	}
	if i < 0 {
		return container.Summary{}, fmt.Errorf("sandbox %s has no container %s", id, strings.TrimSpace(name))
	}
	return all[i].summary, nil
}
