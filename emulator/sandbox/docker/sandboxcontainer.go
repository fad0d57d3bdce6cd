package docker

import (
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// cgroupRoot is where PID 1 finds the host's control groups.
const cgroupRoot = "/cgroup"

// sandboxContainer describes the container that owns a sandbox's namespace.
// It has no rights over the host but one: to make control groups, because a
// ceiling around several containers is none of the Engine's own abilities.
func (r *Runtime) sandboxContainer(p place, f form, image string) client.ContainerCreateOptions {
	if f.hostname == "" {
		f.hostname = hostname(p.ip)
	}
	return client.ContainerCreateOptions{
		Config: &container.Config{
			Image: image, Hostname: f.hostname, OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
			Labels: r.placeLabels(p, dnsOf(f)),
			Cmd:    []string{"--cgroup-root=" + cgroupRoot},
		},
		HostConfig: &container.HostConfig{
			NetworkMode: container.NetworkMode(p.network),
			CapDrop:     []string{"ALL"},
			// The roots of cgroup v1 hierarchies are writable for nobody but
			// who overrides permissions.
			CapAdd: []string{"NET_ADMIN", "DAC_OVERRIDE"},
			// SELinux, where it is on, would forbid the control groups.
			SecurityOpt: []string{"no-new-privileges", "label=disable"},
			Binds:       []string{"/sys/fs/cgroup:" + cgroupRoot + ":rw"},
			// The tunnel's bytes pass through standard output; a log driver
			// would keep them all.
			LogConfig:  container.LogConfig{Type: "none"},
			DNS:        f.dnsServers,
			DNSSearch:  f.dnsSearch,
			DNSOptions: f.dnsOptions,
			ExtraHosts: f.hosts,
			// As on Fargate, and as newer Engines have it by themselves: any
			// user may serve port 80.
			Sysctls: map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"},
		},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			p.network: {
				IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: p.ip},
				MacAddress: network.HardwareAddr(mac(p.ip)),
			},
		}},
	}
}

// embeddedDNS is the Engine's resolver in every container of a network that a
// user has made; it passes on what it does not know.
const embeddedDNS = "127.0.0.11"

func dnsOf(form) []string { return []string{embeddedDNS} }
