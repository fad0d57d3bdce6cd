package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// world is a runtime, and targets, that do what a tape of bytes says: work,
// fail, work and lose the answer, or refuse for good. An empty tape works.
type world struct {
	mu         sync.Mutex
	tape       []byte
	dice       byte // for the calls of one round, in whatever order they come
	still      bool // the tape has ended
	up         bool
	containers map[string]ObservedContainer
	registered bool
	broken     []string // invariants that did not hold
}

var errPassing = errors.New("passing")

func (w *world) byte() byte {
	if len(w.tape) == 0 {
		return 255
	}
	b := w.tape[0]
	w.tape = w.tape[1:]
	return b
}

// roll gives a number for something that happens in this round.
func (w *world) roll(what string) byte {
	if w.still {
		return 255
	}
	h := fnv.New32a()
	fmt.Fprint(h, w.dice, what)
	return byte(h.Sum32() >> 11)
}

// does performs an operation as the dice say.
func (w *world) does(what string, f func()) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch w.roll(what) % 8 {
	case 0:
		return errPassing
	case 1:
		f()
		return errPassing
	case 2:
		return &StopError{Reason: "never"}
	}
	f()
	return nil
}

func (w *world) Up(context.Context, *Spec) (Address, error) {
	return Address{IP: "10.0.0.4"}, w.does("up", func() { w.up = true })
}

func (w *world) Down(context.Context, string) error {
	return w.does("down", func() {
		for name, c := range w.containers {
			if c.State == ContainerRunning {
				w.broken = append(w.broken, "Down while "+name+" runs")
			}
		}
		if w.registered {
			w.broken = append(w.broken, "Down while registered with targets")
		}
		w.up, w.containers = false, map[string]ObservedContainer{}
	})
}

func (w *world) Pull(_ context.Context, _ *Spec, c *Container) (Pulled, error) {
	return Pulled{Digest: "sha256:x"}, w.does("pull "+c.Name, func() {})
}

func (w *world) Start(_ context.Context, s *Spec, c *Container, attempt int, _ []EnvVar) error {
	return w.does("start "+c.Name, func() {
		if !w.up {
			w.broken = append(w.broken, "Start without Up")
		}
		old, there := w.containers[c.Name]
		if there && old.Attempt >= attempt && old.State != ContainerCreated {
			return
		}
		n := ObservedContainer{RuntimeID: fmt.Sprint(c.Name, attempt), Attempt: attempt, CreatedAt: now()}
		switch w.roll("begin "+c.Name) % 6 {
		case 0:
			n.State = ContainerCreated // and no further
		case 1:
			n.State, n.StartedAt, n.FinishedAt, n.ExitCode = ContainerStopped, now(), now(), int(w.roll("code "+c.Name)%3)
		default:
			n.State, n.StartedAt = ContainerRunning, now()
		}
		w.containers[c.Name] = n
	})
}

func (w *world) Stop(_ context.Context, _ *Spec, c *Container, _ time.Duration) error {
	return w.does("stop "+c.Name, func() { w.exit(c.Name, 143) })
}

func (w *world) Inspect(context.Context, string) (o Observed, err error) {
	err = w.does("inspect", func() {
		o = Observed{Up: w.up, Containers: map[string]ObservedContainer{}}
		for name, c := range w.containers {
			o.Containers[name] = c
		}
	})
	var never *StopError
	if errors.As(err, &never) { // Inspect has no such answer
		err = errPassing
	}
	return o, err
}

func (w *world) List(context.Context) ([]string, error) { return nil, nil }

func (w *world) Events(context.Context) iter.Seq[string] { return func(func(string) bool) {} }

func (w *world) exit(name string, code int) {
	if c, there := w.containers[name]; there && c.State == ContainerRunning {
		c.State, c.FinishedAt, c.ExitCode = ContainerStopped, now(), code
		w.containers[name] = c
	}
}

// goals are the world as Targets.
type goals struct{ *world }

func (g goals) Up(context.Context, *Sandbox) (time.Duration, error) {
	return g.again(), g.does("raise", func() { g.registered = true })
}

func (g goals) Down(context.Context, *Sandbox) (time.Duration, error) {
	again := g.again()
	return again, g.does("lower", func() { g.registered = g.registered && again > 0 })
}

func (g goals) again() time.Duration {
	if g.roll("again")%4 == 0 {
		return time.Millisecond
	}
	return 0
}

// happens lets something befall the sandbox from outside.
func (w *world) happens(s *Sandbox) {
	w.still, w.dice = len(w.tape) == 0, w.byte()
	b := w.byte()
	name := s.Spec.Containers[int(b>>4)%len(s.Spec.Containers)].Name
	switch b % 16 {
	case 0, 1:
		w.exit(name, int(w.byte()%3))
	case 2:
		delete(w.containers, name)
	case 3:
		if w.byte()%4 == 0 {
			w.up, w.containers = false, map[string]ObservedContainer{}
		}
	case 4:
		if w.byte()%2 == 0 {
			s.want("UserInitiated", "stop", now())
		}
	}
}

