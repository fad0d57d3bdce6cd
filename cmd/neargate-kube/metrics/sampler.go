package metrics

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Figures of metrics-server's: how long a window is, and how fast one is made
// when there is none.
const (
	resolution = 15 * time.Second
	firstLook  = time.Second
	// interest is how long usage is read on after the last question.
	interest = 5 * time.Minute
	// outdated is how old a look is that says nothing of the moment any more.
	outdated = 2 * resolution
	// young is how long a pod's usage since its start tells of the moment; its
	// first window needs no second look.
	young  = time.Minute
	atOnce = 16 // sandboxes that are read at the same time
)

// Reader reads a sandbox's usage; the emulator does.
type Reader interface {
	Stats(ctx context.Context, id string) (sandbox.Stats, error)
}

// Usage is what a container uses.
type Usage struct {
	CPU    float64 // cores, over the window
	Memory uint64  // bytes of the working set
}

// PodUsage is a pod's usage over a window.
type PodUsage struct {
	At         time.Time
	Window     time.Duration
	Containers map[string]Usage
}

// sampler keeps the two newest looks at each sandbox.
type sampler struct {
	reader Reader
	pods   func() []*corev1.Pod // those that run

	look  sync.Mutex // one look at a time
	mu    sync.Mutex
	asked time.Time
	wake  chan struct{}
	was   map[string]sandbox.Stats
	is    map[string]sandbox.Stats
}

func newSampler(r Reader, pods func() []*corev1.Pod) *sampler {
	return &sampler{reader: r, pods: pods, wake: make(chan struct{}, 1), was: map[string]sandbox.Stats{}, is: map[string]sandbox.Stats{}}
}

// run looks every 15 s for as long as anybody is interested.
func (s *sampler) run(ctx context.Context) {
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil && s.wanted() {
			s.sample(ctx, resolution/2)
			pause(ctx, resolution)
		}
	}
}

func (s *sampler) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.asked) < interest
}

// ask notes the interest, and makes a first window if any of these pods has
// none.
func (s *sampler) ask(ctx context.Context, ids []string) {
	s.mu.Lock()
	s.asked = time.Now()
	s.forgetIf(func(_ string, is sandbox.Stats) bool { return time.Since(is.At) > outdated })
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	if s.lacking(ids) {
		s.sample(ctx, firstLook/2)
	}
	if s.lacking(ids) {
		pause(ctx, firstLook)
		s.sample(ctx, firstLook/2)
	}
}

func (s *sampler) lacking(ids []string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if _, ok := s.was[id]; !ok {
			return true
		}
	}
	return false
}

// sample looks at all sandboxes whose last look is older than age. What cannot
// be read has no usage to tell, and is left out.
func (s *sampler) sample(ctx context.Context, age time.Duration) {
	s.look.Lock()
	defer s.look.Unlock()
	var g errgroup.Group
	g.SetLimit(atOnce)
	alive := map[string]bool{}
	for _, p := range s.pods() {
		id := boxes.ID(p.UID)
		alive[id] = true
		if s.fresh(id, age) {
			continue
		}
		g.Go(func() error {
			if stats, err := s.reader.Stats(ctx, id); err == nil {
				s.keep(id, stats, startOf(p))
			}
			return nil
		})
	}
	_ = g.Wait() // none fails
	s.forget(alive)
}

func (s *sampler) fresh(id string, age time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	is, ok := s.is[id]
	return ok && time.Since(is.At) < age
}

// keep takes a look at a sandbox whose containers have all run since start, or
// not without a break when that is zero.
func (s *sampler) keep(id string, stats sandbox.Stats, start time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is, ok := s.is[id]; ok {
		s.was[id] = is
	} else if age := stats.At.Sub(start); !start.IsZero() && age >= firstLook && age <= young {
		s.was[id] = atStart(start, stats)
	}
	s.is[id] = stats
}

// atStart is what a look at the start would have seen: nothing was used.
func atStart(start time.Time, later sandbox.Stats) sandbox.Stats {
	s := sandbox.Stats{At: start, Containers: map[string]sandbox.ContainerStats{}}
	for name := range later.Containers {
		s.Containers[name] = sandbox.ContainerStats{}
	}
	return s
}

// startOf is since when all of a pod's containers run that ever did, zero when
// one of them was started anew.
func startOf(p *corev1.Pod) (start time.Time) {
	for _, c := range p.Status.ContainerStatuses {
		if c.RestartCount > 0 || c.State.Running == nil {
			return time.Time{}
		}
		if at := c.State.Running.StartedAt.Time; start.IsZero() || at.Before(start) {
			start = at
		}
	}
	return start
}

func (s *sampler) forget(alive map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetIf(func(id string, _ sandbox.Stats) bool { return !alive[id] })
}

// forgetIf drops looks; s.mu is held.
func (s *sampler) forgetIf(is func(id string, newest sandbox.Stats) bool) {
	for id, newest := range s.is {
		if is(id, newest) {
			delete(s.is, id)
			delete(s.was, id)
		}
	}
}

// usage computes a pod's usage between the two newest looks.
func (s *sampler) usage(id string) (PodUsage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.was[id]
	if !ok {
		return PodUsage{}, false
	}
	return Between(was, s.is[id])
}

// Between computes usage out of two looks. A container that was started anew
// between them is left out, as its counter began again.
func Between(was, is sandbox.Stats) (u PodUsage, ok bool) {
	u = PodUsage{At: is.At, Window: is.At.Sub(was.At), Containers: map[string]Usage{}}
	if u.Window <= 0 {
		return u, false
	}
	for name, now := range is.Containers {
		before, there := was.Containers[name]
		if !there || now.CPU < before.CPU {
			continue
		}
		memory := now.Memory
		if now.MemoryCache < memory {
			memory -= now.MemoryCache
		}
		u.Containers[name] = Usage{CPU: float64(now.CPU-before.CPU) / float64(u.Window), Memory: memory}
	}
	return u, len(u.Containers) > 0
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
