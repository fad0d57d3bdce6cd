package admission_test

import (
	"context"
	"errors"

	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	apiserver "k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/admission"
	"github.com/neargate/neargate/emulator/eks/link"
)

type profiles []link.FargateProfile

func (p profiles) FargateProfiles() []link.FargateProfile { return p }

var one = profiles{{Name: "fp", Selectors: []link.Selector{{Namespace: "default"}}, Subnets: []link.Subnet{{ID: "subnet-1", Zone: "us-west-2a"}}}}

// plugin is initialised as the API server does it, with these objects there.
func plugin(t *testing.T, c admission.Config, objects ...runtime.Object) *admission.Plugin {
	t.Helper()
	client := fake.NewClientset(objects...)
	factory := informers.NewSharedInformerFactory(client, 0)
	c.Region = "us-west-2"
	made, err := admission.Factory(c)(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := made.(*admission.Plugin)
	if !ok {
		t.Fatalf("the factory makes %T", made)
	}
	p.SetExternalKubeClientSet(client)
	p.SetExternalKubeInformerFactory(factory)
	if err := p.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	t.Cleanup(func() { cancel(); factory.Shutdown() })
	return p
}

func admit(t *testing.T, p *admission.Plugin, pod *core.Pod) {
	t.Helper()
	a := apiserver.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion("v1"), "default", pod.Name,
		core.Resource("pods").WithVersion("v1"), "", apiserver.Create, &metav1.CreateOptions{}, false, nil)
	if err := p.Admit(t.Context(), a, nil); err != nil {
		t.Fatal(err)
	}
}

func pod() *core.Pod {
	return &core.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web"}},
		Spec: core.PodSpec{
			SchedulerName: "default-scheduler",
			Containers: []core.Container{{Name: "web", Image: "nginx", Resources: core.ResourceRequirements{
				Limits:   core.ResourceList{"cpu": resource.MustParse("1"), "memory": resource.MustParse("8Gi")},
				Requests: core.ResourceList{"cpu": resource.MustParse("500m")}}}},
		},
	}
}

func TestAdmitWritesWhatFargateWrites(t *testing.T) {
	p := plugin(t, admission.Config{Profiles: one})
	got, want := pod(), pod()
	admit(t, p, got)
	priority := int32(2000001000)
	want.Labels["eks.amazonaws.com/fargate-profile"] = "fp"
	want.Annotations = map[string]string{"CapacityProvisioned": "2vCPU 9GB", "Logging": "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"}
	want.Spec.SchedulerName, want.Spec.PriorityClassName, want.Spec.Priority = "fargate-scheduler", "system-node-critical", &priority
	want.Spec.Containers[0].Resources.Requests["memory"] = resource.MustParse("8Gi")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	again := got.DeepCopy()
	admit(t, p, again)
	if !reflect.DeepEqual(again, got) {
		t.Errorf("the second time changed\n%+v to\n%+v", got, again)
	}
}

func TestAdmitReplacesAnotherPriority(t *testing.T) {
	never := core.PreemptNever
	was := pod()
	zero := int32(0)
	was.Spec.PriorityClassName, was.Spec.Priority, was.Spec.PreemptionPolicy = "low", &zero, &never
	admit(t, plugin(t, admission.Config{Profiles: one}), was)
	if *was.Spec.Priority != 2000001000 || was.Spec.PriorityClassName != "system-node-critical" || *was.Spec.PreemptionPolicy != core.PreemptLowerPriority {
		t.Errorf("priority %d of %s, %s", *was.Spec.Priority, was.Spec.PriorityClassName, *was.Spec.PreemptionPolicy)
	}
}

