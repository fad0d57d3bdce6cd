package sandbox

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// Sandboxes are the records, by Spec.ID. The index "live" holds with the value
// "live" those that have not come to their end, so that no loop ever visits
// the others; "group" and "desired" are for query.go.
var Sandboxes = store.NewTable("sandbox",
	store.By("live", func(_ string, s *Sandbox) []string {
		if s.IsStopped() {
			return nil
		}
		return []string{live}
	}),
	store.By("group", func(_ string, s *Sandbox) []string { return []string{groupStatus(s.Spec.Group, LastStatus(s))} }),
	store.By("desired", func(_ string, s *Sandbox) []string { return []string{groupDesired(s.Spec.Group, s.Desired.Stopped)} }),
)

const live = "live"

// ErrRunning is why a sandbox that has not stopped cannot be removed.
var ErrRunning = errors.New("the sandbox has not stopped")

var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Create makes the record of a new sandbox, in the owner's transaction, which
// must not write into what spec points to any more. The engine brings it up from
// there. It fails for a specification that could not
// be followed.
func Create(tx *store.Tx, spec Spec) error {
	if err := spec.check(); err != nil {
		return err
	}
	s := &Sandbox{Spec: spec, CreatedAt: tx.Now()}
	s.Status.Version = 1
	s.Status.StepAt = tx.Now()
	s.Status.Containers = pending(spec.Containers)
	return Sandboxes.InsertShared(tx, spec.ID, s)
}

// check refuses what no engine could run.
func (p *Spec) check() error {
	if !idForm.MatchString(p.ID) {
		return fmt.Errorf("sandbox id %q is not 32 lower-case hexadecimal digits", p.ID)
	}
	if p.Steps < stepContainers || p.Steps > stepTargets {
		return fmt.Errorf("sandbox %s: %d steps; a sandbox has %d or %d", p.ID, p.Steps, stepContainers, stepTargets)
	}
	seen := map[string]bool{}
	for _, c := range p.Containers {
		if c.Name == "" || seen[c.Name] {
			return fmt.Errorf("sandbox %s: container name %q is empty or used twice", p.ID, c.Name)
		}
		if c.Init && c.Essential {
			return fmt.Errorf("sandbox %s: container %s cannot be both essential and one that has to end first", p.ID, c.Name)
		}
		seen[c.Name] = true
	}
	for _, c := range p.Containers {
		if c.Target != "" && !seen[c.Target] {
			return fmt.Errorf("sandbox %s: container %s: there is no container %s whose processes it could see", p.ID, c.Name, c.Target)
		}
	}
	switch {
	case p.Open && len(p.Containers) > 0:
		return fmt.Errorf("sandbox %s is open and has containers", p.ID)
	case !p.Open && len(p.Containers) == 0:
		return fmt.Errorf("sandbox %s has no containers", p.ID)
	}
	return nil
}

// Stop makes it wanted that a sandbox stops, in the owner's transaction. The
// first code and reason stay; a later call can only shorten the grace, and let
// go of what is held.
// Stopping what has stopped, or is not there any more, is no error.
func Stop(tx *store.Tx, id string, d Desired) error {
	was, revision, err := Sandboxes.Peek(tx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case was.IsStopped():
		return nil
	}
	n := was.clone()
	if n.Desired.Stopped {
		free := n.Desired.Held && !d.Held
		n.Desired.Held = n.Desired.Held && d.Held
		if !free && (d.Grace == nil || n.Desired.Grace != nil && *n.Desired.Grace <= *d.Grace) {
			return nil
		}
		if d.Grace != nil {
			n.Desired.Grace = d.Grace
		}
	} else {
		n.Desired = d
		n.Desired.Stopped = true
		n.Desired.Held = d.Held && n.Spec.Keep && !n.Spec.Open && n.Status.Height >= stepNetwork
		if d.At.IsZero() {
			n.Desired.At = tx.Now()
		}
		n.Desired.At = utc(n.Desired.At)
	}
	if was.Desired != n.Desired {
		n.Status.Version++
	}
	return Sandboxes.ReplaceShared(tx, id, revision, n)
}

// Get reads a sandbox; store.ErrNotFound when there is none. All readers share
// it: nobody may write into it.
func Get(tx *store.Tx, id string) (*Sandbox, error) {
	s, _, err := Sandboxes.Peek(tx, id)
	return s, err
}

// Remove deletes the record of a sandbox that has stopped; ErrRunning when it
// has not. What is not there is no error.
func Remove(tx *store.Tx, id string) error {
	s, err := Get(tx, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !s.IsStopped():
		return fmt.Errorf("sandbox %s: %w", id, ErrRunning)
	}
	return Sandboxes.Delete(tx, id)
}

// version counts a change that DescribeTasks would show.
func (s *Sandbox) version(was *Sandbox) {
	a, b := *was, *s
	for _, x := range []*Sandbox{&a, &b} {
		x.clearTrouble()
		x.Status.Notes, x.Status.OOMKills, x.Status.UnseenSince = nil, 0, time.Time{}
	}
	if !same(&a, &b) {
		s.Status.Version++
	}
}
