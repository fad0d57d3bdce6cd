package pods_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/pods"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// parent notes what it is asked for, and tells what it is given.
type parent struct {
	link.Sandboxes
	link.Containers
	mu     sync.Mutex
	calls  []string
	asked  chan string // every call, when somebody reads it
	events chan link.SandboxEvent
	fails  map[string]error // by the first word of a call
}

func (p *parent) call(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, text)
	select {
	case p.asked <- text:
	default:
	}
	verb, _, _ := strings.Cut(text, " ")
	return p.fails[verb]
}

// took gives what was asked for since the last time.
func (p *parent) took() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.calls = nil }()
	return strings.Join(p.calls, "; ")
}

func (p *parent) CompleteSandbox(_ context.Context, _ string, c link.Completion) error {
	return p.call("complete %s", c.Containers[0].Name)
}

func (p *parent) AddContainer(_ context.Context, _ string, c sandbox.Container) error {
	return p.call("add %s", c.Name)
}

func (p *parent) ConfigureContainer(_ context.Context, _, name string, c link.Configuration) error {
	if c.Trouble != "" {
		return p.call("tell %s %d %s %s", name, c.Attempt, c.Trouble, c.Text)
	}
	return p.call("tell %s %d %s", name, c.Attempt, c.Container.Command)
}

func (p *parent) ResizeContainer(_ context.Context, _, name string, r sandbox.Resources) error {
	return p.call("resize %s %v", name, r)
}

func (p *parent) RestartContainer(_ context.Context, _, name string, attempt int, reason string) error {
	return p.call("restart %s %d %s", name, attempt, reason)
}

func (p *parent) StopSandbox(_ context.Context, _, code, _ string, grace *time.Duration) error {
	if grace == nil {
		return p.call("stop %s", code)
	}
	return p.call("stop %s %v", code, *grace)
}

func (p *parent) RemoveSandbox(context.Context, string) error { return p.call("remove") }

func (p *parent) WriteFiles(_ context.Context, _, volume string, files []sandbox.File) error {
	return p.call("write %s %s", volume, files[0].Data)
}

func (p *parent) HostPath(_ context.Context, node, path, kind string) (link.HostPathState, error) {
	return link.HostPathState{Place: strings.TrimPrefix(path, "/")}, p.call("hostpath %s %s %s", node, path, kind)
}

func (p *parent) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	return func(yield func(link.SandboxEvent, error) bool) {
		for {
			select {
			case e := <-p.events:
				if !yield(e, nil) {
					return
				}
			case <-ctx.Done():
				yield(link.SandboxEvent{}, ctx.Err())
				return
			}
		}
	}
}

// boxes are the sandboxes of a test.
type boxMap struct {
	all    map[string]*sandbox.Sandbox
	synced chan struct{}
}

func (b *boxMap) Get(id string) (*sandbox.Sandbox, bool) { s, ok := b.all[id]; return s, ok }
func (b *boxMap) Synced() <-chan struct{}                { return b.synced }
func (b *boxMap) OnChange(func(string))                  {}
func (b *boxMap) IDs() []string {
	var ids []string
	for id := range b.all {
		ids = append(ids, id)
	}
	return ids
}

// words is a translator whose volumes hold one file with a given text.
type words struct {
	mu       sync.Mutex
	problems pods.Problems
	text     string
	due      time.Time
	asked    int
}

func (w *words) Pod(context.Context, *v1.Pod, *sandbox.Sandbox) (pods.Translation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if len(w.problems) > 0 {
		return pods.Translation{}, w.problems
	}
	return pods.Translation{
		Completion: link.Completion{Containers: []sandbox.Container{{Name: "a"}}, Volumes: []sandbox.Volume{{Name: "v", Files: []sandbox.File{{Path: "f", Data: []byte(w.text)}}}}},
		Notes:      []string{"hostPort has no effect."},
	}, nil
}

// Container gives a container whose command is the text.
func (w *words) Container(_ context.Context, _ *v1.Pod, _ *sandbox.Sandbox, name string) (pods.Translation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if len(w.problems) > 0 {
		return pods.Translation{}, w.problems
	}
	return pods.Translation{
		Completion: link.Completion{Containers: []sandbox.Container{{Name: name, Command: []string{w.text}}}},
		Events:     []pods.Warning{{Type: "Warning", Reason: "InvalidEnvironmentVariableNames", Message: "1st"}},
		Notes:      []string{"procMount has no effect."},
	}, nil
}

func (w *words) Ephemeral(_ context.Context, _ *v1.Pod, _ *sandbox.Sandbox, name string) (sandbox.Container, []string, error) {
	return sandbox.Container{Name: name}, []string{name + " gets no capabilities."}, nil
}

func (w *words) Volume(context.Context, *v1.Pod, *sandbox.Sandbox, string) ([]sandbox.File, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.problems) > 0 {
		return nil, time.Time{}, w.problems
	}
	return []sandbox.File{{Path: "f", Data: []byte(w.text)}}, w.due, nil
}

// stage is a worker whose rounds a test does one by one.
type stage struct {
	*testing.T
	w      *pods.Worker
	client *fake.Clientset
	parent *parent
	boxes  *boxMap
	words  *words
	pods   interface {
		Update(any) error
		Delete(any) error
	}
	events []string
}

const clusterARN = "arn:aws:eks:us-east-1:000000000000:cluster/c"

func newStage(t *testing.T, objects ...runtime.Object) *stage {
	t.Helper()
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	s := &stage{T: t, client: client, parent: &parent{fails: map[string]error{}}, boxes: &boxMap{all: map[string]*sandbox.Sandbox{}}, words: &words{text: "old"}}
	w, err := pods.New(pods.Config{
		Client: client, Informers: factory, Boxes: s.boxes, Parent: s.parent, Translator: s.words,
		Cluster: link.Config{ARN: clusterARN}, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Record(func(_ *v1.Pod, e pods.Event) { s.events = append(s.events, e.Reason+": "+e.Message) })
	s.w, s.pods = w, factory.Core().V1().Pods().Informer().GetIndexer()
	for _, o := range objects {
		switch o := o.(type) {
		case *v1.Pod:
			s.see(o)
		case *v1.Node:
			if err := factory.Core().V1().Nodes().Informer().GetIndexer().Add(o); err != nil {
				t.Fatal(err)
			}
		}
	}
	return s
}

// see has the informer show a pod.
func (s *stage) see(p *v1.Pod) {
	s.Helper()
	if err := s.pods.Update(p); err != nil {
		s.Fatal(err)
	}
}

// is has a sandbox be so.
func (s *stage) is(b *sandbox.Sandbox) {
	b.Spec.Owner = clusterARN + "/default/web"
	s.boxes.all[b.Spec.ID] = b
}

// round does a round that must not fail, shows the informer what came of it,
// and returns when the next is due.
func (s *stage) round() time.Duration {
	s.Helper()
	again, err := s.w.Sync(s.Context(), boxes.ID(uid))
	if err != nil {
		s.Fatal(err)
	}
	if p, err := s.get(); err == nil {
		s.see(p)
	}
	return again
}

// took compares what the parent was asked for since the last time.
func (s *stage) took(want string) {
	s.Helper()
	if got := s.parent.took(); got != want {
		s.Errorf("the parent was asked for %q, want %q", got, want)
	}
}

// told compares the events since the last time.
func (s *stage) told(want ...string) {
	s.Helper()
	if fmt.Sprint(s.events) != fmt.Sprint(want) {
		s.Errorf("events %q, want %q", s.events, want)
	}
	s.events = nil
}

var errAway = errors.New("away")
