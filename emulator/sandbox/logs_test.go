package sandbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// sink is a LogSink that remembers, and fails when told to.
type sink struct {
	mu      sync.Mutex
	streams map[string]*stream
	refuse  error // of Open
	broken  error // of Write
	slow    time.Duration
}

type stream struct {
	sink    *sink
	lines   []string
	last    time.Time
	flushed int // after how many lines the last time
	closed  int
}

func newSink() *sink { return &sink{streams: map[string]*stream{}} }

func (k *sink) Open(_ context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.LogStream, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuse != nil {
		return nil, k.refuse
	}
	key := s.ID + "/" + c.Name
	if k.streams[key] == nil {
		k.streams[key] = &stream{sink: k}
	}
	return k.streams[key], nil
}

func (s *stream) Resume() time.Time {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	return s.last
}

func (s *stream) Write(ctx context.Context, lines []sandbox.LogLine) error {
	s.sink.mu.Lock()
	slow := s.sink.slow
	s.sink.mu.Unlock()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		return ctx.Err()
	}
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	if s.sink.broken != nil {
		return s.sink.broken
	}
	for _, l := range lines {
		s.lines, s.last = append(s.lines, l.Text), l.At
	}
	return nil
}

func (s *stream) Flush(context.Context) error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.flushed = len(s.lines)
	return nil
}

func (s *stream) Close() error {
	s.sink.mu.Lock()
	defer s.sink.mu.Unlock()
	s.closed++
	return nil
}

func (k *sink) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

func (k *sink) lines(n int) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s := k.streams[id(n)+"/a"]; s != nil {
		return slices.Clone(s.lines)
	}
	return nil
}

// ticks are the lines of a fake container with FAKE_LOG_EVERY.
func ticks(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("tick %d", i+1))
	}
	return all
}

func logging(n int, env string, options ...string) sandbox.Spec {
	p := spec(n, env)
	p.Containers[0].Log = sandbox.Log{Driver: "awslogs", Options: map[string]string{}}
	for _, o := range options {
		k, v, _ := strings.Cut(o, "=")
		p.Containers[0].Log.Options[k] = v
	}
	return p
}

// logScene is a scene with a sink.
func logScene(t *testing.T, f func(b *bench, k *sink)) {
	k := newSink()
	scene(t, func(c *sandbox.Config) { c.Logs = k }, func(b *bench) { f(b, k) })
}

func wantLines(b *bench, got, want []string) {
	b.Helper()
	if !slices.Equal(got, want) {
		b.Errorf("%d lines, want %d: %.300q", len(got), len(want), got)
	}
}

func TestLogsArriveBeforeTheEnd(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		b.create(logging(1, `FAKE_STDOUT=a\nb FAKE_STDERR=c FAKE_EXIT=0`))
		b.wait(1, sandbox.Deprovisioning)
		wantLines(b, k.lines(1), []string{"a", "b", "c"})
		k.set(func() {
			if n := k.streams[id(1)+"/a"].flushed; n != 3 {
				b.Errorf("flushed after %d of 3 lines", n)
			}
		})
		b.wait(1, sandbox.Stopped)
		<-time.After(time.Second)
		k.set(func() {
			if n := k.streams[id(1)+"/a"].closed; n != 1 {
				b.Errorf("the stream was closed %d times", n)
			}
		})
	})
}

func TestLogsSurviveRestartsOfTheEngine(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		b.create(logging(1, "FAKE_LOG_EVERY=100ms FAKE_RUN_FOR=100050ms"))
		b.wait(1, sandbox.Running)
		for range 9 {
			<-time.After(7*time.Second + 77*time.Millisecond)
			b.restart()
		}
		b.stop()
		<-time.After(time.Minute)
		b.start()
		b.wait(1, sandbox.Stopped)
		wantLines(b, k.lines(1), ticks(1000))
	})
}

