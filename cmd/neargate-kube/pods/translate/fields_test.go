package translate_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
)

// No field of a pod is ignored in silence. Each leaf of PodSpec is set, with
// all around it as it was, and then something has to be another: what the
// sandbox is made of, what is told of the pod, or why it is not taken. What
// another package looks at is named below, with the one that does.

// elsewhere are the fields that mean nothing to a sandbox. That one of them
// comes to mean something is found out too.
var elsewhere = map[string]string{
	"Subdomain":                           "package fargate: the sandbox's names; Hostname",
	"Resources.Requests":                  "package fargate sizes the pod by them",
	"SecurityContext.FSGroupChangePolicy": "volumes are made with their group, so that there is nothing to change",
	"ActiveDeadlineSeconds":               "package pods stops the pod then",
	"Affinity":                            "package fit goes by that to nodes and tells of the others",
	"AutomountServiceAccountToken":        "the API server has put the volume into the pod",
	"DNSConfig":                           "package fargate: the sandbox's resolver",
	"DNSPolicy":                           "package fargate: the sandbox's resolver",
	"DeprecatedServiceAccount":            "the API server keeps it equal to serviceAccountName",
	"ServiceAccountName":                  "the API server has put its token into the pod; fieldRef",
	"EvictionResponders":                  "the API server's eviction",
	"HostAliases":                         "package fargate: the sandbox's /etc/hosts",
	"NodeName":                            "package fargate; fieldRef",
	"NodeSelector":                        "package fit",
	"Overhead":                            "admission refuses it without a RuntimeClass",
	"PreemptionPolicy":                    "package fit: nobody is evicted for another pod here",
	"Priority":                            "package fargate/rules refuses none; nobody is evicted",
	"PriorityClassName":                   "the API server has made the priority of it",
	"ReadinessGates":                      "package pods: the condition Ready",
	"SchedulerName":                       "package fargate",
	"SchedulingGates":                     "package fargate waits for them",
	"SchedulingGroup":                     "a feature that no offered version has on",
	"SetHostnameAsFQDN":                   "package fargate: the sandbox's host name",
	"Tolerations":                         "package fit",
	"TopologySpreadConstraints":           "package fit tells of them",
	"Containers.ResizePolicy":             "package pods",
	"Containers.Ports.HostIP":             "it qualifies hostPort, which is told",
}

// values are those of leaves for which not any value will do.
var values = map[string]any{
	"SecurityContext.SeccompProfile.Type":            v1.SeccompProfileTypeUnconfined,
	"Containers.SecurityContext.SeccompProfile.Type": v1.SeccompProfileTypeUnconfined,
	"OS.Name":                             v1.Windows,
	"RestartPolicy":                       v1.RestartPolicyNever,
	"HostUsers":                           false,
	"EnableServiceLinks":                  false,
	"Containers.Image":                    "other:2",
	"Containers.Ports.Protocol":           v1.ProtocolUDP,
	"Containers.RestartPolicy":            v1.ContainerRestartPolicyOnFailure,
	"Containers.TerminationMessagePolicy": v1.TerminationMessageFallbackToLogsOnError,
	"Containers.SecurityContext.AllowPrivilegeEscalation": false,
	"Containers.SecurityContext.ProcMount":                v1.UnmaskedProcMount,
	"Containers.SecurityContext.RunAsNonRoot":             true,
	"SecurityContext.SupplementalGroupsPolicy":            v1.SupplementalGroupsPolicyStrict,
}

