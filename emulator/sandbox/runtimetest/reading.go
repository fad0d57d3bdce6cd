package runtimetest

import (
	"context"
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// reading: what containers write. Scenarios skip where a runtime has no Logs.
func reading() []scenario {
	return []scenario{
		{"logs hold all lines in order with their stream", nil, logsAll},
		{"logs follow until the end", nil, logsFollow},
		{"logs go on from a time without a gap", nil, logsSince},
		{"logs give the last lines", nil, logsTail},
		{"logs end with their context", nil, logsCancelled},
		{"logs of two containers are apart", nil, logsApart},
	}
}

func logsAll(b *bench) {
	p := Exits(0)
	p.Print, p.PrintErr = []string{"one", "", "three  "}, []string{"trouble"}
	s := b.launch(p)
	b.ended(s, "c0")
	var out, errs []string
	lines := b.output(s, "c0", sandbox.LogsOptions{})
	for i, l := range lines {
		if l.Stderr {
			errs = append(errs, l.Text)
		} else {
			out = append(out, l.Text)
		}
		if l.At.IsZero() || i > 0 && l.At.Before(lines[i-1].At) {
			b.Errorf("line %d %q at %v, after one at %v", i, l.Text, l.At, lines[max(0, i-1)].At)
		}
	}
	if !slices.Equal(out, p.Print) || !slices.Equal(errs, p.PrintErr) {
		b.Errorf("stdout %q, stderr %q", out, errs)
	}
}

func logsFollow(b *bench) {
	p := RunsFor(700*time.Millisecond, 0)
	p.Print, p.Every = []string{"first"}, 200*time.Millisecond
	s := b.launch(p)
	got := texts(b.output(s, "c0", sandbox.LogsOptions{Follow: true}))
	want := []string{"first", "tick 1", "tick 2", "tick 3"}
	if !slices.Equal(got, want) {
		b.Errorf("followed %q", got)
	}
	if c := b.ended(s, "c0"); c.ExitCode != 0 {
		b.Errorf("%+v", c)
	}
}

func logsSince(b *bench) {
	p := Exits(0)
	p.Print = []string{"a", "b", "c", "d"}
	s := b.launch(p)
	b.ended(s, "c0")
	all := b.output(s, "c0", sandbox.LogsOptions{})
	if len(all) != 4 {
		b.Fatalf("%d lines", len(all))
	}
	from := b.output(s, "c0", sandbox.LogsOptions{Since: all[2].At, Follow: true})
	// Lines of the same nanosecond may come again; none at or after it is lost.
	if len(from) < 2 || !slices.Equal(texts(from[len(from)-2:]), []string{"c", "d"}) {
		b.Errorf("since the third line: %q", texts(from))
	}
	for _, l := range from {
		if l.At.Before(all[2].At) {
			b.Errorf("%q at %v is older than %v", l.Text, l.At, all[2].At)
		}
	}
	if late := b.output(s, "c0", sandbox.LogsOptions{Since: all[3].At.Add(time.Nanosecond)}); len(late) > 0 {
		b.Errorf("after the last line: %q", texts(late))
	}
}

func logsTail(b *bench) {
	p := Exits(0)
	p.Print = []string{"a", "b", "c"}
	s := b.launch(p)
	b.ended(s, "c0")
	if got := texts(b.output(s, "c0", sandbox.LogsOptions{Tail: 2})); !slices.Equal(got, []string{"b", "c"}) {
		b.Errorf("the last two: %q", got)
	}
}

func logsCancelled(b *bench) {
	s := b.launch(Program{Print: []string{"hello"}})
	logs, ok := b.rt.(sandbox.Logs)
	if !ok {
		b.Skip("this runtime has no Logs")
	}
	ctx, cancel := context.WithCancel(b.ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range logs.Logs(ctx, s.ID, "c0", sandbox.LogsOptions{Follow: true}) {
			cancel() // after the first line, or with the error that follows
		}
	}()
	select {
	case <-done:
	case <-b.ctx.Done():
		b.Fatal("Logs goes on after its context ended")
	}
}

func logsApart(b *bench) {
	one, two := Exits(0), Exits(0)
	one.Print, two.Print = []string{"from one"}, []string{"from two"}
	s := b.launch(one, two)
	b.ended(s, "c0")
	b.ended(s, "c1")
	if got := texts(b.output(s, "c1", sandbox.LogsOptions{})); !slices.Equal(got, []string{"from two"}) {
		b.Errorf("c1 wrote %q", got)
	}
}
