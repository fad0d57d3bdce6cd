package translate

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// container translates what all kinds of containers have in common. Order and
// restart are the caller's. On an error the container is all that does not
// depend on anything but the pod itself, and it is not told what it is started
// with.
func (t *translation) container(ctx context.Context, c *v1.Container) (sandbox.Container, error) {
	out := sandbox.Container{
		Asks: true,
		Name: c.Name, Image: strings.TrimSpace(c.Image), Pull: pullPolicy(c), WorkingDir: c.WorkingDir,
		TTY: c.TTY, Stdin: c.Stdin, StdinOnce: c.Stdin && c.StdinOnce,
		ShareProcesses: ptr.Deref(t.pod.Spec.ShareProcessNamespace, false),
		Sysctls:        t.sysctls(), Labels: map[string]string{labelContainerName: c.Name},
		Ports: t.ports(c), StopTimeout: t.grace(), Message: message(c), Ulimits: t.ulimits(),
	}
	t.size(c, &out)
	t.probes(c, &out)
	if t.env.Outputs != nil && t.logged() {
		out.Log = t.log(c.Name)
	}
	err := t.configure(ctx, c, &out)
	out.Told = err == nil
	return out, err
}

// configure fills in what is found out anew for each attempt.
func (t *translation) configure(ctx context.Context, c *v1.Container, out *sandbox.Container) error {
	if err := t.shared(); err != nil {
		return err
	}
	env, err := t.environment(ctx, c)
	if err != nil {
		return err
	}
	out.Env = env.list()
	out.Entrypoint, out.Command = env.expandAll(c.Command), env.expandAll(c.Args)
	if out.Mounts, err = t.mounts(c, env); err != nil {
		return err
	}
	return t.secure(c, out)
}

// Ephemeral translates an ephemeral container of a pod that runs, which is
// asked about when it cannot be told yet what it is started with.
func Ephemeral(ctx context.Context, pod *v1.Pod, ec *v1.EphemeralContainer, s Source, e Environment) (sandbox.Container, []string) {
	t := newTranslation(pod, s, e)
	c := v1.Container(ec.EphemeralContainerCommon)
	out, err := t.container(ctx, &c)
	out.Ephemeral, out.Target = true, ec.TargetContainerName
	if err != nil {
		return out, nil
	}
	return out, t.notes
}

