package boxes_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// watches is a parent that plays one list of events for each watch, and breaks
// after it; when the lists are used up, the last watch stays open.
type watches struct {
	link.Sandboxes
	mu     sync.Mutex
	plays  [][]link.SandboxEvent
	opened []time.Time
}

func (w *watches) Watch(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, time.Now())
	var play []link.SandboxEvent
	last := len(w.plays) <= 1
	if len(w.plays) > 0 {
		play, w.plays = w.plays[0], w.plays[1:]
	}
	return func(yield func(link.SandboxEvent, error) bool) {
		for _, e := range play {
			if !yield(e, nil) {
				return
			}
		}
		if last {
			<-ctx.Done()
		}
		yield(link.SandboxEvent{}, errors.New("broken"))
	}
}

func is(id, status string) link.SandboxEvent {
	return link.SandboxEvent{ID: id, Status: status, Sandbox: &sandbox.Sandbox{Spec: sandbox.Spec{ID: id}}}
}

var synced = link.SandboxEvent{Synced: true}

func run(t *testing.T, plays ...[]link.SandboxEvent) (*boxes.Boxes, *watches, *[]string) {
	w := &watches{plays: plays}
	b := boxes.New(w, zerolog.Nop())
	var told []string
	b.OnChange(func(id string) { told = append(told, id) })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { b.Run(ctx); close(done) }()
	t.Cleanup(func() { cancel(); <-done })
	return b, w, &told
}

func isSynced(b *boxes.Boxes) bool {
	select {
	case <-b.Synced():
		return true
	default:
		return false
	}
}

func TestKeepsWhatIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, told := run(t, []link.SandboxEvent{is("a", "PENDING"), is("b", "PENDING"), synced, is("a", "RUNNING"), {ID: "b"}})
		synctest.Wait()
		if !isSynced(b) {
			t.Error("not synced")
		}
		if got := b.Status("a"); got != "RUNNING" {
			t.Errorf("a is %q", got)
		}
		if s, ok := b.Get("a"); !ok || s.Spec.ID != "a" {
			t.Errorf("Get(a) = %v %v", s, ok)
		}
		if _, ok := b.Get("b"); ok {
			t.Error("b is still there")
		}
		if !slices.Equal(*told, []string{"a", "b", "a", "b"}) {
			t.Errorf("told %v", *told)
		}
	})
}

func TestIsNotSyncedBeforeTheListingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := run(t, []link.SandboxEvent{is("a", "PENDING")})
		synctest.Wait()
		if isSynced(b) {
			t.Error("synced without a listing")
		}
	})
}

func TestAfterABreakOnlyWhatIsListedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, told := run(t,
			[]link.SandboxEvent{is("a", "RUNNING"), is("b", "RUNNING"), synced},
			[]link.SandboxEvent{is("c", "RUNNING")}, // breaks within its listing
			[]link.SandboxEvent{is("b", "STOPPED"), synced})
		synctest.Wait()
		if got := b.IDs(); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("before the second watch: %v", got)
		}
		time.Sleep(time.Second) // virtual: both waits are over
		synctest.Wait()
		if got := b.IDs(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("after the listing: %v", got)
		}
		if b.Status("b") != "STOPPED" {
			t.Errorf("b is %q", b.Status("b"))
		}
		if !slices.Equal(*told, []string{"a", "b", "c", "b", "a", "c"}) {
			t.Errorf("told %v", *told)
		}
	})
}

func TestWaitsLongerUntilAListingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		none := []link.SandboxEvent{}
		_, w, _ := run(t, none, none, none, []link.SandboxEvent{synced}, none, none)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		var waits []time.Duration
		for i := 1; i < len(w.opened); i++ {
			waits = append(waits, w.opened[i].Sub(w.opened[i-1]))
		}
		ms := time.Millisecond
		if want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 100 * ms, 200 * ms}; !slices.Equal(waits, want) {
			t.Errorf("waits %v, want %v", waits, want)
		}
	})
}

func TestNodesAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := is("n", "RUNNING")
		node.Sandbox.Spec.Labels = map[string]string{boxes.NodeLabel: "ng"}
		w := &watches{plays: [][]link.SandboxEvent{{is("a", "RUNNING"), node, synced, {ID: "n"}}}}
		b := boxes.New(w, zerolog.Nop())
		var pods, nodes []string
		b.OnChange(func(id string) { pods = append(pods, id) })
		b.OnNode(func(id string) {
			nodes = append(nodes, id)
			if _, ok := b.Get(id); ok {
				t.Error("Get finds a node")
			}
			if len(nodes) == 1 && !slices.Equal(b.NodeIDs(), []string{"n"}) {
				t.Errorf("nodes %v", b.NodeIDs())
			}
		})
		ctx, cancel := context.WithCancel(t.Context())
		go b.Run(ctx)
		synctest.Wait()
		if _, ok := b.Node("a"); ok {
			t.Error("Node finds a pod")
		}
		if !slices.Equal(pods, []string{"a"}) || !slices.Equal(nodes, []string{"n", "n"}) {
			t.Errorf("told pods %v, nodes %v", pods, nodes)
		}
		cancel()
		synctest.Wait()
	})
}