// around is what some leaves mean nothing without.
var around = map[string]func(*v1.Pod){
	"Containers.EnvFrom.Prefix": func(p *v1.Pod) {
		p.Spec.Containers[0].EnvFrom = []v1.EnvFromSource{{ConfigMapRef: &v1.ConfigMapEnvSource{LocalObjectReference: v1.LocalObjectReference{Name: "c"}}}}
	},
	"Containers.Env.ValueFrom.ResourceFieldRef": func(p *v1.Pod) { from(p).ResourceFieldRef = &v1.ResourceFieldSelector{Resource: "limits.memory"} },
	"Containers.Env.ValueFrom.ConfigMapKeyRef": func(p *v1.Pod) {
		from(p).ConfigMapKeyRef = &v1.ConfigMapKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: "c"}}
	},
	"Containers.Env.ValueFrom.SecretKeyRef": func(p *v1.Pod) {
		from(p).SecretKeyRef = &v1.SecretKeySelector{LocalObjectReference: v1.LocalObjectReference{Name: "s"}}
	},
	"Containers.RestartPolicyRules": func(p *v1.Pod) {
		c := &p.Spec.Containers[0]
		c.RestartPolicy = ptr.To(v1.ContainerRestartPolicyNever)
		c.RestartPolicyRules = []v1.ContainerRestartRule{{Action: v1.ContainerRestartRuleActionRestart, ExitCodes: &v1.ContainerRestartRuleOnExitCodes{Operator: v1.ContainerRestartRuleOnExitCodesOpIn, Values: []int32{3}}}}
	},
	"Containers.VolumeMounts":   func(p *v1.Pod) { p.Spec.Containers[0].VolumeMounts = []v1.VolumeMount{{Name: "v", MountPath: "/v"}} },
	"Containers.StdinOnce":      func(p *v1.Pod) { p.Spec.Containers[0].Stdin = true },
	"SecurityContext.RunAsUser": func(p *v1.Pod) { p.Spec.Containers[0].SecurityContext = nil },
	"SecurityContext.SeccompProfile.LocalhostProfile": func(p *v1.Pod) {
		p.Spec.SecurityContext = &v1.PodSecurityContext{SeccompProfile: &v1.SeccompProfile{Type: v1.SeccompProfileTypeLocalhost}}
	},
	"Containers.SecurityContext.SeccompProfile.LocalhostProfile": func(p *v1.Pod) {
		p.Spec.Containers[0].SecurityContext.SeccompProfile = &v1.SeccompProfile{Type: v1.SeccompProfileTypeLocalhost}
	},
	"SecurityContext.Sysctls": func(p *v1.Pod) {
		p.Spec.SecurityContext = &v1.PodSecurityContext{Sysctls: []v1.Sysctl{{Name: "net.ipv4.tcp_syncookies", Value: "1"}}}
	},
}

func from(p *v1.Pod) *v1.EnvVarSource {
	source := &v1.EnvVarSource{}
	p.Spec.Containers[0].Env = []v1.EnvVar{{Name: "A", ValueFrom: source}}
	return source
}

func TestNoFieldIsIgnored(t *testing.T) {
	met := map[string]bool{}
	for _, path := range leaves(reflect.TypeFor[v1.PodSpec](), nil) {
		name := strings.Join(path, ".")
		if skipped(path) {
			continue
		}
		place := covering(name)
		met[place] = true
		same := outcome(t, path, false, name) == outcome(t, path, true, name) && !toldWhole(t, path)
		switch {
		case place == "" && same:
			t.Errorf("%s has no effect, and nobody is told", name)
		case place != "" && !same:
			t.Errorf("%s is listed as looked at elsewhere (%s), and has an effect here", name, elsewhere[place])
		}
	}
	for name := range elsewhere {
		if !met[name] {
			t.Errorf("a pod has no field %s", name)
		}
	}
}

// toldWhole: it is told that something around the field has no effect,
// whatever is in it.
func toldWhole(t *testing.T, path []string) bool {
	t.Helper()
	name := strings.Join(path, ".")
	without := outcome(t, nil, false, name).told
	for i := 1; i < len(path); i++ {
		if outcome(t, append(path[:i:i], ""), false, name).told != without {
			return true
		}
	}
	return false
}

// covering is the entry of elsewhere that a field falls under.
func covering(name string) string {
	for name != "" {
		if _, ok := elsewhere[name]; ok {
			return name
		}
		name = name[:max(strings.LastIndexByte(name, '.'), 0)]
	}
	return ""
}

// skipped: init and ephemeral containers have the fields of the others, and of
// the volumes that there are none of here the type alone matters.
func skipped(path []string) bool {
	switch path[0] {
	case "InitContainers", "EphemeralContainers":
		return true
	case "Volumes":
		switch path[1] {
		case "ConfigMap", "Secret", "DownwardAPI", "Projected", "EmptyDir":
			return len(path) > 2 // volume_test.go has them
		}
		return len(path) > 2
	}
	return false
}

