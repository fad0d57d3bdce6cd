package translate_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

func TestOrder(t *testing.T) {
	always := ptr.To(v1.ContainerRestartPolicyAlways)
	pod := shopPod(v1.Container{Name: "web"}, v1.Container{Name: "log"})
	pod.Spec.InitContainers = []v1.Container{{Name: "first"}, {Name: "proxy", RestartPolicy: always}, {Name: "migrate"}, {Name: "tail", RestartPolicy: always}}
	var got []string
	for _, c := range translated(t, pod, &objects{}).Completion.Containers {
		got = append(got, fmt.Sprintf("%s init=%v %v %s", c.Name, c.Init, c.Needs, c.Restart.Policy))
		if c.Essential || c.Sidecar() != (c.Name == "proxy" || c.Name == "tail") {
			t.Errorf("%s: essential %v, sidecar %v", c.Name, c.Essential, c.Sidecar())
		}
	}
	want := []string{
		"first init=true [] OnFailure",
		"proxy init=true [{first SUCCESS}] Always",
		"migrate init=true [{proxy START}] OnFailure",
		"tail init=true [{migrate SUCCESS}] Always",
		"web init=false [{tail START}] Always",
		"log init=false [{tail START}] Always",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRestart(t *testing.T) {
	full := func(p sandbox.RestartPolicy, ignored ...int) sandbox.Restart {
		return sandbox.Restart{Policy: p, IgnoredExitCodes: ignored, Backoff: 10 * time.Second, MaxBackoff: 5 * time.Minute, ResetBackoff: 10 * time.Minute, Fresh: true}
	}
	var not42 []int
	for code := 1; code < 256; code++ {
		if code != 42 {
			not42 = append(not42, code)
		}
	}
	rule := func(op v1.ContainerRestartRuleOnExitCodesOperator, codes ...int32) []v1.ContainerRestartRule {
		return []v1.ContainerRestartRule{{Action: v1.ContainerRestartRuleActionRestart, ExitCodes: &v1.ContainerRestartRuleOnExitCodes{Operator: op, Values: codes}}}
	}
	in, notIn := v1.ContainerRestartRuleOnExitCodesOpIn, v1.ContainerRestartRuleOnExitCodesOpNotIn
	for name, c := range map[string]struct {
		pod        v1.RestartPolicy
		own        v1.ContainerRestartPolicy
		rules      []v1.ContainerRestartRule
		main, init sandbox.Restart
	}{
		"always":                 {"Always", "", nil, full("Always"), full("OnFailure")},
		"on failure":             {"OnFailure", "", nil, full("OnFailure"), full("OnFailure")},
		"never":                  {"Never", "", nil, sandbox.Restart{}, sandbox.Restart{}},
		"own never":              {"Always", "Never", nil, sandbox.Restart{}, sandbox.Restart{}},
		"own on failure":         {"Never", "OnFailure", nil, full("OnFailure"), full("OnFailure")},
		"own always":             {"Never", "Always", nil, full("Always"), full("Always")},
		"rule over never":        {"Always", "Never", rule(in, 42), full("OnFailure", not42...), full("OnFailure", not42...)},
		"rule with success":      {"Never", "OnFailure", rule(in, 0), full("Always"), full("OnFailure")},
		"rule of all but two":    {"Never", "Never", rule(notIn, 0, 7), full("OnFailure", 7), full("OnFailure", 7)},
		"rule of all but seven":  {"Never", "Never", rule(notIn, 7), full("Always", 7), full("OnFailure", 7)},
		"rules need a policy":    {"Never", "", rule(in, 42), sandbox.Restart{}, sandbox.Restart{}},
		"sidecars always return": {"Never", "Always", rule(in, 42), full("Always"), full("Always")},
	} {
		x := v1.Container{Name: "x", RestartPolicyRules: c.rules}
		if c.own != "" {
			x.RestartPolicy = &c.own
		}
		pod := shopPod(x)
		pod.Spec.RestartPolicy = c.pod
		pod.Spec.InitContainers = []v1.Container{x}
		pod.Spec.InitContainers[0].Name = "i"
		r := translated(t, pod, &objects{}).Completion.Containers
		for i, want := range []sandbox.Restart{c.init, c.main} {
			if got := r[i].Restart; got.Policy != want.Policy || !slices.Equal(got.IgnoredExitCodes, want.IgnoredExitCodes) ||
				got.Backoff != want.Backoff || got.MaxBackoff != want.MaxBackoff || got.ResetBackoff != want.ResetBackoff || got.Fresh != want.Fresh {
				t.Errorf("%s: %s: got %+v; want %+v", name, r[i].Name, got, want)
			}
		}
	}
}

// What depends on others is told at once of those whose turn comes at once, and
// of no other; for another attempt it is found out anew.
func TestToldWhenItsTurnComes(t *testing.T) {
	key := v1.EnvVar{Name: "A", ValueFrom: configKey("c", "k", false)}
	pod := shopPod(v1.Container{Name: "web", Env: []v1.EnvVar{key}}, v1.Container{Name: "lost", Env: []v1.EnvVar{{Name: "A", ValueFrom: configKey("x", "k", false)}}})
	s := &objects{configMaps: []*v1.ConfigMap{configMap("c", map[string]string{"k": "old"})}}
	told := func() (got []bool) {
		for _, c := range translated(t, pod, s).Completion.Containers {
			got = append(got, c.Asks && c.Told)
		}
		return got
	}
	if got := told(); !slices.Equal(got, []bool{true, false}) {
		t.Error(got)
	}
	pod.Spec.InitContainers = []v1.Container{{Name: "first"}, {Name: "second"}}
	if got := told(); !slices.Equal(got, []bool{true, false, false, false}) {
		t.Error(got)
	}
	s.configMaps[0].Data["k"] = "new"
	for name, want := range map[string]string{"web": "A=new", "second": ""} {
		r, err := translate.Container(t.Context(), pod, name, s, surroundings())
		if err != nil {
			t.Fatal(err)
		}
		c := r.Completion.Containers[0]
		if c.Name != name || own(c.Env) != want || c.Restart.Policy == "" || len(r.Completion.Containers) != 1 {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestGrace(t *testing.T) {
	for _, c := range []struct {
		seconds *int64
		want    time.Duration
	}{{nil, 30 * time.Second}, {ptr.To[int64](90), 90 * time.Second}, {ptr.To[int64](0), 2 * time.Second}} {
		pod := shopPod(box())
		pod.Spec.TerminationGracePeriodSeconds = c.seconds
		if got := translated(t, pod, &objects{}).Completion.Containers[0].StopTimeout; got != c.want {
			t.Errorf("got %v; want %v", got, c.want)
		}
	}
}

func TestPullPolicies(t *testing.T) {
	for _, c := range []struct {
		image string
		given v1.PullPolicy
		want  sandbox.PullPolicy
	}{
		{"web", "", "Always"}, {"web:latest", "", "Always"}, {"web:1", "", "IfNotPresent"}, {"registry:5000/web", "", "Always"},
		{"web@sha256:00", "", "IfNotPresent"}, {"web:latest", "IfNotPresent", "IfNotPresent"}, {"web:1", "Never", "Never"},
	} {
		if got := only(t, &objects{}, func(b *v1.Container) { b.Image, b.ImagePullPolicy = c.image, c.given }); got.Pull != c.want {
			t.Errorf("%s %s: got %s; want %s", c.image, c.given, got.Pull, c.want)
		}
	}
}

func TestResources(t *testing.T) {
	q := func(cpu, memory string) v1.ResourceList {
		l := v1.ResourceList{}
		if cpu != "" {
			l["cpu"] = resource.MustParse(cpu)
		}
		if memory != "" {
			l["memory"] = resource.MustParse(memory)
		}
		return l
	}
	for name, c := range map[string]struct {
		requests, limits, pod v1.ResourceList
		want                  [4]int64 // CPU, CPULimit, Memory, MemoryReservation
	}{
		"none":                 {nil, nil, nil, [4]int64{}},
		"both":                 {q("250m", "64Mi"), q("500m", "128Mi"), nil, [4]int64{256, 512, 128 << 20, 64 << 20}},
		"rounded up":           {q("100m", ""), q("100m", ""), nil, [4]int64{103, 103, 0, 0}},
		"limits alone":         {nil, q("2", "1Gi"), nil, [4]int64{2048, 2048, 1 << 30, 0}},
		"least quota":          {q("1m", ""), q("1m", ""), nil, [4]int64{2, 11, 0, 0}},
		"tiny reservation":     {q("", "1Mi"), nil, nil, [4]int64{}},
		"requests alone":       {q("1", "1Gi"), nil, nil, [4]int64{1024, 0, 0, 1 << 30}},
		"limits of the pod":    {nil, nil, q("1", "1Gi"), [4]int64{1024, 1024, 1 << 30, 0}},
		"its own over the pod": {nil, q("500m", ""), q("1", "1Gi"), [4]int64{512, 512, 1 << 30, 0}},
	} {
		pod := shopPod(box(func(b *v1.Container) { b.Resources = v1.ResourceRequirements{Requests: c.requests, Limits: c.limits} }))
		if c.pod != nil {
			pod.Spec.Resources = &v1.ResourceRequirements{Limits: c.pod}
		}
		o := translated(t, pod, &objects{}).Completion.Containers[0]
		if got := [4]int64{o.CPU, o.CPULimit, o.Memory, o.MemoryReservation}; got != c.want {
			t.Errorf("%s: got %v; want %v", name, got, c.want)
		}
	}
}

func TestMessages(t *testing.T) {
	if got := only(t, &objects{}).Message; *got != (sandbox.Message{Path: "/dev/termination-log"}) {
		t.Errorf("got %+v", got)
	}
	got := only(t, &objects{}, func(b *v1.Container) {
		b.TerminationMessagePath, b.TerminationMessagePolicy = "/m", v1.TerminationMessageFallbackToLogsOnError
	}).Message
	if *got != (sandbox.Message{Path: "/m", FromLogs: true}) {
		t.Errorf("got %+v", got)
	}
}

func TestUlimitsAreFargates(t *testing.T) {
	want := []sandbox.Ulimit{{Name: "nofile", Soft: 1024, Hard: 65535}}
	if got := only(t, &objects{}).Ulimits; !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	r := translated(t, shopPod(box()), &objects{}, func(e *translate.Environment) { e.Fargate = false })
	if got := r.Completion.Containers[0].Ulimits; got != nil {
		t.Errorf("on a node group: got %v", got)
	}
}

func TestHostnames(t *testing.T) {
	long := strings.Repeat("a", 62) + "-bc"
	for name, c := range map[string]struct {
		spec         v1.PodSpec
		pod          string
		host, domain string
	}{
		"name":     {v1.PodSpec{}, "web-0", "web-0", ""},
		"hostname": {v1.PodSpec{Hostname: "h"}, "web-0", "h", ""},
		"domain":   {v1.PodSpec{Subdomain: "sub"}, "web-0", "web-0", "sub.shop.svc.cluster.local"},
		"FQDN":     {v1.PodSpec{Subdomain: "sub", SetHostnameAsFQDN: ptr.To(true)}, "web-0", "web-0.sub.shop.svc.cluster.local", "sub.shop.svc.cluster.local"},
		"override": {v1.PodSpec{Subdomain: "sub", HostnameOverride: ptr.To("o.example")}, "web-0", "o.example", ""},
		"cut":      {v1.PodSpec{}, long, strings.Repeat("a", 62), ""},
	} {
		pod := &v1.Pod{Spec: c.spec}
		pod.Name, pod.Namespace = c.pod, "shop"
		if h, d := translate.Hostname(pod, ""); h != c.host || d != c.domain {
			t.Errorf("%s: got %s, %s", name, h, d)
		}
	}
}

func TestEphemeral(t *testing.T) {
	pod := shopPod(box())
	pod.Spec.Volumes = []v1.Volume{{Name: "d", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}}}
	ec := &v1.EphemeralContainer{TargetContainerName: "web", EphemeralContainerCommon: v1.EphemeralContainerCommon{
		Name: "debug", Image: "busybox", Stdin: true, StdinOnce: true, TTY: true, VolumeMounts: []v1.VolumeMount{{Name: "d", MountPath: "/d"}},
		Env: []v1.EnvVar{{Name: "A", Value: "1"}},
	}}
	c, notes := translate.Ephemeral(t.Context(), pod, ec, &objects{}, surroundings())
	if len(notes) != 0 || !c.Told {
		t.Fatal(notes, c.Told)
	}
	if !c.Ephemeral || c.Target != "web" || c.Restart.Policy != sandbox.RestartNever || len(c.Needs) != 0 || !c.TTY || !c.Stdin || !c.StdinOnce ||
		c.Pull != sandbox.PullAlways || own(c.Env) != "A=1" || len(c.Mounts) != 1 {
		t.Errorf("got %+v", c)
	}
	ec.Env = []v1.EnvVar{{Name: "A", ValueFrom: configKey("x", "y", false)}}
	if c, _ := translate.Ephemeral(t.Context(), pod, ec, &objects{}, surroundings()); !c.Asks || c.Told || !c.Ephemeral || c.Image != "busybox" {
		t.Errorf("got %+v", c)
	}
	pod.Spec.EphemeralContainers = []v1.EphemeralContainer{*ec}
	if _, err := translate.Container(t.Context(), pod, "debug", &objects{}, surroundings()); err == nil || err.Error() != `configmap "x" not found` {
		t.Errorf("got %v", err)
	}
	if _, err := translate.Container(t.Context(), pod, "nobody", &objects{}, surroundings()); err == nil || err.Error() != "the pod has no container nobody" {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for want, change := range map[string]func(*v1.PodSpec){
		"hostNetwork, hostPID, hostIPC: Neargate's nodes share nothing with their pods": func(s *v1.PodSpec) { s.HostNetwork, s.HostPID, s.HostIPC = true, true, true },
		"hostPID: Neargate's nodes share nothing with their pods":                       func(s *v1.PodSpec) { s.HostPID = true },
		"volumeDevices: Neargate has no block devices":                                  func(s *v1.PodSpec) { s.Containers[0].VolumeDevices = []v1.VolumeDevice{{}} },
	} {
		pod := shopPod(box())
		change(&pod.Spec)
		if errs := untold(t, pod, &objects{}); len(errs) != 1 || errs[0].Message != want || errs[0].Reason != "CreateContainerConfigError" || errs[0].Container != "web" {
			t.Errorf("got %v; want %s", errs, want)
		}
	}
}

func TestErrorsInOrder(t *testing.T) {
	pod := shopPod(box(func(b *v1.Container) { b.Env = []v1.EnvVar{{Name: "A", ValueFrom: configKey("x", "k", false)}} }))
	pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{Secret: &v1.SecretVolumeSource{SecretName: "y"}}}}
	pod.Spec.SecurityContext = &v1.PodSecurityContext{Sysctls: []v1.Sysctl{{Name: "kernel/msgmax", Value: "1"}}}
	errs := refused(t, pod, &objects{})
	want := `forbidden sysctl: "kernel.msgmax" not allowlisted; MountVolume.SetUp failed for volume "v" : secret "y" not found`
	if errs.Error() != want {
		t.Errorf("got %v", errs)
	}
	if r := errs.Rejection(); r == nil || r.Reason != "SysctlForbidden" {
		t.Errorf("rejection %+v", r)
	}
	pod.Spec.SecurityContext, pod.Spec.OS = nil, &v1.PodOS{Name: v1.Windows}
	if r := refused(t, pod, &objects{}).Rejection(); r == nil || r.Reason != "PodOSNotSupported" || r.Message != "Failed to admit pod as the OS field doesn't match node OS" {
		t.Errorf("Windows: %+v", r)
	}
	if errs[1:].Rejection() != nil {
		t.Error("what can be tried again counts as a rejection")
	}
}

func TestNotes(t *testing.T) {
	pod := shopPod(box(func(b *v1.Container) {
		b.Ports = []v1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}
		b.VolumeMounts = []v1.VolumeMount{{Name: "d", MountPath: "/d", MountPropagation: ptr.To(v1.MountPropagationBidirectional), RecursiveReadOnly: ptr.To(v1.RecursiveReadOnlyEnabled)}}
		b.Resources.Limits = v1.ResourceList{"ephemeral-storage": resource.MustParse("1Gi")}
	}))
	pod.Spec.Volumes = []v1.Volume{{Name: "d", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}}}
	pod.Spec.HostUsers, pod.Spec.RuntimeClassName = ptr.To(false), ptr.To("gvisor")
	got := translated(t, pod, &objects{}).Notes
	for _, want := range []string{"hostPort 8080", "mountPropagation Bidirectional", "recursiveReadOnly Enabled", "ephemeral-storage, 1Gi", "hostUsers", "runtimeClassName gvisor"} {
		if !slices.ContainsFunc(got, func(n string) bool { return strings.Contains(n, want) }) {
			t.Errorf("no note of %s in %q", want, got)
		}
	}
	if len(got) != 6 {
		t.Errorf("got %d notes: %q", len(got), got)
	}
	if quiet := translated(t, shopPod(box()), &objects{}).Notes; quiet != nil {
		t.Errorf("a plain pod has notes: %q", quiet)
	}
}

func TestLabelsAndPorts(t *testing.T) {
	pod := shopPod(box(func(b *v1.Container) {
		b.Ports = []v1.ContainerPort{{Name: "http", ContainerPort: 80, Protocol: "TCP"}, {ContainerPort: 53, Protocol: "UDP"}, {ContainerPort: 1}}
	}))
	pod.Spec.ShareProcessNamespace = ptr.To(true)
	r := translated(t, pod, &objects{}).Completion
	if want := map[string]string{"io.kubernetes.pod.name": "web-0", "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": string(pod.UID)}; !reflect.DeepEqual(r.Labels, want) {
		t.Errorf("got %v", r.Labels)
	}
	c := r.Containers[0]
	if c.Labels["io.kubernetes.container.name"] != "web" || !c.ShareProcesses {
		t.Errorf("got %v, %v", c.Labels, c.ShareProcesses)
	}
	if want := []sandbox.Port{{Name: "http", Number: 80, Protocol: "tcp"}, {Number: 53, Protocol: "udp"}, {Number: 1, Protocol: "tcp"}}; !slices.Equal(c.Ports, want) {
		t.Errorf("got %v", c.Ports)
	}
}
