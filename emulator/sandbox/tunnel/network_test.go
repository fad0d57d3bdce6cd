package tunnel_test

import (
	"context"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

func TestConfigureAndSetServices(t *testing.T) {
	network := tunnel.Network{Hosts: "127.0.0.1\tlocalhost\n", Resolv: "nameserver 10.100.0.10\n", Hostname: "web-0\n", Cluster: &tunnel.Cluster{
		Name: "c", Services: netip.MustParsePrefix("10.100.0.0/16"), DNS: netip.MustParseAddr("10.100.0.10"),
		API: netip.MustParseAddrPort("10.100.0.1:443"),
	}}
	services := tunnel.Services{
		Services: []tunnel.Service{{
			Addresses: []netip.Addr{netip.MustParseAddr("10.100.7.1")}, Sticky: true,
			Ports: []tunnel.ServicePort{{Protocol: "tcp", Port: 80, Endpoints: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8080")}}},
		}},
		Names: map[string]tunnel.Name{
			"web.c.local": {Addresses: []netip.Addr{netip.MustParseAddr("10.100.7.1")}, TTL: 5},
			"x.c.local":   {Alias: "web.c.local", Pointer: "p", Servers: []tunnel.NameServer{{Target: "web.c.local", Port: 80}}},
		},
		Zones: []string{"c.local"},
	}
	overEach(t, func(t *testing.T, connect func(*testing.T, *tunnel.Server) *tunnel.Session) {
		networks, tables := make(chan tunnel.Network, 1), make(chan tunnel.Services, 1)
		s := connect(t, &tunnel.Server{
			Hello: func() tunnel.Hello { return tunnel.Hello{Cluster: "c"} },
			Commands: map[string]tunnel.Command{
				tunnel.CommandConfigure: tunnel.Handle(func(_ context.Context, n tunnel.Network) (tunnel.NetworkState, error) {
					networks <- n
					return tunnel.NetworkState{Warnings: []string{"no IPv6"}}, nil
				}),
				tunnel.CommandSetServices: tunnel.Handle(func(_ context.Context, s tunnel.Services) (any, error) {
					tables <- s
					return nil, nil
				}),
			},
		})
		if h := s.Hello(); h.Cluster != "c" {
			t.Errorf("hello %+v", h)
		}
		if state, err := s.Configure(within(t), network); err != nil || len(state.Warnings) != 1 {
			t.Fatal(state, err)
		}
		if got := receive(t, networks); !reflect.DeepEqual(got, network) {
			t.Errorf("got %+v, want %+v", got, network)
		}
		encoded, err := tunnel.EncodeServices(services)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // one encoding serves many
			if err := s.SetServices(within(t), encoded); err != nil {
				t.Fatal(err)
			}
			if got := receive(t, tables); !reflect.DeepEqual(got, services) {
				t.Errorf("got %+v, want %+v", got, services)
			}
		}
	})
}

func TestCommandsThatAnEarlierReleaseLacks(t *testing.T) {
	s := connect(t, &tunnel.Server{}, memory)
	_, err := s.Configure(within(t), tunnel.Network{})
	wantKind(t, err, tunnel.UnknownCommand)
	wantKind(t, s.SetServices(within(t), tunnel.EncodedServices{}), tunnel.UnknownCommand)
}

func TestTablesThatAreTooLarge(t *testing.T) {
	_, err := tunnel.EncodeServices(tunnel.Services{Zones: []string{strings.Repeat("x", 9<<20)}})
	if err == nil {
		t.Error("9 MiB are taken")
	}
}