// Container translates one container of any kind, for another attempt of it.
// Its error is an [Errors] of one.
func Container(ctx context.Context, pod *v1.Pod, name string, s Source, e Environment) (*Result, error) {
	t := newTranslation(pod, s, e)
	for i := range pod.Spec.InitContainers {
		if c := &pod.Spec.InitContainers[i]; c.Name == name {
			return t.alone(ctx, c, t.restartInit)
		}
	}
	for i := range pod.Spec.Containers {
		if c := &pod.Spec.Containers[i]; c.Name == name {
			return t.alone(ctx, c, t.restart)
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if c := v1.Container(pod.Spec.EphemeralContainers[i].EphemeralContainerCommon); c.Name == name {
			return t.alone(ctx, &c, func(*v1.Container) sandbox.Restart { return sandbox.Restart{} })
		}
	}
	return nil, Errors{badContainer(name, fmt.Errorf("the pod has no container %s", name))}
}

func (t *translation) alone(ctx context.Context, c *v1.Container, restart func(*v1.Container) sandbox.Restart) (*Result, error) {
	out, err := t.container(ctx, c)
	if err != nil {
		return nil, Errors{badContainer(c.Name, err)}
	}
	out.Restart = restart(c)
	return &Result{Completion: link.Completion{Containers: []sandbox.Container{out}}, Events: t.events, Notes: t.notes}, nil
}

// pullPolicy is the API server's defaulted one; without it, what the tag
// means.
func pullPolicy(c *v1.Container) sandbox.PullPolicy {
	if c.ImagePullPolicy != "" {
		return sandbox.PullPolicy(c.ImagePullPolicy)
	}
	name := c.Image[strings.LastIndexByte(c.Image, '/')+1:]
	_, tag, tagged := strings.Cut(name, ":")
	if strings.Contains(name, "@") || tagged && tag != "latest" {
		return sandbox.PullIfNotPresent
	}
	return sandbox.PullAlways
}

func (t *translation) ports(c *v1.Container) []sandbox.Port {
	var all []sandbox.Port
	for _, p := range c.Ports {
		protocol := strings.ToLower(string(p.Protocol))
		if protocol == "" {
			protocol = "tcp"
		}
		all = append(all, sandbox.Port{Name: p.Name, Number: uint16(p.ContainerPort), Protocol: protocol})
	}
	return all
}

// minGrace is the least time that kubelet gives to a container.
const minGrace = 2 * time.Second

func (t *translation) grace() time.Duration {
	seconds := ptr.Deref(t.pod.Spec.TerminationGracePeriodSeconds, v1.DefaultTerminationGracePeriodSeconds)
	return max(minGrace, time.Duration(seconds)*time.Second)
}

func message(c *v1.Container) *sandbox.Message {
	m := &sandbox.Message{Path: c.TerminationMessagePath, FromLogs: c.TerminationMessagePolicy == v1.TerminationMessageFallbackToLogsOnError}
	if m.Path == "" {
		m.Path = v1.TerminationMessagePathDefault
	}
	return m
}

// ulimits are Fargate's, as AWS documents them.
func (t *translation) ulimits() []sandbox.Ulimit {
	if !t.env.Fargate {
		return nil
	}
	// Fargate has nproc 1024 as well. It is left out: on one kernel it counts a
	// user's processes in all pods together, where each of Fargate's has a
	// kernel of its own.
	return []sandbox.Ulimit{{Name: "nofile", Soft: 1024, Hard: 65535}}
}

// sysctls are the pod's. They are given to each container: those of the
// network are shared by all, the others are each container's own.
func (t *translation) sysctls() map[string]string {
	sc := t.pod.Spec.SecurityContext
	if sc == nil || len(sc.Sysctls) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, s := range sc.Sysctls {
		m[strings.ReplaceAll(s.Name, "/", ".")] = s.Value
	}
	return m
}

// variables is the environment of a container, in order.
type variables struct {
	names    []string
	values   map[string]string
	services map[string]string // of Services, which stand behind the others
	given    []sandbox.EnvVar  // what the runtime and Neargate give, before all others
}

func (v *variables) set(name, value string) {
	if _, ok := v.values[name]; !ok {
		v.names = append(v.names, name)
	}
	v.values[name] = value
}

// expand replaces $(NAME).
func (v *variables) expand(text string) string {
	return expansion.Expand(text, expansion.MappingFuncFor(v.values, v.services))
}

func (v *variables) expandAll(texts []string) []string {
	var all []string
	for _, s := range texts {
		all = append(all, v.expand(s))
	}
	return all
}

// lookup finds a variable of the pod or of a Service.
func (v *variables) lookup(name string) string {
	if value, ok := v.values[name]; ok {
		return value
	}
	return v.services[name]
}

// list gives each variable once: what is given unless the pod says otherwise,
// then the pod's, then those of Services.
func (v *variables) list() []sandbox.EnvVar {
	var all []sandbox.EnvVar
	for _, e := range v.given {
		if _, ok := v.values[e.Name]; !ok {
			all = append(all, e)
		}
	}
	for _, name := range v.names {
		all = append(all, sandbox.EnvVar{Name: name, Value: v.values[name]})
	}
	for _, name := range sorted(maps.Keys(v.services)) {
		if _, ok := v.values[name]; !ok {
			all = append(all, sandbox.EnvVar{Name: name, Value: v.services[name]})
		}
	}
	return all
}

// errMount says that a mount names a volume that the pod does not have.
func errMount(volume, container string) error {
	return fmt.Errorf("cannot find volume %q to mount into container %q", volume, container)
}
