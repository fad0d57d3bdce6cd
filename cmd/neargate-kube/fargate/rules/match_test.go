package rules_test

import (
	"maps"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/emulator/eks/link"
)

func profile(name string, selectors ...link.Selector) link.FargateProfile {
	return link.FargateProfile{Name: name, Selectors: selectors, Subnets: []link.Subnet{{ID: "a", Zone: "us-west-2a"}, {ID: "b", Zone: "us-west-2b"}}}
}

func in(namespace string, labels ...string) link.Selector {
	s := link.Selector{Namespace: namespace}
	for i := 0; i < len(labels); i += 2 {
		if s.Labels == nil {
			s.Labels = map[string]string{}
		}
		s.Labels[labels[i]] = labels[i+1]
	}
	return s
}

func labelled(kv ...string) *corev1.Pod {
	p := &corev1.Pod{}
	p.Labels = in("", kv...).Labels
	return p
}

func TestMatchBySelectors(t *testing.T) {
	for name, c := range map[string]struct {
		selector  link.Selector
		namespace string
		labels    []string
		want      bool
	}{
		"namespace":                   {in("default"), "default", nil, true},
		"another namespace":           {in("default"), "defaults", nil, false},
		"star":                        {in("prod-*"), "prod-eu", nil, true},
		"star for nothing":            {in("prod*"), "prod", nil, true},
		"star in the middle":          {in("a*b*c"), "axxbyybc", nil, true},
		"star that goes too far":      {in("a*bc"), "abcb", nil, false},
		"two stars at the end":        {in("a**"), "a", nil, true},
		"question mark":               {in("prod-?"), "prod-1", nil, true},
		"question mark for nothing":   {in("prod?"), "prod", nil, false},
		"question mark for two":       {in("prod-?"), "prod-12", nil, false},
		"label":                       {in("default", "app", "web"), "default", []string{"app", "web", "x", "y"}, true},
		"label missing":               {in("default", "app", "web"), "default", []string{"x", "y"}, false},
		"one of two labels":           {in("default", "app", "web", "tier", "1"), "default", []string{"app", "web"}, false},
		"label of another value":      {in("default", "app", "web"), "default", []string{"app", "db"}, false},
		"wildcard in value":           {in("default", "app", "w*"), "default", []string{"app", "web"}, true},
		"wildcard in key":             {in("default", "a?p", "web"), "default", []string{"app", "web"}, true},
		"wildcards meet one label":    {in("default", "*", "web"), "default", []string{"a", "b", "c", "web"}, true},
		"key and value must go along": {in("default", "a*", "web"), "default", []string{"app", "db", "b", "web"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, got := rules.Match(labelled(c.labels...), c.namespace, "us-west-2", []link.FargateProfile{profile("fp", c.selector)})
			if got != c.want {
				t.Errorf("matched: %v", got)
			}
		})
	}
}

func TestMatchChoosesAProfile(t *testing.T) {
	all := []link.FargateProfile{profile("b", in("other"), in("default")), profile("c", in("default")), profile("a", in("kube-system"))}
	deleting := slices.Clone(all)
	deleting[0].Deleting = true
	barren := slices.Clone(all)
	barren[0].Subnets = nil
	for name, c := range map[string]struct {
		profiles []link.FargateProfile
		pod      *corev1.Pod
		want     string
	}{
		"the first by name":               {all, labelled(), "b"},
		"the one that the label names":    {all, labelled(rules.ProfileLabel, "c"), "c"},
		"a named one that does not match": {all, labelled(rules.ProfileLabel, "a"), ""},
		"a named one that is not there":   {all, labelled(rules.ProfileLabel, "z"), ""},
		"not one that is being deleted":   {deleting, labelled(), "c"},
		"not one without subnets":         {barren, labelled(), "c"},
		"none":                            {nil, labelled(), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, ok := rules.Match(c.pod, "default", "us-west-2", c.profiles)
			if p.Name != c.want || ok != (c.want != "") {
				t.Errorf("got %q %v, want %q", p.Name, ok, c.want)
			}
		})
	}
}

