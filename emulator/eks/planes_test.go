package eks_test

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/neargate/neargate/emulator/eks/link"
)

// planes are control planes that do what the test says: each is READY with all
// that it was told at once, until one is held.
type planes struct {
	mu      sync.Mutex
	all     map[string]*plane
	held    bool // new ones, and restarts, stay STARTING
	changed chan string
	removed []string
	starts  int
	ensured func() // called, when it is set, after each Ensure
}

type plane struct {
	config   link.Config
	settings link.Settings
	status   link.Status
}

func newPlanes() *planes { return &planes{all: map[string]*plane{}, changed: make(chan string, 100)} }

func (p *planes) Ensure(_ context.Context, c link.Config) error {
	if p.ensured != nil {
		defer p.ensured()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if one := p.all[c.ARN]; one != nil && one.config.Version == c.Version {
		return nil
	}
	p.starts++
	one := &plane{config: c, settings: c.Settings, status: link.Status{Phase: link.Starting, Progress: "starting the API server"}}
	p.all[c.ARN] = one
	if !p.held {
		one.ready()
	}
	return nil
}

// ready is what a control plane tells that follows all that it was told.
func (one *plane) ready() {
	one.status = link.Status{
		Phase: link.Ready, Address: "127.0.0.1:40123", CA: []byte("-----BEGIN CERTIFICATE-----\n"), Version: "v" + one.config.Version + ".0-eks-neargate",
		Settings: one.settings.Revision, Addons: map[string]string{}, Nodegroups: map[string]int{}, Draining: map[string]int{},
	}
	for _, g := range one.settings.Nodegroups {
		one.status.Nodegroups[g.Name] = g.Desired
	}
	for _, a := range one.settings.Addons {
		one.status.Addons[a.Name] = ""
	}
}

func (p *planes) Configure(_ context.Context, arn string, s link.Settings) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[arn]
	if one == nil {
		return errors.New("configured before it was ensured")
	}
	if s.Revision < one.settings.Revision {
		return errors.New("settings go back")
	}
	one.settings = s
	if !p.held && one.status.Phase == link.Ready {
		one.ready()
	}
	return nil
}

func (p *planes) Status(arn string) (link.Status, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.all[arn]
	if one == nil {
		return link.Status{}, false
	}
	return one.status, true
}

func (p *planes) Remove(_ context.Context, arn string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, arn)
	p.removed = append(p.removed, arn)
	return nil
}

func (p *planes) Hints(ctx context.Context) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case arn := <-p.changed:
				if !yield(arn) {
					return
				}
			}
		}
	}
}

func (p *planes) Keys(_ context.Context, arn string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all[arn] == nil {
		return nil, link.ErrAway
	}
	return []byte(`{"keys":[]}`), nil
}

// hold keeps control planes from following; those that are READY stay so.
func (p *planes) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = true
}

// release lets them follow again.
func (p *planes) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = false
	for arn, one := range p.all {
		one.ready()
		p.changed <- arn
	}
}

// becomes changes what a control plane tells of itself.
func (p *planes) becomes(arn string, change func(s *link.Status)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.all[arn].status)
	p.changed <- arn
}

// left counts the control planes that are wanted.
func (p *planes) left() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.all)
}

// told is what a control plane was told last.
func (p *planes) told(arn string) link.Settings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all[arn].settings
}
