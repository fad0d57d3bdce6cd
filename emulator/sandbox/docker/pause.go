package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator/sandbox"
)

// The pause container: what gives a host name to a sandbox that was made before
// anybody had asked for one. The Engine copies the name of the container whose
// network others join, and looks for that network where the container's first
// process is. So a container that has the right name and no network, whose
// process moves into the sandbox's network namespace, serves as well as the
// sandbox container itself, and starts in a third of its time: the Engine has no
// network to make. It lives in the sandbox's process namespace and ends with it.
// The workload's containers need it only when they start.

// pausing is what is known of a box's pause container; guarded by Runtime.mu.
type pausing struct {
	id    string    // Docker's id of the one that has moved; "": there is none
	start *starting // nil when none goes on in the background
	files []string  // see sharedFiles; nil while it is not known
}

// paused is what its program says when it has moved.
const paused = "paused"

// needsPause tells whether containers of a sandbox cannot join the sandbox
// container itself.
func needsPause(s *sandbox.Spec, b *box) bool { return s.Hostname != "" && s.Hostname != b.hostname }

// errNoPause is why the Engine can have no pause containers: their program was
// kept from moving.
var errNoPause = errors.New("a pause container could not enter the sandbox's network namespace")

// beginPause makes the pause container in the background, where there has to be
// one.
func (r *Runtime) beginPause(s *sandbox.Spec, b *box) {
	if !needsPause(s, b) {
		return
	}
	st := r.inBackground(func(ctx context.Context) error { return r.makePause(ctx, s, b) })
	r.mu.Lock()
	b.pause.start = st
	r.mu.Unlock()
}

// pauseAnew makes sure that there is a pause container or that one is being
// started. The Engine binds what is made to the one that it finds under the
// name then.
func (r *Runtime) pauseAnew(ctx context.Context, s *sandbox.Spec, b *box) error {
	r.mu.Lock()
	begun := b.pause.start != nil
	r.mu.Unlock()
	if begun {
		return nil
	}
	return r.pause(ctx, s, b)
}

// pause makes sure that the containers of a sandbox can be started.
func (r *Runtime) pause(ctx context.Context, s *sandbox.Spec, b *box) error {
	if !needsPause(s, b) {
		return nil
	}
	r.mu.Lock()
	st := b.pause.start
	r.mu.Unlock()
	if st != nil {
		if err := st.wait(ctx); ctx.Err() != nil {
			return err
		}
		r.mu.Lock()
		b.pause.start = nil
		r.mu.Unlock()
		if st.err != nil {
			return st.err
		}
	}
	r.mu.Lock()
	there := b.pause.id != ""
	r.mu.Unlock()
	if there {
		return nil
	}
	return r.makePause(ctx, s, b)
}

// makePause starts a pause container and waits until it has moved.
func (r *Runtime) makePause(ctx context.Context, s *sandbox.Spec, b *box) error {
	var id string
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		id, err = r.startPause(gctx, s, b)
		return err
	})
	g.Go(func() error { _, err := r.findFiles(gctx, b); return err })
	if err := g.Wait(); err != nil {
		return fmt.Errorf("host name of the sandbox: %w", err)
	}
	r.pauses.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	b.pause.id = id
	return nil
}

// proven waits for the first pause container that this process makes. Where the
// Engine lets none work, the sandbox is made anew, at the same address and with
// its host name, and so are all that follow.
func (r *Runtime) proven(ctx context.Context, s *sandbox.Spec, b *box) (*box, error) {
	if r.pauses.Load() || !needsPause(s, b) {
		return b, nil
	}
	err := r.pause(ctx, s, b)
	if !errors.Is(err, errNoPause) {
		return b, err
	}
	r.log.Warn().Err(err).Msg("sandboxes with a host name of their own are not started ahead of time")
	r.pauseless.Store(true)
	return r.remake(ctx, s, b)
}

// remake gives a box's place to a sandbox container that is made for s.
func (r *Runtime) remake(ctx context.Context, s *sandbox.Spec, b *box) (*box, error) {
	r.letGo(b)
	for _, container := range []string{r.names.pause(s.ID), b.container} {
		if err := r.removeContainer(ctx, container); err != nil {
			return nil, err
		}
	}
	if err := r.dropKept(ctx, b); err != nil {
		return nil, err
	}
	n, err := r.makeBoxAt(ctx, b.place, r.wishOf(s))
	if err != nil {
		r.forget(b)
		return nil, err
	}
	r.assign(n, s.ID)
	return n, nil
}

