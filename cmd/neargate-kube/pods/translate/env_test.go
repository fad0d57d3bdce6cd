package translate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

func field(path string) *v1.EnvVarSource {
	return &v1.EnvVarSource{FieldRef: &v1.ObjectFieldSelector{APIVersion: "v1", FieldPath: path}}
}

func amount(what, divisor string) *v1.EnvVarSource {
	r := &v1.ResourceFieldSelector{Resource: what}
	if divisor != "" {
		r.Divisor = resource.MustParse(divisor)
	}
	return &v1.EnvVarSource{ResourceFieldRef: r}
}

func configKey(name, key string, optional bool) *v1.EnvVarSource {
	return &v1.EnvVarSource{ConfigMapKeyRef: &v1.ConfigMapKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: name}, Key: key, Optional: &optional}}
}

func secretKey(name, key string, optional bool) *v1.EnvVarSource {
	return &v1.EnvVarSource{SecretKeyRef: &v1.SecretKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: name}, Key: key, Optional: &optional}}
}

func TestEnvironment(t *testing.T) {
	s := &objects{
		configMaps: []*v1.ConfigMap{configMap("c", map[string]string{"color": "red", "a.b-c": "dots", "1st": "digit"})},
		secrets:    []*v1.Secret{secret("s", map[string]string{"password": "geheim"})},
	}
	limits := v1.ResourceRequirements{
		Requests: v1.ResourceList{"cpu": resource.MustParse("250m"), "memory": resource.MustParse("100Mi")},
		Limits:   v1.ResourceList{"memory": resource.MustParse("200Mi"), "hugepages-2Mi": resource.MustParse("4Mi")},
	}
	from := func(prefix string, cm, sec string, optional bool) v1.EnvFromSource {
		f := v1.EnvFromSource{Prefix: prefix}
		if cm != "" {
			f.ConfigMapRef = &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: cm}, Optional: &optional}
		}
		if sec != "" {
			f.SecretRef = &v1.SecretEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: sec}, Optional: &optional}
		}
		return f
	}
	for name, c := range map[string]struct {
		env  []v1.EnvVar
		from []v1.EnvFromSource
		want string
	}{
		"value":                   {env: []v1.EnvVar{{Name: "A", Value: "1"}}, want: "A=1"},
		"empty value":             {env: []v1.EnvVar{{Name: "A"}}, want: "A="},
		"expansion in order":      {env: []v1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "$(A)-$(C)-$$(A)"}, {Name: "C", Value: "3"}}, want: "A=1 B=1-$(C)-$(A) C=3"},
		"later wins in its place": {env: []v1.EnvVar{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}, {Name: "A", Value: "3$(A)"}}, want: "A=31 B=2"},
		"name":                    {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.name")}}, want: "A=web-0"},
		"namespace":               {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.namespace")}}, want: "A=shop"},
		"uid":                     {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.uid")}}, want: "A=11111111-2222-3333-4444-555555555555"},
		"label":                   {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.labels['app']")}}, want: "A=web"},
		"annotation":              {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.annotations['team']")}}, want: "A=blue"},
		"absent label":            {env: []v1.EnvVar{{Name: "A", ValueFrom: field("metadata.labels['x']")}}, want: "A="},
		"pod IP":                  {env: []v1.EnvVar{{Name: "A", ValueFrom: field("status.podIP")}}, want: "A=10.0.1.23"},
		"pod IPs":                 {env: []v1.EnvVar{{Name: "A", ValueFrom: field("status.podIPs")}}, want: "A=10.0.1.23,fd00::23"},
		"host IP":                 {env: []v1.EnvVar{{Name: "A", ValueFrom: field("status.hostIP")}}, want: "A=10.0.1.99"},
		"host IPs":                {env: []v1.EnvVar{{Name: "A", ValueFrom: field("status.hostIPs")}}, want: "A=10.0.1.99"},
		"node":                    {env: []v1.EnvVar{{Name: "A", ValueFrom: field("spec.nodeName")}}, want: "A=fargate-ip-10-0-1-23.us-west-2.compute.internal"},
		"account":                 {env: []v1.EnvVar{{Name: "A", ValueFrom: field("spec.serviceAccountName")}}, want: "A=seller"},
		"cpu request rounded up":  {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("requests.cpu", "")}}, want: "A=1"},
		"cpu request in m":        {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("requests.cpu", "1m")}}, want: "A=250"},
		"cpu limit of the node":   {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("limits.cpu", "")}}, want: "A=2"},
		"memory request in Mi":    {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("requests.memory", "1Mi")}}, want: "A=100"},
		"memory limit":            {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("limits.memory", "")}}, want: "A=209715200"},
		"no storage request":      {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("requests.ephemeral-storage", "")}}, want: "A=0"},
		"storage limit of node":   {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("limits.ephemeral-storage", "1Gi")}}, want: "A=20"},
		"huge pages":              {env: []v1.EnvVar{{Name: "A", ValueFrom: amount("limits.hugepages-2Mi", "1Mi")}}, want: "A=4"},
		"configMap key":           {env: []v1.EnvVar{{Name: "A", ValueFrom: configKey("c", "color", false)}}, want: "A=red"},
		"optional key":            {env: []v1.EnvVar{{Name: "A", ValueFrom: configKey("c", "x", true)}, {Name: "B", Value: "$(A)"}}, want: "B=$(A)"},
		"optional configMap":      {env: []v1.EnvVar{{Name: "A", ValueFrom: configKey("x", "x", true)}}, want: ""},
		"secret key":              {env: []v1.EnvVar{{Name: "A", ValueFrom: secretKey("s", "password", false)}, {Name: "B", Value: "p:$(A)"}}, want: "A=geheim B=p:geheim"},
		"optional secret":         {env: []v1.EnvVar{{Name: "A", ValueFrom: secretKey("x", "x", true)}}, want: ""},
		"envFrom configMap":       {from: []v1.EnvFromSource{from("", "c", "", false)}, want: "1st=digit a.b-c=dots color=red"},
		"envFrom with prefix":     {from: []v1.EnvFromSource{from("X_", "c", "", false), from("Y_", "", "s", false)}, want: "X_1st=digit X_a.b-c=dots X_color=red Y_password=geheim"},
		"envFrom optional":        {from: []v1.EnvFromSource{from("", "x", "", true), from("", "", "x", true)}, want: ""},
		"env over envFrom":        {from: []v1.EnvFromSource{from("", "", "s", false)}, env: []v1.EnvVar{{Name: "password", Value: "offen"}}, want: "password=offen"},
	} {
		t.Run(name, func(t *testing.T) {
			pod := shopPod(box(func(b *v1.Container) { b.Env, b.EnvFrom, b.Resources = c.env, c.from, limits }))
			r := translated(t, pod, s, func(e *translate.Environment) {
				e.PodIPs, e.HostIPs = []string{"10.0.1.23", "fd00::23"}, []string{"10.0.1.99"}
			})
			if got := own(r.Completion.Containers[0].Env); got != c.want {
				t.Errorf("got %s; want %s", got, c.want)
			}
		})
	}
}

