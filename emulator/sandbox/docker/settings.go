package docker

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// What a sandbox is told about its network once it is somebody's: pure
// functions. PID 1 writes the files in place, and the Engine has bound the same
// ones into all containers of the sandbox, so that a sandbox made in advance
// serves every spec; for its host name see pause.go.

// vpcResolver answers DNS in every sandbox: the VPC's own address for it, with
// PID 1 behind it.
const vpcResolver = "169.254.169.253"

// hostnameOf is the sandbox's own name, chosen by its address when the spec
// leaves it open.
func hostnameOf(s *sandbox.Spec, ip netip.Addr) string {
	if s.Hostname != "" {
		return s.Hostname
	}
	return hostname(ip)
}

// nameservers go into resolv.conf.
func nameservers(n sandbox.Network) []string {
	if len(n.DNSServers) > 0 {
		return n.DNSServers
	}
	return []string{vpcResolver}
}

// settings fails with a StopError: what is no address now never will be.
func settings(s *sandbox.Spec, ip netip.Addr) (tunnel.Network, error) {
	for _, server := range s.Network.DNSServers {
		if _, err := netip.ParseAddr(server); err != nil {
			return tunnel.Network{}, badNetwork("DNS server: %v", err)
		}
	}
	for _, h := range s.Network.Hosts {
		if _, err := netip.ParseAddr(h.Address); err != nil {
			return tunnel.Network{}, badNetwork("line for the hosts file: %v", err)
		}
	}
	n := tunnel.Network{Hosts: hostsFile(s, ip), Resolv: resolvFile(s.Network)}
	if s.Hostname != "" {
		n.Hostname = s.Hostname + "\n"
	}
	if s.Network.Cluster == nil {
		return n, nil
	}
	c, err := clusterOf(*s.Network.Cluster)
	n.Cluster = &c
	return n, err
}

func clusterOf(n sandbox.ClusterNetwork) (c tunnel.Cluster, err error) {
	c.Name = n.Name
	if c.Services, err = netip.ParsePrefix(n.ServiceCIDR); err != nil {
		return c, badNetwork("range of the cluster's Services: %v", err)
	}
	if n.DNS != "" {
		if c.DNS, err = netip.ParseAddr(n.DNS); err != nil {
			return c, badNetwork("the cluster's DNS: %v", err)
		}
	}
	if n.API != "" {
		if c.API, err = netip.ParseAddrPort(n.API); err != nil {
			return c, badNetwork("the cluster's API: %v", err)
		}
	}
	return c, nil
}

// hostsFile is what a container finds in /etc/hosts: a task's as the Engine
// writes it, a pod's as kubelet does.
func hostsFile(s *sandbox.Spec, ip netip.Addr) string {
	var b strings.Builder
	multicast := []any{"ff00::0", "ff02::1", "ff02::2"}
	if s.Network.Cluster != nil {
		b.WriteString("# Kubernetes-managed hosts file.\n")
		multicast = []any{"fe00::0", "fe00::1", "fe00::2"}
	}
	b.WriteString("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\n")
	fmt.Fprintf(&b, "%s\tip6-mcastprefix\n%s\tip6-allnodes\n%s\tip6-allrouters\n", multicast...)
	name := hostnameOf(s, ip)
	names := []string{name}
	if short, _, ok := strings.Cut(name, "."); ok {
		names = append(names, short)
	}
	fmt.Fprintf(&b, "%s\t%s\n", ip, strings.Join(names, "\t"))
	if s.Network.Cluster != nil && len(s.Network.Hosts) > 0 {
		b.WriteString("\n# Entries added by HostAliases.\n")
	}
	for _, h := range s.Network.Hosts {
		if len(h.Names) > 0 {
			fmt.Fprintf(&b, "%s\t%s\n", h.Address, strings.Join(h.Names, "\t"))
		}
	}
	return b.String()
}

// resolvFile is /etc/resolv.conf. The host's own search domains stay out: a
// task on Fargate would not see them.
func resolvFile(n sandbox.Network) string {
	var b strings.Builder
	if len(n.DNSSearch) > 0 {
		b.WriteString("search " + strings.Join(n.DNSSearch, " ") + "\n")
	}
	for _, server := range nameservers(n) {
		b.WriteString("nameserver " + server + "\n")
	}
	if len(n.DNSOptions) > 0 {
		b.WriteString("options " + strings.Join(n.DNSOptions, " ") + "\n")
	}
	return b.String()
}

// tableOf says a table in the tunnel's words.
func tableOf(t sandbox.ServiceTable) tunnel.Services {
	out := tunnel.Services{Names: make(map[string]tunnel.Name, len(t.Names)), Zones: t.Zones}
	for _, s := range t.Services {
		ports := make([]tunnel.ServicePort, len(s.Ports))
		for i, p := range s.Ports {
			ports[i] = tunnel.ServicePort{Protocol: p.Protocol, Port: p.Port, Endpoints: p.Endpoints}
		}
		out.Services = append(out.Services, tunnel.Service{Addresses: s.Addresses, Ports: ports, Sticky: s.Sticky})
	}
	for name, n := range t.Names {
		servers := make([]tunnel.NameServer, len(n.Servers))
		for i, s := range n.Servers {
			servers[i] = tunnel.NameServer{Target: s.Target, Port: s.Port}
		}
		out.Names[name] = tunnel.Name{Addresses: n.Addresses, Alias: n.Alias, Servers: servers, Pointer: n.Pointer, TTL: n.TTL}
	}
	return out
}
