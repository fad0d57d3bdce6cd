package translate_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestProbeActions(t *testing.T) {
	agent := sandbox.EnvVar{Name: "User-Agent", Value: "kube-probe/1.35+"}
	for name, c := range map[string]struct {
		handler v1.ProbeHandler
		want    sandbox.Action
		note    string
	}{
		"exec": {v1.ProbeHandler{Exec: &v1.ExecAction{Command: []string{"test", "$(A)", "$(N)", "$(X)"}}},
			sandbox.Action{Exec: []string{"test", "1", "", "$(X)"}}, ""},
		"http": {v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: "/ok?deep=1", Port: intstr.FromInt32(8080)}},
			sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "http", Port: 8080, Path: "/ok?deep=1", Headers: []sandbox.EnvVar{agent}}}, ""},
		"https by name": {v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Scheme: "HTTPS", Port: intstr.FromString("admin"), Host: "example.com"}},
			sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "https", Port: 9000, Path: "/", Host: "example.com", Headers: []sandbox.EnvVar{agent}}}, ""},
		"headers": {v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: "/", Port: intstr.FromInt32(1), HTTPHeaders: []v1.HTTPHeader{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}, {Name: "user-agent", Value: "me"}}}},
			sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "http", Port: 1, Path: "/", Headers: []sandbox.EnvVar{{Name: "X", Value: "1"}, {Name: "X", Value: "2"}, {Name: "user-agent", Value: "me"}}}}, ""},
		"tcp by name": {v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromString("admin")}}, sandbox.Action{TCP: 9000}, ""},
		"tcp elsewhere": {v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(5), Host: "db"}}, sandbox.Action{TCP: 5},
			"container web: the host db of its readiness probe has no effect: the pod itself is connected to"},
		"tcp nowhere": {v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromString("nope")}}, sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "http", Path: "/"}},
			"container web: its readiness probe cannot succeed: it has no port nope"},
		"http nowhere": {v1.ProbeHandler{HTTPGet: &v1.HTTPGetAction{Path: "/", Port: intstr.FromString("nope")}}, sandbox.Action{HTTP: &sandbox.HTTPGet{Scheme: "http", Path: "/", Headers: []sandbox.EnvVar{agent}}},
			"container web: its readiness probe cannot succeed: it has no port nope"},
		"grpc":         {v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: 5, Service: ptr.To("live")}}, sandbox.Action{GRPC: &sandbox.GRPC{Port: 5, Service: "live"}}, ""},
		"grpc default": {v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: 5}}, sandbox.Action{GRPC: &sandbox.GRPC{Port: 5}}, ""},
		"grpc tls": {v1.ProbeHandler{GRPC: &v1.GRPCAction{Port: 5, Mode: ptr.To(v1.GRPCProbeModeTLS)}}, sandbox.Action{GRPC: &sandbox.GRPC{Port: 5}},
			"container web: the mode TLS of its readiness probe has no effect: it is asked without TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			r := translated(t, shopPod(box(func(b *v1.Container) {
				b.Env = []v1.EnvVar{{Name: "A", Value: "1"}, {Name: "N", ValueFrom: field("metadata.name")}}
				b.Ports = []v1.ContainerPort{{Name: "http", ContainerPort: 8080}, {Name: "admin", ContainerPort: 9000}}
				b.ReadinessProbe = &v1.Probe{ProbeHandler: c.handler}
			})), &objects{})
			p := r.Completion.Containers[0].Health
			if !reflect.DeepEqual(p.Action, c.want) {
				t.Errorf("got %+v; want %+v", p.Action, c.want)
			}
			if strings.Join(r.Notes, "; ") != c.note {
				t.Errorf("notes %q", r.Notes)
			}
		})
	}
}

func TestProbeTimes(t *testing.T) {
	check := v1.ProbeHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(80)}}
	r := translated(t, shopPod(box(func(b *v1.Container) {
		b.StartupProbe = &v1.Probe{ProbeHandler: check, InitialDelaySeconds: 1, PeriodSeconds: 2, TimeoutSeconds: 3, FailureThreshold: 4, SuccessThreshold: 1, TerminationGracePeriodSeconds: ptr.To[int64](1)}
		b.LivenessProbe = &v1.Probe{ProbeHandler: check, TerminationGracePeriodSeconds: ptr.To[int64](5)}
		b.ReadinessProbe = &v1.Probe{ProbeHandler: check, SuccessThreshold: 6}
	})), &objects{})
	c := r.Completion.Containers[0]
	action := sandbox.Action{TCP: 80}
	for _, p := range []struct {
		got  *sandbox.Probe
		want sandbox.Probe
	}{
		{c.Startup, sandbox.Probe{Action: action, Delay: time.Second, Interval: 2 * time.Second, Timeout: 3 * time.Second, Failures: 4, Passes: 1, StopTimeout: 2 * time.Second}},
		{c.Liveness, sandbox.Probe{Action: action, Interval: 10 * time.Second, Timeout: time.Second, Failures: 3, Passes: 1, StopTimeout: 5 * time.Second}},
		{c.Health, sandbox.Probe{Action: action, Interval: 10 * time.Second, Timeout: time.Second, Failures: 3, Passes: 6}},
	} {
		if !reflect.DeepEqual(*p.got, p.want) {
			t.Errorf("got %+v; want %+v", *p.got, p.want)
		}
	}
	if len(r.Notes) > 0 {
		t.Errorf("notes %q", r.Notes)
	}
	if c := only(t, &objects{}); c.Startup != nil || c.Liveness != nil || c.Health != nil || c.PostStart != nil || c.PreStop != nil {
		t.Errorf("a plain container has %+v", c)
	}
}

func TestHooks(t *testing.T) {
	for name, c := range map[string]struct {
		hook *v1.LifecycleHandler
		want *sandbox.Action
	}{
		"none": {nil, nil},
		"exec": {&v1.LifecycleHandler{Exec: &v1.ExecAction{Command: []string{"x", "$(A)"}}}, &sandbox.Action{Exec: []string{"x", "$(A)"}}},
		"http": {&v1.LifecycleHandler{HTTPGet: &v1.HTTPGetAction{Path: "bye", Port: intstr.FromInt32(80)}}, &sandbox.Action{HTTP: &sandbox.HTTPGet{
			Scheme: "http", Port: 80, Path: "bye", Headers: []sandbox.EnvVar{{Name: "User-Agent", Value: "kube-lifecycle/1.35+"}}}}},
		"tcp":      {&v1.LifecycleHandler{TCPSocket: &v1.TCPSocketAction{Port: intstr.FromInt32(80)}}, &sandbox.Action{TCP: 80}},
		"sleep":    {&v1.LifecycleHandler{Sleep: &v1.SleepAction{Seconds: 3}}, &sandbox.Action{Sleep: 3 * time.Second}},
		"no sleep": {&v1.LifecycleHandler{Sleep: &v1.SleepAction{}}, nil},
	} {
		out := only(t, &objects{}, func(b *v1.Container) {
			b.Env = []v1.EnvVar{{Name: "A", Value: "1"}}
			b.Lifecycle = &v1.Lifecycle{PostStart: c.hook, PreStop: c.hook, StopSignal: ptr.To(v1.SIGUSR1)}
		})
		if !reflect.DeepEqual(out.PostStart, c.want) || !reflect.DeepEqual(out.PreStop, c.want) || out.StopSignal != "SIGUSR1" {
			t.Errorf("%s: got %+v, %+v, %s", name, out.PostStart, out.PreStop, out.StopSignal)
		}
	}
}