// own writes down the variables that the manifest gave.
func own(env []sandbox.EnvVar) string {
	var all []string
	for _, e := range env {
		if e.Name != "HOSTNAME" {
			all = append(all, e.Name+"="+e.Value)
		}
	}
	return strings.Join(all, " ")
}

func TestEnvironmentErrors(t *testing.T) {
	s := &objects{configMaps: []*v1.ConfigMap{configMap("c", nil)}, secrets: []*v1.Secret{secret("s", nil)}}
	for want, from := range map[string]*v1.EnvVarSource{
		`configmap "x" not found`:                                                        configKey("x", "k", false),
		`secret "x" not found`:                                                           secretKey("x", "k", false),
		`couldn't find key k in ConfigMap shop/c`:                                        configKey("c", "k", false),
		`couldn't find key k in Secret shop/s`:                                           secretKey("s", "k", false),
		`unsupported container resource : limits.x`:                                      amount("limits.x", ""),
		`unsupported container resource : allowed.cpu`:                                   amount("allowed.cpu", ""),
		`container other not found`:                                                      {ResourceFieldRef: &v1.ResourceFieldSelector{ContainerName: "other", Resource: "limits.cpu"}},
		`unsupported fieldPath: spec.hostname`:                                           field("spec.hostname"),
		`fileKeyRef of volume "v": Neargate cannot take variables from files of volumes`: {FileKeyRef: &v1.FileKeySelector{VolumeName: "v"}},
	} {
		pod := shopPod(box(func(b *v1.Container) { b.Env = []v1.EnvVar{{Name: "A", ValueFrom: from}} }))
		errs := untold(t, pod, s)
		if e := errs[0]; len(errs) != 1 || e.Message != want || e.Reason != "CreateContainerConfigError" || e.Container != "web" || e.Rejected {
			t.Errorf("got %+v; want %s", *errs[0], want)
		}
	}
}

