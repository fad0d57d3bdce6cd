package runtimetest

import (
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// leaving: termination messages.
func leaving() []scenario {
	return []scenario{
		{"a message is left in its file", nil, messageFile},
		{"without one, the last output stands in after a failure", nil, messageLogs},
		{"each run has a message of its own", nil, messageAgain},
		{"a container that came later has one too", nil, messageEphemeral},
	}
}

// leaves is a program that leaves a message and ends.
func leaves(message string, code int) Program {
	p := Exits(code)
	p.Message = message
	if message != "" {
		p.Do = []string{"write /dev/termination-log " + message}
	}
	return p
}

func (b *bench) asking(fromLogs bool, programs ...Program) *sandbox.Spec {
	s := b.spec(programs...)
	for i := range s.Containers {
		c := &s.Containers[i]
		c.Message = &sandbox.Message{Path: "/dev/termination-log", FromLogs: fromLogs}
		c.Restart.Fresh = true
	}
	return s
}

func messageFile(b *bench) {
	long := strings.Repeat("0123456789", 500)
	s := b.asking(false, leaves("it is over", 3), leaves(long, 0), Exits(1))
	s.Containers[0].User = "1000:1000" // who may write it too
	s.Containers[0].ReadOnlyRoot = true
	b.up(s)
	for i, want := range []string{"it is over", long[:4096], ""} {
		b.start(s, i)
		if c := b.ended(s, s.Containers[i].Name); c.Message != want {
			b.Errorf("%s: message %q, want %q", s.Containers[i].Name, c.Message, want)
		}
	}
}

func messageLogs(b *bench) {
	failing, fine, both := Exits(1), Exits(0), leaves("said", 1)
	failing.Print, fine.Print, both.Print = []string{"one", "two"}, []string{"one"}, []string{"one"}
	long := Exits(1)
	long.Print = []string{strings.Repeat("x", 3000) + "end"}
	s := b.asking(true, failing, fine, both, long)
	b.up(s)
	for i, want := range []string{"one\ntwo\n", "", "said", strings.Repeat("x", 2044) + "end\n"} {
		b.start(s, i)
		if c := b.ended(s, s.Containers[i].Name); c.Message != want {
			b.Errorf("%s: message %q, want %q", s.Containers[i].Name, c.Message, want)
		}
	}
}

func messageAgain(b *bench) {
	s := b.asking(false, leaves("first", 1))
	b.up(s)
	b.start(s, 0)
	if c := b.ended(s, "c0"); c.Message != "first" {
		b.Errorf("%+v", c)
	}
	silent := *s
	silent.Containers = b.asking(false, Exits(1)).Containers
	if err := b.rt.Start(b.ctx, &silent, &silent.Containers[0], 1, nil); err != nil {
		b.Fatal(err)
	}
	if c := b.ended(s, "c0"); c.Attempt != 1 || c.Message != "" {
		b.Errorf("%+v", c)
	}
}

func messageEphemeral(b *bench) {
	s := b.asking(false, Program{})
	b.up(s)
	b.start(s, 0)
	late := b.asking(false, leaves("late", 0)).Containers[0]
	late.Name, late.Ephemeral = "debug", true
	s.Containers = append(s.Containers, late)
	b.start(s, 1)
	if c := b.ended(s, "debug"); c.Message != "late" {
		b.Errorf("%+v", c)
	}
}