// leaves are the paths to all that has no fields of the API's own.
func leaves(t reflect.Type, path []string) [][]string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[v1.Pod]().PkgPath() {
		return [][]string{path}
	}
	var all [][]string
	for f := range fields(t) {
		all = append(all, leaves(f.Type, append(path[:len(path):len(path)], f.Name))...)
	}
	return all
}

// fields are those of a struct, embedded ones' in their place.
func fields(t reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			if !f.Anonymous && !yield(f) {
				return
			}
		}
	}
}

// become is what becomes of a pod: of what its sandbox is made, and what is
// told of it.
type become struct{ made, told string }

// outcome is what becomes of a pod that has all on the way to a field, and the
// field too if it is set. name is the field's, or that of one below it.
func outcome(t *testing.T, path []string, set bool, name string) become {
	t.Helper()
	pod := shopPod(box(func(c *v1.Container) { c.SecurityContext = &v1.SecurityContext{RunAsUser: ptr.To[int64](0)} }))
	pod.Spec.Volumes = []v1.Volume{{Name: "v", VolumeSource: v1.VolumeSource{EmptyDir: &v1.EmptyDirVolumeSource{}}}}
	for prefix, f := range around {
		if name == prefix || strings.HasPrefix(name, prefix+".") {
			f(pod)
		}
	}
	at := reflect.ValueOf(&pod.Spec).Elem()
	for i, name := range path {
		if name == "" {
			break
		}
		if at = at.FieldByName(name); i < len(path)-1 {
			at = enter(at)
		} else if set {
			put(t, at, strings.Join(path, "."))
		} else if _, preset := given(around, strings.Join(path, ".")); !preset {
			at.SetZero()
		}
	}
	s := &objects{
		configMaps: []*v1.ConfigMap{configMap("c", map[string]string{"k": "v", "x7": "w"})}, secrets: []*v1.Secret{secret("s", map[string]string{"x7": "w"})},
		services: []*v1.Service{service("shop", "db", "10.100.0.9", v1.ServicePort{Port: 5432})},
	}
	r, err := translate.Pod(t.Context(), pod, s, surroundings())
	b := become{}
	if r != nil {
		b.told = fmt.Sprint(r.Notes, r.Events)
		text, failed := json.Marshal(r.Completion)
		if failed != nil {
			t.Fatal(failed)
		}
		b.made = string(text)
	}
	_, why := translate.Container(t.Context(), pod, pod.Spec.Containers[0].Name, s, surroundings())
	b.told += fmt.Sprint(err, why)
	return b
}

// given finds what is around a field.
func given(all map[string]func(*v1.Pod), name string) (string, bool) {
	for prefix := range all {
		if strings.HasPrefix(name, prefix+".") {
			return prefix, true
		}
	}
	return "", false
}

// enter goes into a value, which is made if it is not there.
func enter(v reflect.Value) reflect.Value {
	for {
		switch v.Kind() {
		case reflect.Pointer:
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		case reflect.Slice:
			if v.Len() == 0 {
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			}
			v = v.Index(0)
		default:
			return v
		}
	}
}

// put gives a field a value that it does not have by itself.
func put(t *testing.T, v reflect.Value, name string) {
	t.Helper()
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		v = enter(v)
	}
	if given, ok := values[name]; ok {
		v.Set(reflect.ValueOf(given).Convert(v.Type()))
		return
	}
	switch v.Interface().(type) {
	case v1.ResourceList:
		v.Set(reflect.ValueOf(v1.ResourceList{"cpu": resource.MustParse("1"), "memory": resource.MustParse("64Mi")}))
		return
	case resource.Quantity:
		v.Set(reflect.ValueOf(resource.MustParse("7")))
		return
	case intstr.IntOrString:
		v.Set(reflect.ValueOf(intstr.FromInt32(7)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x7")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Map, reflect.Struct: // that it is there is enough
		if v.Kind() == reflect.Map {
			v.Set(reflect.MakeMap(v.Type()))
		}
	default:
		t.Fatalf("%s is a %s", name, v.Type())
	}
}