func (r *Runtime) startPause(ctx context.Context, s *sandbox.Spec, b *box) (string, error) {
	image, err := r.binary(ctx)
	if err != nil {
		return "", err
	}
	// Instead of one that has ended, or that a call without an answer has made.
	id, err := r.createInstead(ctx, r.pauseContainer(s, b, image))
	if err != nil {
		return "", err
	}
	return id, r.hearPause(ctx, id)
}

// hearPause starts the container and waits for its program's word.
func (r *Runtime) hearPause(ctx context.Context, id string) error {
	var complaint strings.Builder
	first, err := r.startHeard(ctx, id, func(text string) { complaint.WriteString(text) })
	if err != nil {
		return err
	}
	if first == nil {
		return fmt.Errorf("%w: this Engine attaches to nothing that does not run yet", errNoPause)
	}
	defer first.Close()
	defer context.AfterFunc(ctx, func() { first.Close() })()
	word, err := bufio.NewReader(first).ReadString('\n')
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.TrimSpace(word) == paused:
		return nil
	case strings.Contains(complaint.String(), "not permitted") || strings.Contains(complaint.String(), "denied"):
		return fmt.Errorf("%w: %s", errNoPause, strings.TrimSpace(complaint.String()))
	}
	return fmt.Errorf("the pause container has ended: %s: %w", strings.TrimSpace(complaint.String()), err)
}

// pauseContainer describes it. What it may do it gives up before it says that
// it is there: SYS_ADMIN is for entering a namespace, SYS_PTRACE for looking at
// PID 1's.
func (r *Runtime) pauseContainer(s *sandbox.Spec, b *box, image string) client.ContainerCreateOptions {
	return client.ContainerCreateOptions{
		Name: r.names.pause(s.ID),
		Config: &container.Config{
			Image: image, Hostname: s.Hostname, Cmd: []string{"pause"}, NetworkDisabled: true,
			AttachStdout: true, AttachStderr: true, Labels: r.labels(rolePause, s.ID),
		},
		HostConfig: &container.HostConfig{
			PidMode: container.PidMode("container:" + b.container), IpcMode: container.IPCModeNone,
			CapDrop: []string{"ALL"}, CapAdd: []string{"SYS_ADMIN", "SYS_PTRACE"},
			SecurityOpt: []string{"no-new-privileges", "label=disable"},
			LogConfig:   container.LogConfig{Type: "none"},
		},
	}
}

// lostPause takes in that a pause container has ended.
func (r *Runtime) lostPause(sandbox, container string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.boxes[sandbox]; b != nil && b.pause.id == container {
		b.pause.id = ""
	}
}

// doubtPause makes the next start look to a pause container of its own: this one
// may have ended while nobody watched.
func (r *Runtime) doubtPause(b *box) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b.pause.id = ""
}

// joined is the container whose network those of a sandbox join: by its name,
// so that they can be made before it is there.
func (r *Runtime) joined(s *sandbox.Spec, b *box) string {
	if needsPause(s, b) {
		return r.names.pause(s.ID)
	}
	return b.container
}

// findFiles asks the Engine where it has the files of a sandbox container that
// all containers of the sandbox share, on its own host.
func (r *Runtime) findFiles(ctx context.Context, b *box) ([]string, error) {
	r.mu.Lock()
	known := b.pause.files
	r.mu.Unlock()
	if known != nil {
		return known, nil
	}
	c, err := r.daemon.ContainerInspect(ctx, b.container, client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	files := []string{c.Container.HostsPath + ":/etc/hosts", c.Container.ResolvConfPath + ":/etc/resolv.conf", c.Container.HostnamePath + ":/etc/hostname"}
	r.mu.Lock()
	defer r.mu.Unlock()
	b.pause.files = files
	return files, nil
}

// sharedFiles binds them into a container, as the Engine does by itself for
// those that join the sandbox container; what the container mounts there comes
// first. Where SELinux is on they get the label for what is shared.
func sharedFiles(c *sandbox.Container, files []string) []string {
	var binds []string
	for _, f := range files {
		_, target, _ := strings.Cut(f, ":")
		if slices.ContainsFunc(c.Mounts, func(m sandbox.Mount) bool { return path.Clean(m.Path) == target }) {
			continue
		}
		mode := ":z"
		if c.ReadOnlyRoot {
			mode = ":ro,z"
		}
		binds = append(binds, f+mode)
	}
	return binds
}
