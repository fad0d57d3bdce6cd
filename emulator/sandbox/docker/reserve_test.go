package docker_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// stranger makes a container of somebody else's in a sandbox's VPC.
func (b *bench) stranger(s *sandbox.Spec, address string) (start func()) {
	b.Helper()
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("name", s.ID)})
	if err != nil || len(l.Items) != 1 {
		b.Fatalf("containers: %+v, %v", l.Items, err)
	}
	vpc := l.Items[0].HostConfig.NetworkMode
	c, err := b.bed.engine.ContainerCreate(b.ctx, client.ContainerCreateOptions{
		Config:     &container.Config{Image: b.bed.image, Cmd: runtimetest.Program{}.Argv(), Labels: map[string]string{testLabel: b.bed.run}},
		HostConfig: &container.HostConfig{NetworkMode: container.NetworkMode(vpc)},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			vpc: {IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: netip.MustParseAddr(address)}},
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if _, err := b.bed.engine.ContainerRemove(context.WithoutCancel(b.ctx), c.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			b.Error(err)
		}
	})
	return func() {
		b.Helper()
		if _, err := b.bed.engine.ContainerStart(b.ctx, c.ID, client.ContainerStartOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func (b *bench) open() *sandbox.Spec {
	s := b.spec()
	s.Open, s.Hostname = true, "web-0"
	return s
}

func (b *bench) reserve(s *sandbox.Spec) netip.Addr {
	b.Helper()
	a, err := b.rt.Reserve(b.ctx, s)
	if err != nil {
		b.Fatal(err)
	}
	return netip.MustParseAddr(a.IP)
}

func TestAnAddressOfSomebodyElsesIsNotTold(t *testing.T) {
	b := newBench(t, nil)
	first := b.open()
	next := b.reserve(first).Next()
	b.up(first)
	b.stranger(first, next.String())()
	second := b.open()
	told := b.reserve(second)
	if told == next {
		t.Errorf("%s was told, which a stranger has", next)
	}
	if a := b.up(second); a.IP != told.String() {
		t.Errorf("Up returned %s, told was %s", a.IP, told)
	}
}

func TestAnAddressThatIsTakenAfterItWasTold(t *testing.T) {
	b := newBench(t, nil)
	b.up(b.open())
	s := b.open()
	told, err := docker.ReserveOnly(b.ctx, b.rt, s)
	if err != nil {
		t.Fatal(err)
	}
	b.stranger(s, told.String())()
	a := b.up(s)
	if a.IP == told.String() {
		t.Errorf("Up returned %s, which a stranger has", a.IP)
	}
	if o := b.inspect(s); !o.Up || o.Address.IP != a.IP {
		t.Errorf("seen %+v", o)
	}
	if other := b.reserve(b.open()); other == told {
		t.Errorf("%s was told again", told)
	}
}

func TestAReservedSandboxThatSomebodyRemoves(t *testing.T) {
	b := newBench(t, nil)
	s := b.open()
	if _, err := docker.ReserveOnly(b.ctx, b.rt, s); err != nil {
		t.Fatal(err)
	}
	l, err := b.bed.engine.ContainerList(b.ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("name", s.ID)})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("%+v, %v", l.Items, err)
	}
	if _, err := b.bed.engine.ContainerRemove(b.ctx, l.Items[0].ID, client.ContainerRemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	b.up(s)
	if o := b.inspect(s); !o.Up {
		t.Errorf("seen %+v", o)
	}
}