func TestLogsOfAllAttempts(t *testing.T) {
	for _, fresh := range []bool{false, true} {
		t.Run(fmt.Sprintf("fresh %v", fresh), func(t *testing.T) {
			logScene(t, func(b *bench, k *sink) {
				k.slow = 300 * time.Millisecond
				p := logging(1, `FAKE_STDOUT=x\ny FAKE_RUN_FOR=1s`)
				p.Containers[0].Restart = sandbox.Restart{Policy: sandbox.RestartAlways, Fresh: fresh}
				b.create(p)
				b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 3 })
				b.stopTask(1)
				b.wait(1, sandbox.Stopped)
				wantLines(b, k.lines(1), strings.Fields(strings.Repeat("x y ", 4)))
			})
		})
	}
}

func TestSinkThatRefuses(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		const reason = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
		k.set(func() { k.refuse = &sandbox.StopError{Reason: reason} })
		b.create(logging(1, ""))
		s := b.wait(1, sandbox.Stopped)
		b.wantStop(s, "TaskFailedToStart", reason)
		if b.rt.Calls("Start") != 0 || s.Status.Containers[0].Reason != reason {
			b.Error(b.dump(1))
		}
	})
}

func TestSinkThatIsBrokenForAWhile(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		k.set(func() { k.refuse = errors.New("closed today") })
		b.create(logging(1, "FAKE_LOG_EVERY=1s FAKE_RUN_FOR=300500ms", "mode=blocking"))
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Trouble == "closed today" })
		k.set(func() { k.refuse, k.broken = nil, errors.New("full") })
		s := b.wait(1, sandbox.Running)
		b.until(1, func(s *sandbox.Sandbox) bool { return slices.Contains(s.Status.Notes, "a: logs are late: full") })
		<-time.After(time.Until(s.Status.StartedAt.Add(2 * time.Minute)))
		k.set(func() { k.broken = nil })
		b.wait(1, sandbox.Stopped)
		wantLines(b, k.lines(1), ticks(300))
	})
}

func TestSinkThatStaysBrokenIsNotWaitedForForEver(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		k.set(func() { k.broken = errors.New("full") })
		b.create(logging(1, "FAKE_STDOUT=x FAKE_RUN_FOR=1s"))
		s := b.wait(1, sandbox.Stopped)
		if took := s.Status.StoppedAt.Sub(s.CreatedAt); took != 11*time.Second {
			b.Errorf("it took %v", took)
		}
		if want := "a: logs of the end may be missing: they could not be written within 10s"; !slices.Contains(s.Status.Notes, want) {
			b.Errorf("notes %q", s.Status.Notes)
		}
	})
}

func TestNonBlockingDropsAndTells(t *testing.T) {
	for _, mode := range []string{"mode=blocking", "mode=non-blocking"} {
		t.Run(mode, func(t *testing.T) {
			logScene(t, func(b *bench, k *sink) {
				k.set(func() { k.broken = errors.New("full") })
				b.create(logging(1, "FAKE_LOG_EVERY=1s FAKE_RUN_FOR=200500ms", mode, "max-buffer-size=1k"))
				b.wait(1, sandbox.Running)
				<-time.After(100 * time.Second)
				k.set(func() { k.broken = nil })
				s := b.wait(1, sandbox.Stopped)
				got := k.lines(1)
				if mode == "mode=blocking" {
					wantLines(b, got, ticks(200))
					return
				}
				want := fmt.Sprintf("a: logs: %d lines were dropped because the buffer was full (mode non-blocking)", 200-len(got))
				if len(got) < 50 || len(got) > 190 || got[len(got)-1] != "tick 200" || !slices.Contains(s.Status.Notes, want) {
					b.Errorf("%d lines, the last %q; notes %q, want %q", len(got), got[len(got)-1], s.Status.Notes, want)
				}
			})
		})
	}
}

func TestRuntimeAwayWhileLogging(t *testing.T) {
	logScene(t, func(b *bench, k *sink) {
		b.create(logging(1, "FAKE_LOG_EVERY=1s FAKE_RUN_FOR=100500ms"))
		b.wait(1, sandbox.Running)
		<-time.After(10 * time.Second)
		b.restart()
		b.rt.Away(true)
		<-time.After(10 * time.Minute)
		b.rt.Away(false)
		b.wait(1, sandbox.Stopped)
		wantLines(b, k.lines(1), ticks(100))
	})
}
