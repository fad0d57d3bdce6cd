package ecs

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file turns a task into the sandbox that runs it. The environment is in
// task_environment.go.

const mebibyte = 1 << 20

// spec makes the sandbox's spec of a task.
func (l *launch) spec(t *Task) *sandbox.Spec {
	s := &sandbox.Spec{
		ID: t.ID, Owner: t.ARN, Group: t.Cluster, Steps: 3,
		Network: sandbox.Network{
			VPC: t.Interface.VPC, VPCCIDR: l.subnets[0].VPCCIDR.String(),
			Subnet: t.Interface.Subnet, SubnetCIDR: t.Interface.SubnetCIDR, Public: t.Interface.Public,
		},
		Size: sandbox.Size{CPU: parse(t.CPU), Memory: parse(t.Memory) * mebibyte, Storage: int64(t.StorageGiB) << 30},
	}
	for _, v := range l.definition.Volumes {
		s.Volumes = append(s.Volumes, sandbox.Volume{Name: aws.ToString(v.Name)})
	}
	for i := range l.definition.ContainerDefinitions {
		s.Containers = append(s.Containers, l.sandboxContainer(t, i))
	}
	return s
}

func (l *launch) sandboxContainer(t *Task, i int) sandbox.Container {
	d := &l.definition.ContainerDefinitions[i]
	o := l.override(aws.ToString(d.Name))
	c := sandbox.Container{
		Name: aws.ToString(d.Name), Image: aws.ToString(d.Image),
		Essential:  d.Essential == nil || *d.Essential,
		Needs:      needs(d),
		Entrypoint: d.EntryPoint, Command: d.Command,
		Env: l.environment(t, i), Secrets: secrets(d.Secrets),
		WorkingDir: aws.ToString(d.WorkingDirectory), User: aws.ToString(d.User),
		TTY: aws.ToBool(d.PseudoTerminal), Stdin: aws.ToBool(d.Interactive),
		CPU:    int64(pick(o.Cpu, &d.Cpu)),
		Memory: mebibytes(either(o.Memory, d.Memory)), MemoryReservation: mebibytes(either(o.MemoryReservation, d.MemoryReservation)),
		Mounts: l.mounts(d), Ulimits: ulimits(d.Ulimits), ReadOnlyRoot: aws.ToBool(d.ReadonlyRootFilesystem),
		ShareProcesses: l.definition.PidMode == types.PidModeTask,
		Sysctls:        sysctls(d.SystemControls), Labels: containerLabels(t, d), Ports: ports(d),
		StartTimeout: seconds(d.StartTimeout), StopTimeout: seconds(d.StopTimeout),
		Health: health(d.HealthCheck), Restart: restart(d.RestartPolicy), Log: logging(d.LogConfiguration),
	}
	if len(o.Command) > 0 {
		c.Command = o.Command
	}
	addLinux(&c, d.LinuxParameters)
	return c
}

func needs(d *types.ContainerDefinition) []sandbox.Need {
	list := make([]sandbox.Need, 0, len(d.DependsOn))
	for _, n := range d.DependsOn {
		list = append(list, sandbox.Need{Container: aws.ToString(n.ContainerName), Condition: sandbox.Condition(n.Condition)})
	}
	return list
}

func secrets(list []types.Secret) []sandbox.Secret {
	out := make([]sandbox.Secret, 0, len(list))
	for _, s := range list {
		out = append(out, sandbox.Secret{Name: aws.ToString(s.Name), ValueFrom: aws.ToString(s.ValueFrom)})
	}
	return out
}

// mounts are the container's own and those it takes from others by
// volumesFrom.
func (l *launch) mounts(d *types.ContainerDefinition) []sandbox.Mount {
	list := ownMounts(d)
	for _, f := range d.VolumesFrom {
		for i := range l.definition.ContainerDefinitions {
			from := &l.definition.ContainerDefinitions[i]
			if aws.ToString(from.Name) != aws.ToString(f.SourceContainer) {
				continue
			}
			for _, m := range ownMounts(from) {
				m.ReadOnly = m.ReadOnly || aws.ToBool(f.ReadOnly)
				list = append(list, m)
			}
		}
	}
	return list
}

func ownMounts(d *types.ContainerDefinition) []sandbox.Mount {
	list := make([]sandbox.Mount, 0, len(d.MountPoints))
	for _, m := range d.MountPoints {
		list = append(list, sandbox.Mount{
			Volume: aws.ToString(m.SourceVolume), Path: aws.ToString(m.ContainerPath), ReadOnly: aws.ToBool(m.ReadOnly),
		})
	}
	return list
}

// openFiles is Fargate's limit of open files, soft and hard.
const openFiles = 65535

