package runtimetest

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// restarts: the next attempt, in place (ECS) and fresh (pods).
func restarts() []scenario {
	return []scenario{
		{"the next attempt in place is the same container", nil, restartInPlace},
		{"the next attempt, fresh, is a new container", nil, restartFresh},
		{"an attempt is started once", nil, restartTwice},
		{"in place keeps files, fresh does not", []Capability{Processes}, restartFiles},
		{"logs of the attempt before are kept", nil, restartLogs},
	}
}

// again starts the next attempt of c0 and waits for its end.
func (b *bench) again(s *sandbox.Spec, attempt int) sandbox.ObservedContainer {
	b.Helper()
	if err := b.rt.Start(b.ctx, s, &s.Containers[0], attempt, nil); err != nil {
		b.Fatalf("attempt %d: %v", attempt, err)
	}
	c := b.ended(s, "c0")
	if c.Attempt != attempt {
		b.Fatalf("attempt %d is seen as %d", attempt, c.Attempt)
	}
	return c
}

func restartInPlace(b *bench) {
	s := b.launch(Exits(3))
	first := b.ended(s, "c0")
	second := b.again(s, 1)
	if second.RuntimeID != first.RuntimeID || second.StartedAt.Before(first.FinishedAt) || second.ExitCode != 3 {
		b.Errorf("first %+v, second %+v", first, second)
	}
}

func restartFresh(b *bench) {
	s := b.spec(Exits(3))
	s.Containers[0].Restart.Fresh = true
	b.up(s)
	b.start(s, 0)
	first := b.ended(s, "c0")
	second := b.again(s, 1)
	if second.RuntimeID == first.RuntimeID || second.CreatedAt.Before(first.CreatedAt) || second.ExitCode != 3 {
		b.Errorf("first %+v, second %+v", first, second)
	}
}

func restartTwice(b *bench) {
	for _, fresh := range []bool{false, true} {
		s := b.spec(Exits(0))
		s.Containers[0].Restart.Fresh = fresh
		b.up(s)
		b.start(s, 0)
		b.ended(s, "c0")
		first := b.again(s, 1)
		if second := b.again(s, 1); !second.StartedAt.Equal(first.StartedAt) || second.RuntimeID != first.RuntimeID {
			b.Errorf("fresh %v: attempt 1 was started again: %+v, was %+v", fresh, second, first)
		}
		// A late repetition of an older attempt must not disturb the newer one.
		if err := b.rt.Start(b.ctx, s, &s.Containers[0], 0, nil); err != nil {
			b.Errorf("attempt 0 again: %v", err)
		}
		if o := b.inspect(s).Containers["c0"]; o.Attempt != 1 || o.State != sandbox.ContainerStopped {
			b.Errorf("fresh %v: after attempt 0 again: %+v", fresh, o)
		}
	}
}

func restartFiles(b *bench) {
	for _, fresh := range []bool{false, true} {
		p := Exits(0)
		p.Do = []string{"read /mark", "write /mark kept"}
		s := b.spec(p)
		s.Containers[0].Restart.Fresh = fresh
		b.up(s)
		b.start(s, 0)
		b.ended(s, "c0")
		b.again(s, 1)
		got := texts(b.output(s, "c0", sandbox.LogsOptions{}))
		if read := got[len(got)-2]; strings.HasPrefix(read, "error") != fresh {
			b.Errorf("fresh %v: the second attempt read %q", fresh, read)
		}
	}
}

func restartLogs(b *bench) {
	p := Exits(0)
	p.Print = []string{"hello"}
	s := b.spec(p)
	s.Containers[0].Restart.Fresh = true
	b.up(s)
	b.start(s, 0)
	b.ended(s, "c0")
	b.again(s, 1)
	for _, previous := range []bool{false, true} {
		if got := texts(b.output(s, "c0", sandbox.LogsOptions{Previous: previous})); !slices.Equal(got, []string{"hello"}) {
			b.Errorf("previous %v: %q", previous, got)
		}
	}
}
