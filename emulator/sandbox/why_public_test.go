package sandbox_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestWhyTellsWhatThePublicAddressReaches(t *testing.T) {
	const rest = " On AWS every port would on which it listens."
	port := func(n uint16, protocol string) sandbox.Port { return sandbox.Port{Number: n, Protocol: protocol} }
	var many []sandbox.Port
	for n := range uint16(12) {
		many = append(many, port(8000+n, "tcp"))
	}
	for name, row := range map[string]struct {
		public  string
		moved   map[string]uint16
		ports   []sandbox.Port
		stopped bool
		want    string // "" nothing
	}{
		"none":            {ports: []sandbox.Port{port(80, "tcp")}},
		"no port":         {public: "127.64.0.3", want: "No port answers at its public address 127.64.0.3, as no portMapping names one." + rest},
		"some":            {public: "127.64.0.3", ports: []sandbox.Port{port(80, "tcp"), port(53, "udp"), port(80, "tcp")}, want: "At its public address 127.64.0.3 these ports answer, which portMappings name: 80/tcp of web, 53/udp of web." + rest},
		"moved":           {public: "127.0.0.1", moved: map[string]uint16{"80/tcp": 40001}, ports: []sandbox.Port{port(80, "tcp")}, want: "At its public address 127.0.0.1 these ports answer, which portMappings name: 80/tcp of web (at 40001)." + rest},
		"many":            {public: "127.64.0.3", ports: many, want: "At its public address 127.64.0.3 these ports answer, which portMappings name: 8000/tcp of web, 8001/tcp of web, 8002/tcp of web, 8003/tcp of web, 8004/tcp of web, 8005/tcp of web, 8006/tcp of web, 8007/tcp of web, 8008/tcp of web, 8009/tcp of web, and 2 more." + rest},
		"on its way down": {public: "127.64.0.3", ports: []sandbox.Port{port(80, "tcp")}, stopped: true},
	} {
		s := &sandbox.Sandbox{
			Spec:    sandbox.Spec{Steps: 3, Containers: []sandbox.Container{{Name: "web", Ports: row.ports}}},
			Desired: sandbox.Desired{Stopped: row.stopped},
			Status: sandbox.Status{
				Height: 3, Address: &sandbox.Address{IP: "10.0.0.5", Public: row.public, PublicPorts: row.moved},
				Containers: []sandbox.ContainerStatus{{Name: "web", State: sandbox.ContainerRunning}},
			},
		}
		all := sandbox.Why(s)
		i := slices.IndexFunc(all, func(text string) bool { return strings.Contains(text, "public address") })
		switch {
		case row.want == "" && i < 0:
		case i < 0 || all[i] != row.want:
			t.Errorf("%s: %q", name, all)
		}
	}
}