// Bytes that are no text would come to the container as others.
func TestSecretsThatAreNoText(t *testing.T) {
	s := &objects{secrets: []*v1.Secret{secret("s", map[string]string{"bin.dat": "\xff\x00\xfe"})}}
	pod := shopPod(box(func(b *v1.Container) {
		b.EnvFrom = []v1.EnvFromSource{{Prefix: "S_", SecretRef: &v1.SecretEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "s"}}}}
	}))
	errs := untold(t, pod, s)
	if want := `environment variable "S_bin.dat": its value contains invalid UTF-8`; len(errs) != 1 || errs[0].Message != want || errs[0].Reason != "CreateContainerConfigError" {
		t.Errorf("got %+v; want %s", *errs[0], want)
	}
}

func TestFailureOfTheSourceIsKept(t *testing.T) {
	s := &objects{failure: context.DeadlineExceeded}
	pod := shopPod(box(func(b *v1.Container) { b.Env = []v1.EnvVar{{Name: "A", ValueFrom: configKey("c", "k", true)}} }))
	if errs := untold(t, pod, s); !errors.Is(errs, context.DeadlineExceeded) {
		t.Errorf("got %v", errs)
	}
}

func TestInvalidNamesBefore132(t *testing.T) {
	s := &objects{configMaps: []*v1.ConfigMap{configMap("c", map[string]string{"1st": "x", "2nd": "x", "ok": "y"})}}
	pod := shopPod(box(func(b *v1.Container) {
		b.EnvFrom = []v1.EnvFromSource{{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "c"}}}}
	}))
	r := translated(t, pod, s, func(e *translate.Environment) { e.Version = "1.31" })
	want := translate.Event{Type: "Warning", Reason: "InvalidEnvironmentVariableNames",
		Message: "Keys [1st, 2nd] from the EnvFrom configMap shop/c were skipped since they are considered invalid environment variable names."}
	if !slices.Contains(r.Events, want) || own(r.Completion.Containers[0].Env) != "ok=y" {
		t.Errorf("got %+v, %v", r.Events, r.Completion.Containers[0].Env)
	}
	if r = translated(t, pod, s); len(r.Events) != 0 || own(r.Completion.Containers[0].Env) != "1st=x 2nd=x ok=y" {
		t.Errorf("1.35: got %+v, %v", r.Events, r.Completion.Containers[0].Env)
	}
}

