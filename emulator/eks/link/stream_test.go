package link_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

func TestWatchTellsAtOnce(t *testing.T) {
	next := make(chan link.SandboxEvent)
	left := make(chan struct{})
	p, _ := pair(t, &script{watch: func(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
		return func(yield func(link.SandboxEvent, error) bool) {
			defer close(left)
			for {
				select {
				case e := <-next:
					if !yield(e, nil) {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}
	}})
	go func() {
		next <- link.SandboxEvent{ID: "a", Sandbox: &sandbox.Sandbox{Spec: sandbox.Spec{ID: "a"}}, Status: "RUNNING"}
	}()
	n := 0
	for e, err := range p.Watch(within(t)) {
		if err != nil {
			t.Fatal(err)
		}
		switch n++; n {
		case 1:
			if e.ID != "a" || e.Sandbox.Spec.ID != "a" || e.Status != "RUNNING" {
				t.Fatal(show(e))
			}
			go func() { next <- link.SandboxEvent{Synced: true} }() // only now: the first was not held back
			continue
		case 2:
			if !e.Synced {
				t.Fatal(show(e))
			}
		}
		break
	}
	<-left // the parent learns that nobody listens
}

func lines(list []sandbox.LogLine, err error) func(context.Context, string, string, sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	return func(context.Context, string, string, sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
		return func(yield func(sandbox.LogLine, error) bool) {
			for _, l := range list {
				if !yield(l, nil) {
					return
				}
			}
			if err != nil {
				yield(sandbox.LogLine{}, err)
			}
		}
	}
}

func TestLogsKeepEveryByte(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)
	sent := []sandbox.LogLine{{At: at, Text: "<a> \u2028"}, {At: at, Text: "\xff\x00\xfe", Stderr: true}, {At: at, Partial: true}}
	p, _ := pair(t, &script{logs: lines(sent, fmt.Errorf("no such container: %w", link.ErrNotFound))})
	var got []sandbox.LogLine
	var last error
	for l, err := range p.Logs(within(t), "x", "c", sandbox.LogsOptions{}) {
		if last = err; err == nil {
			got = append(got, l)
		}
	}
	if show(got) != show(sent) || got[1].Text != sent[1].Text {
		t.Errorf("got %s", show(got))
	}
	if !errors.Is(last, link.ErrNotFound) || last.Error() != "no such container: not found" {
		t.Errorf("last: %v", last)
	}
}

func TestStreamsEndIsNoErrorButACutIs(t *testing.T) {
	p, _ := pair(t, &script{logs: lines([]sandbox.LogLine{{Text: "a"}}, nil)})
	for _, err := range p.Logs(within(t), "x", "c", sandbox.LogsOptions{}) {
		if err != nil {
			t.Errorf("at the end: %v", err)
		}
	}
	p, cut := pair(t, &script{watch: func(ctx context.Context) iter.Seq2[link.SandboxEvent, error] {
		return func(yield func(link.SandboxEvent, error) bool) {
			yield(link.SandboxEvent{Synced: true}, nil)
			<-ctx.Done()
		}
	}})
	var last error
	for _, err := range p.Watch(within(t)) {
		if err == nil {
			go cut()
		}
		last = err
	}
	if !errors.Is(last, link.ErrAway) {
		t.Errorf("cut: %v", last)
	}
}

// Who reads slowly holds the other side back; nothing piles up between them.
func TestSlowReaderHoldsBack(t *testing.T) {
	sent := make(chan int, 100000)
	p, _ := pair(t, &script{logs: func(ctx context.Context, _, _ string, _ sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
		return func(yield func(sandbox.LogLine, error) bool) {
			line := sandbox.LogLine{Text: string(bytes.Repeat([]byte("x"), 16<<10))}
			for i := range 2000 {
				if !yield(line, nil) {
					return
				}
				sent <- i
			}
		}
	}})
	n := 0
	for l, err := range p.Logs(within(t), "x", "c", sandbox.LogsOptions{}) {
		if err != nil || len(l.Text) != 16<<10 {
			t.Fatalf("line %d: %v", n, err)
		}
		n++
		if ahead := len(sent) - n; ahead > 200 {
			t.Fatalf("the other side is %d lines ahead", ahead)
		}
	}
	if n != 2000 {
		t.Errorf("%d lines", n)
	}
}

type scriptedChild struct {
	settings link.Settings
	statuses chan link.Status
	fail     error
}

func (c *scriptedChild) Configure(_ context.Context, s link.Settings) error {
	c.settings = s
	return c.fail
}

func (c *scriptedChild) Watch(ctx context.Context) iter.Seq2[link.Status, error] {
	return func(yield func(link.Status, error) bool) {
		for s := range c.statuses {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (c *scriptedChild) Why(_ context.Context, pod string) ([]string, error) {
	return []string{"because of " + pod}, c.fail
}

func (c *scriptedChild) Keys(context.Context) ([]byte, error) { return []byte(`{"keys":[]}`), c.fail }

func (c *scriptedChild) Log(_ context.Context, w io.Writer) error {
	for range 3 {
		if _, err := io.WriteString(w, "a \xff line\n"); err != nil {
			return err
		}
	}
	return c.fail
}

func TestChild(t *testing.T) {
	c := &scriptedChild{statuses: make(chan link.Status, 2)}
	socket := socketPath(t)
	serveOn(t, socket, link.ServeChild(c))
	d := link.DialChild(socket)
	t.Cleanup(d.Close)
	ctx := within(t)
	if err := d.Configure(ctx, link.Settings{Revision: 7}); err != nil || c.settings.Revision != 7 {
		t.Errorf("%v %+v", err, c.settings)
	}
	if why, err := d.Why(ctx, "a/b"); err != nil || len(why) != 1 || why[0] != "because of a/b" {
		t.Error(why, err)
	}
	if keys, err := d.Keys(ctx); err != nil || string(keys) != `{"keys":[]}` {
		t.Error(string(keys), err)
	}
	var log bytes.Buffer
	if err := d.Log(ctx, &log); err != nil || log.String() != "a \xff line\na \xff line\na \xff line\n" {
		t.Errorf("%q %v", log.String(), err)
	}
	c.statuses <- link.Status{Phase: link.Starting}
	c.statuses <- link.Status{Phase: link.Ready, CA: []byte("pem"), Draining: map[string]int{"nodegroup/a": 0}}
	close(c.statuses)
	var last link.Status
	for s, err := range d.Watch(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		last = s
	}
	if last.Phase != link.Ready || string(last.CA) != "pem" || len(last.Draining) != 1 {
		t.Error(show(last))
	}
	c.fail = link.ErrConflict
	if err := d.Log(ctx, io.Discard); !errors.Is(err, link.ErrConflict) {
		t.Errorf("log: %v", err)
	}
	if err := d.Configure(ctx, link.Settings{}); !errors.Is(err, link.ErrConflict) {
		t.Errorf("configure: %v", err)
	}
}
