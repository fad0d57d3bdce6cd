package docker

import (
	"maps"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// A workload container in the Engine's words: pure functions, field by field.
// start.go makes and starts it.

// setting is what a container's description needs besides the spec.
type setting struct {
	instance string
	names    names
	owner    string            // Docker's id of the sandbox container
	network  string            // the container whose network is joined: the owner, or what gives it its name
	files    []string          // that replace the network's own, see sharedFiles
	kept     string            // the volume with the volumes that PID 1 keeps
	disks    map[string]string // those with the disks of nodes, by the node's sandbox
	ceiling  ceiling
	public   string // see publicLabel
	subpaths bool   // the Engine mounts sub-paths of volumes by itself (API 1.45)
	// folders are the volumes' places on the Engine's host, needed without
	// subpaths.
	folders map[string]string
	subs    map[string]string // by mount point, what its sub-path leads to
	target  string            // Docker's id of Container.Target
}

func workload(s *sandbox.Spec, c *sandbox.Container, attempt int, env []sandbox.EnvVar, t setting) client.ContainerCreateOptions {
	return client.ContainerCreateOptions{
		Name:       t.names.workload(s.ID, c.Name, attempt),
		Config:     workloadConfig(s, c, attempt, env, t),
		HostConfig: workloadHost(s, c, attempt, t),
	}
}

func workloadConfig(s *sandbox.Spec, c *sandbox.Container, attempt int, env []sandbox.EnvVar, t setting) *container.Config {
	return &container.Config{
		Image:      c.Image,
		Entrypoint: c.Entrypoint,
		Cmd:        c.Command,
		Env:        environment(c.Env, env),
		WorkingDir: c.WorkingDir,
		User:       c.User,
		Tty:        c.TTY,
		OpenStdin:  c.Stdin,
		StdinOnce:  c.StdinOnce,
		StopSignal: c.StopSignal,
		Labels:     workloadLabels(s, c, attempt, t),
		// The engine checks health itself, inside and in ECS's way.
		Healthcheck: &container.HealthConfig{Test: []string{"NONE"}},
	}
}

func workloadHost(s *sandbox.Spec, c *sandbox.Container, attempt int, t setting) *container.HostConfig {
	h := &container.HostConfig{
		NetworkMode:    container.NetworkMode("container:" + t.network),
		Binds:          t.files,
		CapAdd:         c.CapAdd,
		CapDrop:        c.CapDrop,
		ReadonlyRootfs: c.ReadOnlyRoot,
		Tmpfs:          tmpfs(c.Tmpfs),
		Mounts:         mounts(s, c, t),
		Sysctls:        c.Sysctls,
		Resources:      resources(s, c, t.ceiling),
		// Bounded. No line is lost on the way: whether a writer waits or
		// lines are dropped is decided where they are taken to.
		LogConfig: container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "20m", "max-file": "3"}},
	}
	if c.NoNewPrivileges {
		h.SecurityOpt = append(h.SecurityOpt, "no-new-privileges")
	}
	if c.Seccomp != "" {
		h.SecurityOpt = append(h.SecurityOpt, "seccomp="+c.Seccomp)
	}
	for _, g := range c.Groups {
		h.GroupAdd = append(h.GroupAdd, strconv.Itoa(g))
	}
	if c.Message != nil {
		h.Mounts = append(h.Mounts, messageMount(s, c, attempt, t))
	}
	if c.InitProcess {
		yes := true
		h.Init = &yes
	}
	switch {
	case c.ShareProcesses:
		h.PidMode = container.PidMode("container:" + t.owner)
	case t.target != "":
		h.PidMode = container.PidMode("container:" + t.target)
	}
	return h
}

func workloadLabels(s *sandbox.Spec, c *sandbox.Container, attempt int, t setting) map[string]string {
	labels := map[string]string{}
	maps.Copy(labels, s.Labels)
	maps.Copy(labels, c.Labels)
	labels[labelInstance] = t.instance
	labels[labelRole] = roleWorkload
	labels[labelSandbox] = s.ID
	labels[labelContainer] = c.Name
	if c.Message != nil {
		labels[labelMessage] = messageLabel(c, attempt)
	}
	if t.public != "" {
		labels[labelPublic] = t.public
	}
	return labels
}

// minShares is what ECS gives to a container without a cpu value, and the
// kernel's minimum.
const minShares = 2

// resources of a container stand inside the sandbox's ceiling; without one,
// each container gets the sandbox's size as its own limit. A limit of processor
// time that is above the ceiling (a pod's on Fargate, whose size follows its
// requests) is cut to it: that is its effect, and cgroup v1 starts no container
// whose quota is larger than its group's.
func resources(s *sandbox.Spec, c *sandbox.Container, top ceiling) container.Resources {
	memory, cpu := c.Memory, c.CPULimit
	if !top.group {
		memory = smaller(memory, s.Size.Memory)
	}
	if !top.group || cpu > 0 {
		cpu = smaller(cpu, s.Size.CPU)
	}
	r := container.Resources{
		CPUShares:         max(c.CPU, minShares),
		NanoCPUs:          cpu * 1_000_000_000 / 1024,
		Memory:            memory,
		MemorySwap:        memory, // Fargate has no swap; 0 leaves both open
		MemoryReservation: c.MemoryReservation,
		CgroupParent:      top.parent,
	}
	for _, u := range c.Ulimits {
		r.Ulimits = append(r.Ulimits, &container.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	return r
}

// smaller of two limits, of which 0 is none.
func smaller(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func tmpfs(all []sandbox.Tmpfs) map[string]string {
	if len(all) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, t := range all {
		options := t.Options
		if t.Size > 0 {
			options = append([]string{"size=" + strconv.FormatInt(t.Size, 10)}, options...)
		}
		m[t.Path] = strings.Join(options, ",")
	}
	return m
}

func mounts(s *sandbox.Spec, c *sandbox.Container, t setting) []mount.Mount {
	var all []mount.Mount
	for _, m := range c.Mounts {
		from := sourceOf(s, m, t.subs[m.Path], t)
		if from.path != "" {
			all = append(all, part(from, m.Path, m.ReadOnly, t))
			continue
		}
		all = append(all, mount.Mount{
			Type: mount.TypeVolume, Source: from.volume, Target: m.Path, ReadOnly: m.ReadOnly,
			VolumeOptions: &mount.VolumeOptions{NoCopy: !copies(s, m.Volume)},
		})
	}
	return all
}