func TestGivenVariables(t *testing.T) {
	pod := shopPod(box(func(b *v1.Container) {
		b.Env = []v1.EnvVar{{Name: "AWS_ENDPOINT_URL", Value: "http://mine"}, {Name: "H", Value: "$(HOSTNAME)"}}
	}))
	with := func(e *translate.Environment) { e.EmulatorURL = "http://emulator:4566" }
	got := translated(t, pod, &objects{}, with).Completion.Containers[0].Env
	want := []sandbox.EnvVar{{Name: "HOSTNAME", Value: "web-0"}, {Name: "AWS_ENDPOINT_URL", Value: "http://mine"}, {Name: "H", Value: "$(HOSTNAME)"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v; want %v", got, want)
	}
	got = translated(t, shopPod(box()), &objects{}, with).Completion.Containers[0].Env
	if !slices.Contains(got, sandbox.EnvVar{Name: "AWS_ENDPOINT_URL", Value: "http://emulator:4566"}) {
		t.Errorf("got %v", got)
	}
}

func TestServiceVariables(t *testing.T) {
	s := &objects{services: []*v1.Service{
		service("default", "kubernetes", "10.100.0.1", v1.ServicePort{Name: "https", Port: 443}),
		service("default", "other", "10.100.0.2", v1.ServicePort{Port: 80}),
		service("shop", "red-is", "10.100.7.7", v1.ServicePort{Name: "main", Port: 6379}, v1.ServicePort{Name: "stats-x", Port: 9121, Protocol: "UDP"}),
		service("shop", "headless", "None", v1.ServicePort{Port: 80}),
		service("shop", "outside", ""),
	}}
	kubernetes := "KUBERNETES_PORT=tcp://10.100.0.1:443 KUBERNETES_PORT_443_TCP=tcp://10.100.0.1:443 KUBERNETES_PORT_443_TCP_ADDR=10.100.0.1 " +
		"KUBERNETES_PORT_443_TCP_PORT=443 KUBERNETES_PORT_443_TCP_PROTO=tcp KUBERNETES_SERVICE_HOST=10.100.0.1 KUBERNETES_SERVICE_PORT=443 KUBERNETES_SERVICE_PORT_HTTPS=443"
	redis := " RED_IS_PORT=tcp://10.100.7.7:6379 RED_IS_PORT_6379_TCP=tcp://10.100.7.7:6379 RED_IS_PORT_6379_TCP_ADDR=10.100.7.7 RED_IS_PORT_6379_TCP_PORT=6379 " +
		"RED_IS_PORT_6379_TCP_PROTO=tcp RED_IS_PORT_9121_UDP=udp://10.100.7.7:9121 RED_IS_PORT_9121_UDP_ADDR=10.100.7.7 RED_IS_PORT_9121_UDP_PORT=9121 " +
		"RED_IS_PORT_9121_UDP_PROTO=udp RED_IS_SERVICE_HOST=10.100.7.7 RED_IS_SERVICE_PORT=6379 RED_IS_SERVICE_PORT_MAIN=6379 RED_IS_SERVICE_PORT_STATS_X=9121"
	for name, c := range map[string]struct {
		links *bool
		want  string
	}{"links": {nil, kubernetes + redis}, "no links": {ptr.To(false), kubernetes}} {
		pod := shopPod(box())
		pod.Spec.EnableServiceLinks = c.links
		if got := own(translated(t, pod, s).Completion.Containers[0].Env); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestServiceVariablesStandBehindTheOthers(t *testing.T) {
	s := &objects{services: []*v1.Service{service("default", "kubernetes", "10.100.0.1", v1.ServicePort{Port: 443})}}
	c := only(t, s, func(b *v1.Container) {
		b.Env = []v1.EnvVar{{Name: "API", Value: "https://$(KUBERNETES_SERVICE_HOST)"}, {Name: "KUBERNETES_SERVICE_HOST", Value: "mine"}}
		b.Command = []string{"sh", "$(API)", "$(NONE)"}
		b.Args = []string{"$(KUBERNETES_SERVICE_PORT)", "$$(API)", "$(KUBERNETES_SERVICE_HOST)"}
	})
	if !slices.Equal(c.Entrypoint, []string{"sh", "https://10.100.0.1", "$(NONE)"}) || !slices.Equal(c.Command, []string{"443", "$(API)", "mine"}) {
		t.Errorf("got %q %q", c.Entrypoint, c.Command)
	}
	if n := strings.Count(own(c.Env), "KUBERNETES_SERVICE_HOST="); n != 1 {
		t.Errorf("KUBERNETES_SERVICE_HOST is there %d times", n)
	}
}
