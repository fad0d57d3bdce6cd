package docker_test

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

var testCluster = &sandbox.ClusterNetwork{
	Name: "arn:aws:eks:us-east-1:000000000000:cluster/c", ServiceCIDR: "10.100.0.0/16", DNS: "10.100.0.10", API: "10.100.0.1:443",
}

func TestHostsAndResolv(t *testing.T) {
	for _, test := range []struct {
		name          string
		spec          sandbox.Spec
		hosts, resolv string
	}{
		{"a task", sandbox.Spec{}, `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
ff00::0	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
10.0.1.23	ip-10-0-1-23.ec2.internal	ip-10-0-1-23
`, "nameserver 169.254.169.253\n"},
		{"a task with all that there is", sandbox.Spec{Hostname: "web", Network: sandbox.Network{
			Hosts:      []sandbox.Host{{Address: "10.0.0.9", Names: []string{"db", "db.example"}}, {Address: "10.0.0.8"}, {Address: "fd00::1", Names: []string{"six"}}},
			DNSServers: []string{"10.0.0.2", "fd00::2"}, DNSSearch: []string{"a.example", "b.example"}, DNSOptions: []string{"ndots:3", "rotate"},
		}}, `127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
ff00::0	ip6-mcastprefix
ff02::1	ip6-allnodes
ff02::2	ip6-allrouters
10.0.1.23	web
10.0.0.9	db	db.example
fd00::1	six
`, "search a.example b.example\nnameserver 10.0.0.2\nnameserver fd00::2\noptions ndots:3 rotate\n"},
		{"a pod", sandbox.Spec{Hostname: "web-0", Network: sandbox.Network{
			Cluster: testCluster, Hosts: []sandbox.Host{{Address: "10.0.0.9", Names: []string{"db", "db.example"}}},
			DNSServers: []string{"10.100.0.10"}, DNSSearch: []string{"default.svc.cluster.local"}, DNSOptions: []string{"ndots:5"},
		}}, `# Kubernetes-managed hosts file.
127.0.0.1	localhost
::1	localhost ip6-localhost ip6-loopback
fe00::0	ip6-localnet
fe00::0	ip6-mcastprefix
fe00::1	ip6-allnodes
fe00::2	ip6-allrouters
10.0.1.23	web-0

# Entries added by HostAliases.
10.0.0.9	db	db.example
`, "search default.svc.cluster.local\nnameserver 10.100.0.10\noptions ndots:5\n"},
	} {
		n, err := docker.Settings(&test.spec, netip.MustParseAddr("10.0.1.23"))
		if err != nil || n.Hosts != test.hosts || n.Resolv != test.resolv || strings.TrimSuffix(n.Hostname, "\n") != test.spec.Hostname {
			t.Errorf("%s: %v\n%s\n%s", test.name, err, n.Hosts, n.Resolv)
		}
	}
}

func TestClusterSettings(t *testing.T) {
	n, err := docker.Settings(&sandbox.Spec{Network: sandbox.Network{Cluster: testCluster}}, netip.MustParseAddr("10.0.1.23"))
	want := tunnel.Cluster{
		Name: testCluster.Name, Services: prefix("10.100.0.0/16"),
		DNS: netip.MustParseAddr("10.100.0.10"), API: netip.MustParseAddrPort("10.100.0.1:443"),
	}
	if err != nil || n.Cluster == nil || *n.Cluster != want {
		t.Errorf("%+v, %v", n.Cluster, err)
	}
	for _, bad := range []sandbox.Network{
		{DNSServers: []string{"dns.example"}},
		{Hosts: []sandbox.Host{{Address: "nowhere", Names: []string{"x"}}}},
		{Cluster: &sandbox.ClusterNetwork{Name: "c"}},
		{Cluster: &sandbox.ClusterNetwork{Name: "c", ServiceCIDR: "10.100.0.0/16", DNS: "x"}},
		{Cluster: &sandbox.ClusterNetwork{Name: "c", ServiceCIDR: "10.100.0.0/16", API: "10.100.0.1"}},
	} {
		_, err := docker.Settings(&sandbox.Spec{Network: bad}, netip.MustParseAddr("10.0.1.23"))
		if _, ok := errors.AsType[*sandbox.StopError](err); !ok {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestTablesOfServicesAreToldWhole(t *testing.T) {
	a, e := netip.MustParseAddr("10.100.7.1"), netip.MustParseAddrPort("10.0.0.1:80")
	got := docker.TableOf(sandbox.ServiceTable{
		Services: []sandbox.Service{{Addresses: []netip.Addr{a}, Sticky: true, Ports: []sandbox.ServicePort{{Protocol: "udp", Port: 53, Endpoints: []netip.AddrPort{e}}}}},
		Names: map[string]sandbox.DNSName{"n": {
			Addresses: []netip.Addr{a}, Alias: "alias", Servers: []sandbox.DNSServer{{Target: "t", Port: 9}}, Pointer: "p", TTL: 7,
		}},
		Zones: []string{"z"},
	})
	want := tunnel.Services{
		Services: []tunnel.Service{{Addresses: []netip.Addr{a}, Sticky: true, Ports: []tunnel.ServicePort{{Protocol: "udp", Port: 53, Endpoints: []netip.AddrPort{e}}}}},
		Names: map[string]tunnel.Name{"n": {
			Addresses: []netip.Addr{a}, Alias: "alias", Servers: []tunnel.NameServer{{Target: "t", Port: 9}}, Pointer: "p", TTL: 7,
		}},
		Zones: []string{"z"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
