package runtimetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

const (
	// patience bounds every wait of the suite; none comes near it.
	patience = 5 * time.Minute
	// soon tells what has to be done at once from what waits: for a grace that
	// is longer, for an answer that never comes. A busy machine keeps it.
	soon = time.Minute
)

// bench is what one scenario works on: a runtime and ways to say shortly what
// is done to it.
type bench struct {
	*testing.T
	o   Options
	rt  sandbox.Runtime
	ctx context.Context
}

func newBench(t *testing.T, o Options) *bench {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &bench{T: t, o: o, rt: o.New(t), ctx: ctx}
}

// spec makes a sandbox of one container per program, named c0, c1, …
func (b *bench) spec(programs ...Program) *sandbox.Spec {
	n := b.o.Network
	if n.SubnetCIDR == "" {
		n = sandbox.Network{VPC: "vpc-0runtimetest00000", VPCCIDR: "10.213.0.0/16", Subnet: "subnet-0runtimetest00", SubnetCIDR: "10.213.1.0/24"}
	}
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		b.Fatal(err)
	}
	s := &sandbox.Spec{ID: hex.EncodeToString(id), Owner: "arn:aws:ecs:us-east-1:000000000000:task/suite/" + hex.EncodeToString(id), Network: n, Steps: 3}
	for i, p := range programs {
		c := b.o.Container(b.T, p)
		c.Name = "c" + string(rune('0'+i))
		s.Containers = append(s.Containers, c)
	}
	return s
}

// tiny puts s into a subnet of sixteen addresses, the first of which is the
// given one of the VPC's ninth /24.
func tiny(s *sandbox.Spec, from byte) {
	a := netip.MustParsePrefix(s.Network.VPCCIDR).Addr().As4()
	a[2], a[3] = 9, from
	s.Network.Subnet, s.Network.SubnetCIDR = "subnet-0tiny000000000", netip.PrefixFrom(netip.AddrFrom4(a), 28).String()
}

// up brings the sandbox up and takes it down with the test.
func (b *bench) up(s *sandbox.Spec) sandbox.Address {
	b.Helper()
	b.downAtEnd(s)
	a, err := b.rt.Up(b.ctx, s)
	if err != nil {
		b.Fatalf("Up: %v", err)
	}
	return a
}

func (b *bench) downAtEnd(s *sandbox.Spec) {
	b.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), patience)
		defer cancel()
		if err := b.rt.Down(ctx, s.ID); err != nil {
			b.Errorf("Down at the end: %v", err)
		}
	})
}

// start pulls and starts a container's first attempt.
func (b *bench) start(s *sandbox.Spec, i int) {
	b.Helper()
	if err := b.tryStart(s, i); err != nil {
		b.Fatalf("start of %s: %v", s.Containers[i].Name, err)
	}
}

func (b *bench) tryStart(s *sandbox.Spec, i int) error {
	if _, err := b.rt.Pull(b.ctx, s, &s.Containers[i]); err != nil {
		return err
	}
	return b.rt.Start(b.ctx, s, &s.Containers[i], 0, nil)
}

// launch brings up a sandbox and starts all its containers in order.
func (b *bench) launch(programs ...Program) *sandbox.Spec {
	b.Helper()
	s := b.spec(programs...)
	b.up(s)
	for i := range s.Containers {
		b.start(s, i)
	}
	return s
}

// ready launches programs and waits until each one minds signals: before that
// the kernel keeps them from PID 1, or Go's runtime ends it in its own way.
func (b *bench) ready(programs ...Program) *sandbox.Spec {
	b.Helper()
	for i := range programs {
		programs[i].Print = []string{"ready"}
	}
	s := b.launch(programs...)
	for i := range s.Containers {
		b.says(s, s.Containers[i].Name, "ready")
	}
	return s
}

// says waits for a line of a container's.
func (b *bench) says(s *sandbox.Spec, name, text string) {
	b.Helper()
	logs, ok := b.rt.(sandbox.Logs)
	if !ok {
		return
	}
	for l, err := range logs.Logs(b.ctx, s.ID, name, sandbox.LogsOptions{Follow: true}) {
		if err != nil {
			b.Fatalf("Logs: %v", err)
		}
		if l.Text == text {
			return
		}
	}
	b.Fatalf("%s ended without saying %q", name, text)
}

func (b *bench) inspect(s *sandbox.Spec) sandbox.Observed {
	b.Helper()
	o, err := b.rt.Inspect(b.ctx, s.ID)
	if err != nil {
		b.Fatalf("Inspect: %v", err)
	}
	return o
}

// await looks until ok, or fails the test.
func (b *bench) await(what string, ok func() bool) {
	b.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			b.Fatalf("waited in vain: %s", what)
		}
	}
}

// ended waits until a container has stopped and returns what is seen of it.
func (b *bench) ended(s *sandbox.Spec, name string) sandbox.ObservedContainer {
	b.Helper()
	var c sandbox.ObservedContainer
	b.await(name+" has ended", func() bool {
		c = b.inspect(s).Containers[name]
		return c.State == sandbox.ContainerStopped
	})
	return c
}

// stopError asserts that err says "this can never work".
func (b *bench) stopError(err error) *sandbox.StopError {
	b.Helper()
	var stop *sandbox.StopError
	if !errors.As(err, &stop) {
		b.Fatalf("error %v (%T) is no *StopError", err, err)
	}
	return stop
}

// atOnce runs f and fails when it waited for something.
func (b *bench) atOnce(what string, f func()) {
	b.Helper()
	began := time.Now()
	f()
	if took := time.Since(began); took > soon {
		b.Errorf("%s took %v", what, took)
	}
}

// output reads all that a container has written, until it has ended.
func (b *bench) output(s *sandbox.Spec, name string, o sandbox.LogsOptions) []sandbox.LogLine {
	b.Helper()
	logs, ok := b.rt.(sandbox.Logs)
	if !ok {
		b.Skip("this runtime has no Logs")
	}
	var all []sandbox.LogLine
	for l, err := range logs.Logs(b.ctx, s.ID, name, o) {
		if err != nil {
			b.Fatalf("Logs: %v", err)
		}
		all = append(all, l)
	}
	return all
}

func texts(lines []sandbox.LogLine) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}