func affinity(terms ...corev1.NodeSelectorTerm) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms}}}
}

func TestMatchLeavesPodsAlone(t *testing.T) {
	isIn := func(key string, values ...string) corev1.NodeSelectorRequirement {
		return corev1.NodeSelectorRequirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}
	}
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		want   bool
	}{
		"nothing special":             {func(*corev1.Pod) {}, true},
		"compute type ec2":            {func(p *corev1.Pod) { p.Annotations = map[string]string{rules.ComputeType: "ec2"} }, false},
		"compute type fargate":        {func(p *corev1.Pod) { p.Annotations = map[string]string{rules.ComputeType: "fargate"} }, true},
		"has a node":                  {func(p *corev1.Pod) { p.Spec.NodeName = "n" }, false},
		"selector that Fargate meets": {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"kubernetes.io/os": "linux"} }, true},
		"selector of a node group":    {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{"eks.amazonaws.com/nodegroup": "ng"} }, false},
		"selector of a zone":          {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "us-west-2b"} }, true},
		"selector of another zone":    {func(p *corev1.Pod) { p.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "us-west-2c"} }, false},
		"affinity away from Fargate": {func(p *corev1.Pod) {
			p.Spec.Affinity = affinity(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
				{Key: rules.ComputeType, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"fargate"}}}})
		}, false},
		"affinity to Fargate": {func(p *corev1.Pod) {
			p.Spec.Affinity = affinity(corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{isIn(rules.ComputeType, "fargate")}})
		}, true},
		"a DaemonSet's pod": {func(p *corev1.Pod) {
			p.Spec.Affinity = affinity(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{isIn("metadata.name", "n")}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := labelled()
			c.change(p)
			if _, got := rules.Match(p, "default", "us-west-2", []link.FargateProfile{profile("fp", in("default"))}); got != c.want {
				t.Errorf("matched: %v", got)
			}
		})
	}
}

func TestSubnetsOfAZone(t *testing.T) {
	p := labelled()
	p.Spec.NodeSelector = map[string]string{corev1.LabelTopologyZone: "us-west-2b"}
	got := rules.Subnets(p, "us-west-2", profile("fp"))
	if len(got) != 1 || got[0].ID != "b" {
		t.Errorf("subnets %v", got)
	}
	if got := rules.Subnets(labelled(), "us-west-2", profile("fp")); len(got) != 2 {
		t.Errorf("without a wish: %v", got)
	}
}

func TestMutate(t *testing.T) {
	for name, c := range map[string]struct{ had, want string }{
		"none":                {"", rules.SchedulerName},
		"the default":         {"default-scheduler", rules.SchedulerName},
		"Fargate's already":   {rules.SchedulerName, rules.SchedulerName},
		"somebody's: is kept": {"mine", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := labelled()
			p.Spec.SchedulerName = c.had
			m := rules.Mutate(p, profile("fp"), rules.LoggingEnabled)
			if m.SchedulerName != c.want {
				t.Errorf("scheduler %q", m.SchedulerName)
			}
			if want := map[string]string{"CapacityProvisioned": "0.25vCPU 0.5GB", "Logging": "LoggingEnabled"}; !maps.Equal(m.Annotations, want) {
				t.Errorf("annotations %v", m.Annotations)
			}
			if !maps.Equal(m.Labels, map[string]string{"eks.amazonaws.com/fargate-profile": "fp"}) || m.Priority != 2000001000 || m.PriorityClassName != "system-node-critical" {
				t.Errorf("mutation %+v", m)
			}
		})
	}
	if m := rules.Mutate(requesting("17", "1Gi", ""), profile("fp"), rules.LoggingEnabled); m.Annotations["CapacityProvisioned"] != "" {
		t.Errorf("a pod that is too large has %v", m.Annotations)
	}
}
