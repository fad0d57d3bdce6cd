package fake

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"

	"github.com/neargate/neargate/emulator/sandbox"
)

// run.go is about pulling, starting and stopping containers; runtime.go about
// the sandboxes around them.

// Pull takes as long as FAKE_PULL_FOR says.
func (r *Runtime) Pull(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.Pulled, error) {
	p, err := parse(c)
	if err != nil {
		return sandbox.Pulled{}, err
	}
	if _, err := reference.ParseNormalizedNamed(c.Image); err != nil {
		return sandbox.Pulled{}, &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: "CannotPullContainerError: invalid reference format: " + c.Image, Trouble: sandbox.TroubleName}
	}
	if err := r.enter("Pull"); err != nil {
		return sandbox.Pulled{}, err
	}
	if c.Pull == sandbox.PullNever && (p.pullError != "" || p.pullFor > 0) { // then it is not there
		r.mu.Unlock()
		return sandbox.Pulled{}, &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: named("CannotPullContainerError", p.pullError), Trouble: sandbox.TroubleNever}
	}
	if p.pullFor > 0 {
		done := r.pulling(s.ID, c.Image, p.pullFor)
		defer done()
	}
	r.mu.Unlock()
	if err := pause(ctx, p.pullFor); err != nil {
		return sandbox.Pulled{}, err
	}
	if p.pullError != "" {
		return sandbox.Pulled{}, &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: named("CannotPullContainerError", p.pullError), Trouble: sandbox.TroublePull, Text: p.pullError}
	}
	if _, digest, ok := strings.Cut(c.Image, "@"); ok {
		return sandbox.Pulled{Digest: digest}, nil
	}
	image := sandbox.Pulled{Digest: "sha256:" + runtimeID("image", c.Image)}
	if c.Pull == sandbox.PullAlways {
		image.Local = p.imageLocal
	}
	return image, nil
}

// Start begins an attempt, unless it or a later one is there.
func (r *Runtime) Start(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, attempt int, _ []sandbox.EnvVar) error {
	p, err := parse(c)
	if err != nil {
		return err
	}
	if err := pause(ctx, p.startAfter); err != nil {
		return err
	}
	if err := r.enter("Start"); err != nil {
		return err
	}
	defer r.mu.Unlock()
	b := r.boxes[s.ID]
	if b == nil {
		return fmt.Errorf("sandbox %s is not up", s.ID)
	}
	old := b.containers[c.Name]
	if old != nil && old.Attempt >= attempt {
		return nil
	}
	if err := refusal(c, p); err != nil {
		return err
	}
	if p.startError != "" {
		return &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: named("CannotStartContainerError", p.startError), Trouble: sandbox.TroubleRun, Text: p.startError}
	}
	if old != nil && old.State == sandbox.ContainerRunning {
		return fmt.Errorf("container %s: attempt %d still runs", c.Name, old.Attempt)
	}
	r.begin(b.prepare(s, c, p, old, attempt))
	return nil
}

// refusal is why a container cannot be made.
func refusal(c *sandbox.Container, p *script) error {
	user, _, _ := strings.Cut(c.User, ":")
	switch {
	case c.NonRoot && (user == "0" || user == "root"):
		const text = "container's runAsUser breaks non-root policy"
		return &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: named("CannotCreateContainerError", text), Trouble: sandbox.TroubleConfig, Text: text}
	case p.createError != "":
		return &sandbox.StopError{Code: failedToStart, Container: c.Name, Reason: named("CannotCreateContainerError", p.createError), Trouble: sandbox.TroubleCreation, Text: p.createError}
	}
	return nil
}

// prepare makes the container of an attempt: the same one again, or a fresh
// one beside which the output of the one before is kept.
func (b *box) prepare(s *sandbox.Spec, c *sandbox.Container, p *script, old *container, attempt int) *container {
	if old != nil && !c.Restart.Fresh {
		old.Attempt = attempt
		return old
	}
	n := &container{box: b, script: p, asks: c.Message, ports: c.Ports, out: &output{}}
	if old != nil {
		n.before = old.out
	} else {
		b.order = append(b.order, c.Name)
	}
	n.Attempt, n.CreatedAt = attempt, stamp()
	n.RuntimeID = runtimeID(s.ID, c.Name, attempt, n.CreatedAt)
	n.ImageDigest = "sha256:" + runtimeID("image", c.Image)
	n.has = c.Resources()
	b.containers[c.Name] = n
	return n
}

// Stop signals, waits, kills.
func (r *Runtime) Stop(ctx context.Context, s *sandbox.Spec, spec *sandbox.Container, grace time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.enter("Stop"); err != nil {
		return err
	}
	c := r.container(s.ID, spec.Name)
	if c == nil || c.State != sandbox.ContainerRunning {
		r.mu.Unlock()
		return nil
	}
	r.signal(c, spec.StopSignal)
	if c.State != sandbox.ContainerRunning {
		r.mu.Unlock()
		return nil
	}
	attempt, ended := c.Attempt, c.wait()
	r.mu.Unlock()
	if err := await(ctx, ended, grace); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.State == sandbox.ContainerRunning && c.Attempt == attempt {
		r.end(c, 137, false)
	}
	return nil
}

// signal delivers a stop signal; a container that takes its time ends later.
func (st *State) signal(c *container, name string) {
	code, fatal := signalCode(name)
	if c.script.stopExit >= 0 {
		code = c.script.stopExit
	}
	switch {
	case fatal:
		st.end(c, 137, false)
	case c.script.ignoreTerm || c.signal:
	default:
		c.signal = true
		st.later(c, c.script.stopFor, func() { st.end(c, code, false) })
	}
}

// signalCode tells what a process that a signal ends leaves behind.
func signalCode(name string) (code int, fatal bool) {
	codes := map[string]int{"HUP": 129, "INT": 130, "QUIT": 131, "KILL": 137, "USR1": 138, "USR2": 140, "TERM": 143}
	code, ok := codes[strings.TrimPrefix(strings.ToUpper(name), "SIG")]
	if !ok {
		code = 143
	}
	return code, code == 137
}

// await waits for an end for at most grace.
func await(ctx context.Context, ended <-chan struct{}, grace time.Duration) error {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-ended:
	case <-t.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// Resize implements sandbox.Resizer.
func (r *Runtime) Resize(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.enter("Resize"); err != nil {
		return err
	}
	defer r.mu.Unlock()
	if of := r.container(s.ID, c.Name); of != nil {
		of.has = c.Resources()
	}
	return nil
}

// Resources are those that a container has at the moment.
func (st *State) Resources(id, name string) sandbox.Resources {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.container(id, name)
	if c == nil {
		return sandbox.Resources{}
	}
	return c.has
}