func TestAdmitLeavesOthersAlone(t *testing.T) {
	for name, c := range map[string]struct {
		profiles profiles
		change   func(*core.Pod)
	}{
		"no profiles":      {nil, func(*core.Pod) {}},
		"no match":         {profiles{{Name: "fp", Selectors: []link.Selector{{Namespace: "other"}}, Subnets: one[0].Subnets}}, func(*core.Pod) {}},
		"compute type ec2": {one, func(p *core.Pod) { p.Annotations = map[string]string{"eks.amazonaws.com/compute-type": "ec2"} }},
		"a DaemonSet's pod": {one, func(p *core.Pod) {
			p.Spec.Affinity = &core.Affinity{NodeAffinity: &core.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &core.NodeSelector{
				NodeSelectorTerms: []core.NodeSelectorTerm{{MatchFields: []core.NodeSelectorRequirement{{Key: "metadata.name", Operator: core.NodeSelectorOpIn, Values: []string{"n"}}}}}}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := pod()
			c.change(got)
			want := got.DeepCopy()
			admit(t, plugin(t, admission.Config{Profiles: c.profiles}), got)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAdmitLooksOnlyAtPods(t *testing.T) {
	p := plugin(t, admission.Config{Profiles: one})
	if p.Handles(apiserver.Update) || !p.Handles(apiserver.Create) {
		t.Error("handles more, or less, than creation")
	}
	a := apiserver.NewAttributesRecord(&core.Service{}, nil, core.Kind("Service").WithVersion("v1"), "default", "web",
		core.Resource("services").WithVersion("v1"), "", apiserver.Create, &metav1.CreateOptions{}, false, nil)
	if err := p.Admit(t.Context(), a, nil); err != nil {
		t.Error(err)
	}
	a = apiserver.NewAttributesRecord(&core.Binding{}, nil, core.Kind("Binding").WithVersion("v1"), "default", "web",
		core.Resource("pods").WithVersion("v1"), "binding", apiserver.Create, &metav1.CreateOptions{}, false, nil)
	if err := p.Admit(t.Context(), a, nil); err != nil {
		t.Error(err)
	}
}

func TestLogging(t *testing.T) {
	namespace := func(labels ...string) *corev1.Namespace {
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "aws-observability"}}
		if len(labels) > 0 {
			n.Labels = map[string]string{"aws-observability": labels[0]}
		}
		return n
	}
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "aws-logging", Namespace: "aws-observability"}}
	good := func(*corev1.ConfigMap) error { return nil }
	bad := func(*corev1.ConfigMap) error { return errors.New("no output") }
	for name, c := range map[string]struct {
		objects []runtime.Object
		check   func(*corev1.ConfigMap) error
		want    string
	}{
		"no namespace":                {nil, good, "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"},
		"a namespace without label":   {[]runtime.Object{namespace(), configMap}, good, "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"},
		"a namespace that is not on":  {[]runtime.Object{namespace("disabled"), configMap}, good, "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"},
		"no ConfigMap":                {[]runtime.Object{namespace("enabled")}, good, "LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND"},
		"a ConfigMap":                 {[]runtime.Object{namespace("enabled"), configMap}, good, "LoggingEnabled"},
		"a ConfigMap nobody checks":   {[]runtime.Object{namespace("enabled"), configMap}, nil, "LoggingEnabled"},
		"a ConfigMap that is no good": {[]runtime.Object{namespace("enabled"), configMap}, bad, "LoggingDisabled: LOGGING_CONFIGMAP_INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			got := pod()
			admit(t, plugin(t, admission.Config{Profiles: one, CheckLogging: c.check}, c.objects...), got)
			if got.Annotations["Logging"] != c.want {
				t.Errorf("annotations %v", got.Annotations)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	got := admission.Order([]string{"LimitRanger", "Priority", "MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ResourceQuota"})
	if want := []string{"LimitRanger", "Priority", "EKSFargate", "MutatingAdmissionPolicy", "MutatingAdmissionWebhook", "ResourceQuota"}; !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
	plugins := apiserver.NewPlugins()
	admission.Register(plugins, admission.Config{Profiles: one})
	if got := plugins.Registered(); !slices.Contains(got, "EKSFargate") {
		t.Errorf("registered %v", got)
	}
}
