package runtimetest

import (
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// adoption: a new emulator process on the same backend, and other people's
// things on it.
func adoption() []scenario {
	return []scenario{
		{"a second runtime sees and stops what the first made", nil, adopts},
		{"a second runtime tells exits that nobody watched", nil, adoptsExit},
		{"a second runtime gives no address twice", nil, adoptsAddresses},
		{"another emulator's sandboxes are not seen and not touched", nil, foreign},
	}
}

// second makes the runtime of the restarted emulator.
func (b *bench) second() sandbox.Runtime {
	b.Helper()
	if b.o.Again == nil {
		b.Skip("this runtime's options have no Again")
	}
	return b.o.Again(b.T, b.rt)
}

func adopts(b *bench) {
	s := b.launch(Program{Print: []string{"before"}})
	b.says(s, "c0", "before")
	before := b.inspect(s)
	b.rt = b.second()
	after := b.inspect(s)
	if !after.Up || after.Address.IP != before.Address.IP {
		b.Fatalf("seen %+v, was %+v", after, before)
	}
	was, is := before.Containers["c0"], after.Containers["c0"]
	if is.State != sandbox.ContainerRunning || is.RuntimeID != was.RuntimeID || !is.StartedAt.Equal(was.StartedAt) || is.Attempt != was.Attempt {
		b.Errorf("seen %+v, was %+v", is, was)
	}
	if ids, err := b.rt.List(b.ctx); err != nil || !slices.Contains(ids, s.ID) {
		b.Errorf("List: %v, %v", ids, err)
	}
	if a, err := b.rt.Up(b.ctx, s); err != nil || a.IP != before.Address.IP {
		b.Errorf("Up: %+v, %v", a, err)
	}
	b.start(s, 0)
	if c := b.inspect(s).Containers["c0"]; !c.StartedAt.Equal(was.StartedAt) {
		b.Errorf("it was restarted: %+v", c)
	}
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], 2*soon); err != nil {
		b.Error(err)
	}
	if c := b.inspect(s).Containers["c0"]; c.ExitCode != 143 {
		b.Errorf("%+v", c)
	}
}

func adoptsExit(b *bench) {
	s := b.launch(RunsFor(300*time.Millisecond, 9))
	first := b.ended(s, "c0")
	b.rt = b.second()
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerStopped || c.ExitCode != 9 || !c.FinishedAt.Equal(first.FinishedAt) {
		b.Errorf("seen %+v, was %+v", c, first)
	}
}

func adoptsAddresses(b *bench) {
	one := b.up(b.spec(Program{}))
	b.rt = b.second()
	if two := b.up(b.spec(Program{})); two.IP == one.IP {
		b.Errorf("%s was given twice", one.IP)
	}
}

func foreign(b *bench) {
	if b.o.Other == nil {
		b.Skip("this runtime's options have no Other")
	}
	s := b.launch(Program{})
	other := b.o.Other(b.T, b.rt)
	if ids, err := other.List(b.ctx); err != nil || slices.Contains(ids, s.ID) {
		b.Errorf("the other emulator lists %v, %v", ids, err)
	}
	if o, err := other.Inspect(b.ctx, s.ID); err != nil || o.Up {
		b.Errorf("the other emulator sees %+v, %v", o, err)
	}
	if err := other.Down(b.ctx, s.ID); err != nil {
		b.Errorf("the other emulator's Down: %v", err)
	}
	if o := b.inspect(s); !o.Up || o.Containers["c0"].State != sandbox.ContainerRunning {
		b.Errorf("after the other emulator's Down: %+v", o)
	}
}