func ulimits(list []types.Ulimit) []sandbox.Ulimit {
	out := make([]sandbox.Ulimit, 0, len(list)+1)
	for _, u := range list {
		out = append(out, sandbox.Ulimit{Name: string(u.Name), Soft: int64(u.SoftLimit), Hard: int64(u.HardLimit)})
	}
	if !slices.ContainsFunc(out, func(u sandbox.Ulimit) bool { return u.Name == string(types.UlimitNameNofile) }) {
		out = append(out, sandbox.Ulimit{Name: string(types.UlimitNameNofile), Soft: openFiles, Hard: openFiles})
	}
	return out
}

func sysctls(list []types.SystemControl) map[string]string {
	out := make(map[string]string, len(list))
	for _, c := range list {
		out[aws.ToString(c.Namespace)] = aws.ToString(c.Value)
	}
	return out
}

// containerLabels are the definition's and those that the ECS agent adds.
func containerLabels(t *Task, d *types.ContainerDefinition) map[string]string {
	out := agentLabels(t, aws.ToString(d.Name))
	maps.Copy(out, d.DockerLabels)
	return out
}

// agentLabels are the labels that the ECS agent puts on a container.
func agentLabels(t *Task, container string) map[string]string {
	const prefix = "com.amazonaws.ecs."
	return map[string]string{
		prefix + "cluster":                 t.Cluster,
		prefix + "container-name":          container,
		prefix + "task-arn":                t.ARN,
		prefix + "task-definition-family":  t.Family,
		prefix + "task-definition-version": strconv.Itoa(int(t.Revision)),
	}
}

func ports(d *types.ContainerDefinition) []sandbox.Port {
	var list []sandbox.Port
	for _, m := range d.PortMappings {
		protocol := strings.ToLower(string(m.Protocol))
		if protocol == "" {
			protocol = "tcp"
		}
		for _, n := range portNumbers(&m) {
			list = append(list, sandbox.Port{Name: aws.ToString(m.Name), Number: n, Protocol: protocol})
		}
	}
	return list
}

// portNumbers are a mapping's one port or those of its range "8000-8010".
func portNumbers(m *types.PortMapping) []uint16 {
	if m.ContainerPort != nil {
		return []uint16{uint16(*m.ContainerPort)}
	}
	low, high, _ := strings.Cut(aws.ToString(m.ContainerPortRange), "-")
	var list []uint16
	for n := parse(low); n > 0 && n <= parse(high); n++ {
		list = append(list, uint16(n))
	}
	return list
}

// health makes a probe of a health check. Its defaults were filled in when
// the definition was registered; the command's first word tells how it runs.
func health(h *types.HealthCheck) *sandbox.Probe {
	if h == nil || len(h.Command) == 0 || h.Command[0] == "NONE" {
		return nil
	}
	argv := h.Command
	switch h.Command[0] {
	case "CMD":
		argv = h.Command[1:]
	case "CMD-SHELL":
		argv = []string{"/bin/sh", "-c", strings.Join(h.Command[1:], " ")}
	}
	return &sandbox.Probe{
		Action: sandbox.Action{Exec: argv}, Interval: seconds(h.Interval), Timeout: seconds(h.Timeout),
		Grace: seconds(h.StartPeriod), Failures: int(aws.ToInt32(h.Retries)), Passes: 1,
	}
}

// restart is ECS's policy: the container is started again in place, after any
// exit code that is not ignored, if it ran for long enough.
func restart(p *types.ContainerRestartPolicy) sandbox.Restart {
	if p == nil || !aws.ToBool(p.Enabled) {
		return sandbox.Restart{}
	}
	r := sandbox.Restart{Policy: sandbox.RestartAlways, MinRun: defaultRestartPeriod}
	if p.RestartAttemptPeriod != nil {
		r.MinRun = seconds(p.RestartAttemptPeriod)
	}
	for _, code := range p.IgnoredExitCodes {
		r.IgnoredExitCodes = append(r.IgnoredExitCodes, int(code))
	}
	return r
}

// defaultRestartPeriod is restartAttemptPeriod's default.
const defaultRestartPeriod = 300 * time.Second

func logging(c *types.LogConfiguration) sandbox.Log {
	if c == nil {
		return sandbox.Log{}
	}
	return sandbox.Log{Driver: string(c.LogDriver), Options: c.Options}
}

func addLinux(c *sandbox.Container, p *types.LinuxParameters) {
	if p == nil {
		return
	}
	c.InitProcess = aws.ToBool(p.InitProcessEnabled)
	if p.Capabilities != nil {
		c.CapAdd, c.CapDrop = p.Capabilities.Add, p.Capabilities.Drop
	}
	for _, t := range p.Tmpfs {
		c.Tmpfs = append(c.Tmpfs, sandbox.Tmpfs{
			Path: aws.ToString(t.ContainerPath), Size: int64(t.Size) * mebibyte, Options: t.MountOptions,
		})
	}
}

func mebibytes(n *int32) int64 {
	if n == nil {
		return 0
	}
	return int64(*n) * mebibyte
}

func seconds(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }

// parse reads a number that registration has checked already.
func parse(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
