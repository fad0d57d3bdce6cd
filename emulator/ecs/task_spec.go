package ecs

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file turns a task into the sandbox that runs it. The environment is in
// task_environment.go, volumes and ports are in task_spec_mount.go.

const mebibyte = 1 << 20

// spec makes the sandbox's spec of a task.
func (l *launch) spec(t *Task) *sandbox.Spec {
	d := l.definition
	s := &sandbox.Spec{
		ID: t.ID, Owner: t.ARN, Group: t.Cluster, Steps: 3,
		Network: sandbox.Network{
			VPC: t.Interface.VPC, VPCCIDR: l.subnets[0].VPCCIDR.String(),
			Subnet: t.Interface.Subnet, SubnetCIDR: t.Interface.SubnetCIDR, Public: t.Interface.Public,
		},
		Size:       sandbox.Size{CPU: parse(t.CPU), Memory: parse(t.Memory) * mebibyte, Storage: int64(t.StorageGiB) << 30},
		Containers: make([]sandbox.Container, 0, len(d.ContainerDefinitions)),
	}
	for i := range d.Volumes {
		s.Volumes = append(s.Volumes, sandbox.Volume{Name: aws.ToString(d.Volumes[i].Name)})
	}
	for i := range d.ContainerDefinitions {
		s.Containers = append(s.Containers, sandboxContainer(t, d, i))
	}
	return s
}

func sandboxContainer(t *Task, of *types.TaskDefinition, i int) sandbox.Container {
	d := &of.ContainerDefinitions[i]
	c := sandbox.Container{
		Name: aws.ToString(d.Name), Image: aws.ToString(d.Image),
		Essential:  isEssential(d),
		Needs:      needs(d),
		Entrypoint: d.EntryPoint, Command: d.Command,
		Env: environment(t, &t.Containers[i], d), Secrets: secrets(d.Secrets),
		WorkingDir: aws.ToString(d.WorkingDirectory), User: aws.ToString(d.User),
		TTY: aws.ToBool(d.PseudoTerminal), Stdin: aws.ToBool(d.Interactive),
		CPU: int64(d.Cpu), Memory: mebibytes(d.Memory), MemoryReservation: mebibytes(d.MemoryReservation),
		Mounts: mountsOf(of, d), Ulimits: ulimits(d.Ulimits), ReadOnlyRoot: aws.ToBool(d.ReadonlyRootFilesystem),
		ShareProcesses: of.PidMode == types.PidModeTask,
		Sysctls:        sysctls(d.SystemControls), Labels: labels(t, d), Ports: ports(d, t.Interface.Public),
		StartTimeout: seconds(d.StartTimeout), StopTimeout: seconds(d.StopTimeout),
		Health: health(d.HealthCheck), Restart: restart(d.RestartPolicy), Log: logging(d.LogConfiguration),
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
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]string, len(list))
	for _, c := range list {
		out[aws.ToString(c.Namespace)] = aws.ToString(c.Value)
	}
	return out
}

// labels are the definition's, under those that the ECS agent puts on every
// container.
func labels(t *Task, d *types.ContainerDefinition) map[string]string {
	const prefix = "com.amazonaws.ecs."
	out := make(map[string]string, len(d.DockerLabels)+5)
	maps.Copy(out, d.DockerLabels)
	out[prefix+"cluster"] = t.Cluster
	out[prefix+"container-name"] = aws.ToString(d.Name)
	out[prefix+"task-arn"] = t.ARN
	out[prefix+"task-definition-family"] = t.Family
	out[prefix+"task-definition-version"] = strconv.Itoa(int(t.Revision))
	return out
}

// health makes a probe of a health check. Its defaults were filled in when the
// definition was registered; the command's first word tells how it runs. As
// with Docker, words after the first of CMD-SHELL are the shell's own
// arguments, not the command's.
func health(h *types.HealthCheck) *sandbox.Probe {
	if h == nil || len(h.Command) == 0 || h.Command[0] == "NONE" {
		return nil
	}
	argv := h.Command
	switch h.Command[0] {
	case "CMD":
		argv = h.Command[1:]
	case "CMD-SHELL":
		argv = append([]string{"/bin/sh", "-c"}, h.Command[1:]...)
	}
	return &sandbox.Probe{
		Action: sandbox.Action{Exec: argv},
		// Docker, whose health checks ECS's are, waits one interval before the first.
		Delay: seconds(h.Interval), Interval: seconds(h.Interval), Timeout: seconds(h.Timeout),
		Grace: seconds(h.StartPeriod), Failures: int(aws.ToInt32(h.Retries)), Passes: 1,
	}
}

// defaultRestartPeriod is restartAttemptPeriod's default.
const defaultRestartPeriod = 300 * time.Second

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

func mebibytes(n *int32) int64 { return int64(aws.ToInt32(n)) * mebibyte }

func seconds(n *int32) time.Duration { return time.Duration(aws.ToInt32(n)) * time.Second }

// parse reads a number that registration has checked already.
func parse(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}