// fuzzed makes a sandbox out of bytes.
func (w *world) fuzzed() *Sandbox {
	s := &Sandbox{Spec: Spec{ID: "x", Steps: 2 + int(w.byte()%2)}, CreatedAt: now()}
	conditions := []Condition{Start, Exited, Success}
	policies := []RestartPolicy{RestartNever, RestartOnFailure, RestartAlways}
	for i := range 1 + int(w.byte()%4) {
		b := w.byte()
		c := Container{Name: string(rune('a' + i)), Essential: b&1 == 0, Init: b&7 == 7}
		if i > 0 && b&8 == 0 {
			c.Needs = []Need{{Container: string(rune('a' + int(b>>4)%i)), Condition: conditions[int(w.byte())%3]}}
		}
		c.Restart.Policy, c.Restart.Fresh = policies[int(w.byte())%3], b&64 == 0
		s.Spec.Containers = append(s.Spec.Containers, c)
		s.Status.Containers = append(s.Status.Containers, ContainerStatus{Name: c.Name, State: ContainerPending, Health: HealthUnknown})
	}
	return s
}

// rank orders the statuses.
func rank(s *Sandbox) int {
	return slices.Index([]string{Provisioning, Pending, Activating, Running, Deactivating, Stopping, Deprovisioning, Stopped}, LastStatus(s))
}

// compare tells which rule a commit has broken; "" for none.
func compare(was, is *Sandbox) string {
	h := is.Status.Height - was.Status.Height
	switch {
	case rank(is) < rank(was):
		return "status went back"
	case was.Status.Falling && !is.Status.Falling:
		return "climbs after falling"
	case was.Status.Falling && (h > 0 || h < -1), !is.Status.Falling && (h < 0 || h > 1):
		return "skips a step"
	case was.Desired.Stopped && (is.Desired.Code != was.Desired.Code || is.Desired.Reason != was.Desired.Reason):
		return "the reason changed"
	case is.Status.Falling && !is.Desired.Stopped:
		return "falls without a reason"
	case !is.Status.Falling && is.Desired.Stopped:
		return "is to stop and was not turned"
	}
	states := []ContainerState{ContainerPending, ContainerPulling, ContainerPulled, ContainerCreated, ContainerRunning, ContainerStopped}
	for i, n := range is.Status.Containers {
		o := was.Status.Containers[i]
		if n.Attempt < o.Attempt || n.Attempt == o.Attempt && slices.Index(states, n.State) < slices.Index(states, o.State) {
			return "container " + n.Name + " went back"
		}
		if !o.StartedAt.IsZero() && n.Attempt == o.Attempt && !n.StartedAt.Equal(o.StartedAt) {
			return "container " + n.Name + " started twice"
		}
	}
	return ""
}

func FuzzLadder(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9})
	f.Add([]byte{1, 3, 0, 0, 7, 0, 2, 8, 1, 0, 3, 4, 5, 6, 7, 1, 1, 1, 0, 0, 0, 3, 3, 3, 3, 4, 4, 4, 2, 2, 2})
	f.Add([]byte("0000000000000000zzzzzzzzzzzzzzzzzz1111111aaaaaaaa"))
	f.Fuzz(func(t *testing.T, tape []byte) {
		w := &world{tape: tape[:min(len(tape), 2000)], containers: map[string]ObservedContainer{}}
		e := New(Config{Runtime: w, Targets: goals{w}, Log: zerolog.Nop()})
		s := w.fuzzed()
		for calm := 0; !s.IsStopped(); {
			if w.happens(s); len(w.tape) == 0 {
				s.want("UserInitiated", "enough", now())
				if calm++; calm > 60 {
					t.Fatalf("does not come to an end: %s %+v\n%v", LastStatus(s), s.Status, Why(s))
				}
			}
			n := e.once(t, s)
			if why := compare(s, n); why != "" && !(why == "is to stop and was not turned" && n == s) {
				t.Fatalf("%s:\nwas %s %+v\nis  %s %+v", why, LastStatus(s), s.Status, LastStatus(n), n.Status)
			}
			s = stored(t, n)
		}
		if w.up || w.registered || len(w.broken) > 0 {
			t.Errorf("at the end: up %v, registered %v, %v", w.up, w.registered, w.broken)
		}
	})
}

// once is what Reconcile does, without a store; on an error nothing changes.
func (e *Engine) once(t *testing.T, s *Sandbox) *Sandbox {
	v, err := e.look(t.Context(), s)
	if err != nil {
		return s
	}
	a := next(s, v, now())
	if a.verb == record {
		return a.after
	}
	n, _, err := e.perform(t.Context(), s, v, a)
	if err != nil {
		return s
	}
	return n
}

// stored is a record as it comes back from the store.
func stored(t *testing.T, s *Sandbox) *Sandbox {
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	n := new(Sandbox)
	if err := json.Unmarshal(text, n); err != nil {
		t.Fatal(err)
	}
	return n
}
