package docker_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

const (
	// patience bounds every wait; none comes near it.
	patience = 5 * time.Minute
	// soon tells what is done at once from what waits for an answer that does
	// not come. A busy machine keeps it.
	soon = 25 * time.Second
)

// bench is one runtime and ways to say shortly what is done to it.
type bench struct {
	*testing.T
	bed *testBed
	rt  *docker.Runtime
	ctx context.Context
}

func newBench(t *testing.T, change func(*docker.Options)) *bench {
	t.Helper()
	b := need(t)
	o := b.options(b.instance())
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &bench{T: t, bed: b, rt: b.start(t, o), ctx: ctx}
}

// network is where the tests' sandboxes are. Each run has addresses of its
// own, because an Engine has one network for an address: runs side by side
// would take them from one another.
func (b *testBed) network() sandbox.Network {
	return sandbox.Network{VPC: "vpc-0dockertest000000", VPCCIDR: b.addresses + ".0.0/16", Subnet: "subnet-0dockertest000", SubnetCIDR: b.addresses + ".16.0/20"}
}

func (b *bench) spec(programs ...runtimetest.Program) *sandbox.Spec {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		b.Fatal(err)
	}
	s := &sandbox.Spec{ID: hex.EncodeToString(id), Owner: "arn:aws:ecs:us-east-1:000000000000:task/t/" + hex.EncodeToString(id), Network: b.bed.network(), Steps: 3}
	for i, p := range programs {
		c := b.bed.container(b.T, p)
		c.Name = "c" + string(rune('0'+i))
		s.Containers = append(s.Containers, c)
	}
	return s
}

func (b *bench) up(s *sandbox.Spec) sandbox.Address {
	b.Helper()
	a, err := b.rt.Up(b.ctx, s)
	if err != nil {
		b.Fatalf("Up: %v", err)
	}
	return a
}

func (b *bench) start(s *sandbox.Spec) {
	b.Helper()
	for i := range s.Containers {
		if _, err := b.rt.Pull(b.ctx, s, &s.Containers[i]); err != nil {
			b.Fatalf("Pull: %v", err)
		}
		if err := b.rt.Start(b.ctx, s, &s.Containers[i], 0, nil); err != nil {
			b.Fatalf("Start: %v", err)
		}
	}
}

func (b *bench) launch(s *sandbox.Spec) sandbox.Address {
	b.Helper()
	a := b.up(s)
	b.start(s)
	return a
}

func (b *bench) down(s *sandbox.Spec) {
	b.Helper()
	if err := b.rt.Down(b.ctx, s.ID); err != nil {
		b.Fatalf("Down: %v", err)
	}
}

func (b *bench) inspect(s *sandbox.Spec) sandbox.Observed {
	b.Helper()
	o, err := b.rt.Inspect(b.ctx, s.ID)
	if err != nil {
		b.Fatalf("Inspect: %v", err)
	}
	return o
}

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

// lines waits for a container's end and returns what it wrote.
func (b *bench) lines(s *sandbox.Spec, name string) []string {
	b.Helper()
	b.await(name+" ends", func() bool { return b.inspect(s).Containers[name].State == sandbox.ContainerStopped })
	var all []string
	for l, err := range b.rt.Logs(b.ctx, s.ID, name, sandbox.LogsOptions{}) {
		if err != nil {
			b.Fatalf("Logs: %v", err)
		}
		all = append(all, l.Text)
	}
	return all
}

// does runs a container that performs things and returns a line for each.
func (b *bench) does(s *sandbox.Spec) []string {
	b.Helper()
	b.launch(s)
	return b.lines(s, "c0")
}

func doing(things ...string) runtimetest.Program {
	p := runtimetest.Exits(0)
	p.Do = things
	return p
}
