package docker

import (
	"cmp"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// cgroupRoot is where PID 1 finds the host's control groups.
const cgroupRoot = "/cgroup"

// boxWish is what a sandbox container is made for, beside its place.
type boxWish struct {
	name     string // of the container
	sandbox  string // whom it is for; "": nobody yet
	hostname string // "": after its address
	keeps    bool   // with a volume for volumes
	spared   int    // addresses of the subnet that are left to others
}

// sandboxContainer describes the container that owns a sandbox's namespace.
// It has no rights over the host but one: to make control groups, because a
// ceiling around several containers is none of the Engine's own abilities.
func (r *Runtime) sandboxContainer(p place, wish boxWish, image string) client.ContainerCreateOptions {
	o := client.ContainerCreateOptions{
		Name: wish.name,
		Config: &container.Config{
			Image: image, Hostname: cmp.Or(wish.hostname, hostname(p.ip)), OpenStdin: true, AttachStdin: true, AttachStdout: true, AttachStderr: true,
			Labels: r.placeLabels(p, wish),
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
			LogConfig: container.LogConfig{Type: "none"},
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
	if wish.keeps {
		o.Config.Cmd = append(o.Config.Cmd, "--volumes="+keptRoot)
		o.HostConfig.CapAdd = append(o.HostConfig.CapAdd, keepingCaps...)
		o.HostConfig.Mounts = []mount.Mount{r.keptMount(wish)}
	}
	return o
}
