package runtimetest

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// life: up, start, seen, down; and every call twice. Failing calls are in
// faults.go.
func life() []scenario {
	return []scenario{
		{"nothing is there at first", nil, nothingAtFirst},
		{"up gives an address of the subnet, twice the same", nil, upTwice},
		{"up at once from many sides is one up", nil, upConcurrently},
		{"two sandboxes never share an address", nil, distinctAddresses},
		{"an address comes free with its sandbox", nil, addressComesFree},
		{"pull tells a digest, twice the same", nil, pullTwice},
		{"start runs a container, twice the same one", nil, startTwice},
		{"start at once from many sides is one start", nil, startConcurrently},
		{"start of what has run does nothing", nil, startOfEnded},
		{"a container that was never started is not seen", nil, neverStarted},
		{"down removes what runs, and again", nil, downTwice},
		{"down of the unknown is no error", nil, downUnknown},
		{"list names what is held", nil, listed},
		{"events tell of an exit", nil, eventsTell},
		{"events end with their context", nil, eventsEnd},
	}
}

func nothingAtFirst(b *bench) {
	ids, err := b.rt.List(b.ctx)
	if err != nil || len(ids) > 0 {
		b.Errorf("List: %v, %v; want nothing", ids, err)
	}
	if o := b.inspect(b.spec()); o.Up || len(o.Containers) > 0 {
		b.Errorf("Inspect of the unknown: %+v", o)
	}
}

func upTwice(b *bench) {
	s := b.spec(Program{})
	a := b.up(s)
	again, err := b.rt.Up(b.ctx, s)
	if err != nil || again.IP != a.IP || again.MAC != a.MAC {
		b.Errorf("second Up: %+v, %v; the first gave %+v", again, err, a)
	}
	ip, err := netip.ParseAddr(a.IP)
	if err != nil || !netip.MustParsePrefix(s.Network.SubnetCIDR).Contains(ip) {
		b.Errorf("address %q is not in %s", a.IP, s.Network.SubnetCIDR)
	}
	o := b.inspect(s)
	if !o.Up || o.Address.IP != a.IP {
		b.Errorf("Inspect after Up: %+v, want address %s", o, a.IP)
	}
}

func upConcurrently(b *bench) {
	s := b.spec(Program{})
	b.up(s)
	var all sync.Map
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			a, err := b.rt.Up(b.ctx, s)
			if err != nil {
				b.Errorf("Up: %v", err)
			}
			all.Store(a.IP, true)
		})
	}
	wg.Wait()
	n := 0
	all.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		b.Errorf("%d different addresses", n)
	}
}

func distinctAddresses(b *bench) {
	seen := map[string]bool{}
	for range 4 {
		a := b.up(b.spec(Program{}))
		if seen[a.IP] {
			b.Errorf("%s was given twice", a.IP)
		}
		seen[a.IP] = true
	}
}

func addressComesFree(b *bench) {
	s := b.spec(Program{})
	tiny(s, 16)
	for range 12 { // more often than the subnet has addresses
		if _, err := b.rt.Up(b.ctx, s); err != nil {
			b.Fatalf("Up: %v", err)
		}
		if err := b.rt.Down(b.ctx, s.ID); err != nil {
			b.Fatalf("Down: %v", err)
		}
	}
}

func pullTwice(b *bench) {
	s := b.spec(Program{})
	b.up(s)
	first, err := b.rt.Pull(b.ctx, s, &s.Containers[0])
	if d := first.Digest; err != nil || len(d) != len("sha256:")+64 || d[:7] != "sha256:" || first.Local != "" {
		b.Fatalf("Pull: %+v, %v; want a digest", first, err)
	}
	if second, err := b.rt.Pull(b.ctx, s, &s.Containers[0]); err != nil || second != first {
		b.Errorf("second Pull: %+v, %v", second, err)
	}
}

func startTwice(b *bench) {
	before := time.Now().Add(-time.Second)
	s := b.launch(Program{})
	c := b.inspect(s).Containers["c0"]
	if c.State != sandbox.ContainerRunning || c.RuntimeID == "" || c.Attempt != 0 || c.StartedAt.Before(before) || c.CreatedAt.Before(before) {
		b.Fatalf("after Start: %+v", c)
	}
	b.start(s, 0)
	if again := b.inspect(s).Containers["c0"]; again.RuntimeID != c.RuntimeID || !again.StartedAt.Equal(c.StartedAt) {
		b.Errorf("second Start made another container: %+v, was %+v", again, c)
	}
}

func startConcurrently(b *bench) {
	s := b.spec(Program{})
	b.up(s)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := b.tryStart(s, 0); err != nil {
				b.Errorf("Start: %v", err)
			}
		})
	}
	wg.Wait()
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerRunning || c.Attempt != 0 {
		b.Errorf("after four Starts: %+v", c)
	}
}

func startOfEnded(b *bench) {
	s := b.launch(Exits(3))
	first := b.ended(s, "c0")
	b.start(s, 0)
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerStopped || !c.FinishedAt.Equal(first.FinishedAt) || c.ExitCode != 3 {
		b.Errorf("Start of what has ended: %+v, was %+v", c, first)
	}
}

func neverStarted(b *bench) {
	s := b.spec(Program{}, Program{})
	b.up(s)
	b.start(s, 1)
	if c, ok := b.inspect(s).Containers["c0"]; ok {
		b.Errorf("c0 was never started, yet is seen: %+v", c)
	}
}

func downTwice(b *bench) {
	s := b.launch(Program{}, Exits(0))
	for range 2 {
		if err := b.rt.Down(b.ctx, s.ID); err != nil {
			b.Fatalf("Down: %v", err)
		}
	}
	if o := b.inspect(s); o.Up || len(o.Containers) > 0 {
		b.Errorf("after Down: %+v", o)
	}
	if ids, err := b.rt.List(b.ctx); err != nil || slices.Contains(ids, s.ID) {
		b.Errorf("after Down, List: %v, %v", ids, err)
	}
	if err := b.rt.Stop(b.ctx, s, &s.Containers[0], time.Second); err != nil {
		b.Errorf("Stop after Down: %v", err)
	}
}

func downUnknown(b *bench) {
	if err := b.rt.Down(b.ctx, b.spec().ID); err != nil {
		b.Error(err)
	}
}

func listed(b *bench) {
	one, two := b.launch(Program{}), b.spec(Program{})
	b.up(two)
	ids, err := b.rt.List(b.ctx)
	slices.Sort(ids)
	want := []string{one.ID, two.ID}
	slices.Sort(want)
	if err != nil || !slices.Equal(ids, want) {
		b.Errorf("List: %v, %v; want %v", ids, err, want)
	}
}

func eventsTell(b *bench) {
	heard := make(chan string, 100)
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for id := range b.rt.Events(ctx) {
			heard <- id
		}
	}()
	s := b.launch(RunsFor(time.Second, 0))
	for {
		select {
		case id := <-heard:
			if (id == s.ID || id == "") && b.inspect(s).Containers["c0"].State == sandbox.ContainerStopped {
				cancel()
				<-done
				return
			}
		case <-b.ctx.Done():
			b.Fatal("no event told of the exit")
		}
	}
}

func eventsEnd(b *bench) {
	ctx, cancel := context.WithCancel(b.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range b.rt.Events(ctx) {
		}
	}()
	cancel()
	select {
	case <-done:
	case <-b.ctx.Done():
		b.Fatal("Events goes on after its context ended")
	}
}
