package translate

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

// probes translates probes and lifecycle hooks.
func (t *translation) probes(c *v1.Container, out *sandbox.Container) {
	out.Startup = t.probe("startup", c.StartupProbe, c)
	out.Liveness = t.probe("liveness", c.LivenessProbe, c)
	out.Health = t.probe("readiness", c.ReadinessProbe, c)
	if c.Lifecycle == nil {
		return
	}
	out.PostStart = t.hook("postStart", c.Lifecycle.PostStart, c)
	out.PreStop = t.hook("preStop", c.Lifecycle.PreStop, c)
	if c.Lifecycle.StopSignal != nil {
		out.StopSignal = string(*c.Lifecycle.StopSignal)
	}
}

func (t *translation) probe(kind string, p *v1.Probe, c *v1.Container) *sandbox.Probe {
	if p == nil {
		return nil
	}
	var stop time.Duration
	if p.TerminationGracePeriodSeconds != nil {
		stop = max(minGrace, time.Duration(*p.TerminationGracePeriodSeconds)*time.Second)
	}
	return &sandbox.Probe{
		Action:   t.check(kind+" probe", &p.ProbeHandler, c),
		Delay:    seconds(p.InitialDelaySeconds, 0),
		Interval: seconds(p.PeriodSeconds, 10),
		Timeout:  seconds(p.TimeoutSeconds, 1),
		Failures: int(cmp.Or(p.FailureThreshold, 3)),
		Passes:   int(cmp.Or(p.SuccessThreshold, 1)),

		StopTimeout: stop,
	}
}

func seconds(n, otherwise int32) time.Duration {
	return time.Duration(cmp.Or(n, otherwise)) * time.Second
}

// check is what a probe does. The variables in its argv are those that the
// manifest itself gives values.
func (t *translation) check(what string, h *v1.ProbeHandler, c *v1.Container) sandbox.Action {
	switch {
	case h.Exec != nil:
		values := map[string]string{}
		for _, e := range c.Env {
			values[e.Name] = e.Value
		}
		var argv []string
		for _, arg := range h.Exec.Command {
			argv = append(argv, expansion.Expand(arg, expansion.MappingFuncFor(values)))
		}
		return sandbox.Action{Exec: argv}
	case h.HTTPGet != nil:
		return sandbox.Action{HTTP: t.httpGet(what, "probe", h.HTTPGet, c)}
	case h.TCPSocket != nil:
		return t.tcp(what, h.TCPSocket, c)
	case h.GRPC != nil:
		if m := ptr.Deref(h.GRPC.Mode, v1.GRPCProbeModePlaintext); m != v1.GRPCProbeModePlaintext {
			t.note("container %s: the mode %s of its %s has no effect: it is asked without TLS", c.Name, m, what)
		}
		return sandbox.Action{GRPC: &sandbox.GRPC{Port: uint16(h.GRPC.Port), Service: ptr.Deref(h.GRPC.Service, "")}}
	}
	return sandbox.Action{}
}

// hook is what a lifecycle hook does.
func (t *translation) hook(what string, h *v1.LifecycleHandler, c *v1.Container) *sandbox.Action {
	switch {
	case h == nil:
		return nil
	case h.Exec != nil:
		return &sandbox.Action{Exec: h.Exec.Command}
	case h.HTTPGet != nil:
		return &sandbox.Action{HTTP: t.httpGet(what, "lifecycle", h.HTTPGet, c)}
	case h.TCPSocket != nil:
		a := t.tcp(what, h.TCPSocket, c)
		return &a
	case h.Sleep != nil && h.Sleep.Seconds > 0:
		return &sandbox.Action{Sleep: time.Duration(h.Sleep.Seconds) * time.Second}
	}
	return nil
}

func (t *translation) tcp(what string, a *v1.TCPSocketAction, c *v1.Container) sandbox.Action {
	if a.Host != "" {
		t.note("container %s: the host %s of its %s has no effect: the pod itself is connected to", c.Name, a.Host, what)
	}
	port := t.port(what, a.Port, c)
	if port == 0 {
		// A TCP of 0 would be no action at all, and so a success.
		return sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "http", Path: "/"}}
	}
	return sandbox.Action{TCP: port}
}

func (t *translation) httpGet(what, agent string, a *v1.HTTPGetAction, c *v1.Container) *sandbox.HTTPGet {
	if a.Protocol != nil && *a.Protocol == v1.HTTPProtocolHTTP2 {
		t.note("container %s: the protocol %s of its %s has no effect: it is asked in HTTP/1.1", c.Name, *a.Protocol, what)
	}
	path := a.Path
	if u, err := url.Parse(path); err == nil && u.Opaque == "" {
		path = u.RequestURI()
	}
	return &sandbox.HTTPGet{
		Scheme: cmp.Or(strings.ToLower(string(a.Scheme)), "http"), Port: t.port(what, a.Port, c), Path: path, Host: a.Host,
		Headers: t.headers(agent, a.HTTPHeaders),
	}
}

// headers are those of the manifest, and kubelet's name unless they have one.
// EKS's versions end in "+".
func (t *translation) headers(agent string, list []v1.HTTPHeader) []sandbox.EnvVar {
	var all []sandbox.EnvVar
	named := false
	for _, h := range list {
		named = named || strings.EqualFold(h.Name, "User-Agent")
		all = append(all, sandbox.EnvVar{Name: h.Name, Value: h.Value})
	}
	if !named {
		all = append(all, sandbox.EnvVar{Name: "User-Agent", Value: "kube-" + agent + "/" + t.env.Version + "+"})
	}
	return all
}

// port resolves a number or the name of one of the container's ports. What
// cannot be resolved is 0, to which no connection succeeds.
func (t *translation) port(what string, p intstr.IntOrString, c *v1.Container) uint16 {
	number := p.IntValue()
	if p.Type == intstr.String {
		number = 0
		for _, candidate := range c.Ports {
			if candidate.Name == p.StrVal {
				number = int(candidate.ContainerPort)
				break
			}
		}
	}
	if number <= 0 || number > 65535 {
		t.note("container %s: its %s cannot succeed: it has no port %s", c.Name, what, p.String())
		return 0
	}
	return uint16(number)
}
