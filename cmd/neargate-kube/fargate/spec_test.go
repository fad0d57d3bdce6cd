package fargate_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

func TestResolver(t *testing.T) {
	two, none := "2", ""
	options := []corev1.PodDNSConfigOption{{Name: "ndots", Value: &two}, {Name: "edns0"}, {Name: "rotate", Value: &none}}
	for name, c := range map[string]struct {
		policy corev1.DNSPolicy
		config *corev1.PodDNSConfig
		want   string
	}{
		"cluster first":        {"ClusterFirst", nil, "[10.100.0.10] [ns.svc.cluster.local svc.cluster.local cluster.local us-west-2.compute.internal] [ndots:5]"},
		"with the host's":      {"ClusterFirstWithHostNet", nil, "[10.100.0.10] [ns.svc.cluster.local svc.cluster.local cluster.local us-west-2.compute.internal] [ndots:5]"},
		"the VPC's":            {"Default", nil, "[] [us-west-2.compute.internal] []"},
		"the VPC's and others": {"Default", &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}}, "[169.254.169.253 1.1.1.1] [us-west-2.compute.internal] []"},
		"none": {"None", &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"example.com"}, Options: options},
			"[1.1.1.1] [example.com] [ndots:2 edns0 rotate]"},
		"cluster first and others": {"ClusterFirst", &corev1.PodDNSConfig{Nameservers: []string{"10.100.0.10", "1.1.1.1"}, Searches: []string{"svc.cluster.local", "example.com"}, Options: options},
			"[10.100.0.10 1.1.1.1] [ns.svc.cluster.local svc.cluster.local cluster.local us-west-2.compute.internal example.com] [ndots:2 edns0 rotate]"},
	} {
		t.Run(name, func(t *testing.T) {
			p := plainPod("web")
			p.Namespace, p.Spec.DNSPolicy, p.Spec.DNSConfig = "ns", c.policy, c.config
			r := fargate.ResolverOf(p, "10.100.0.10", "us-west-2")
			if got := fmt.Sprint(r.Servers, r.Searches, r.Options); got != c.want || len(r.Cut) > 0 {
				t.Errorf("got  %s %q\nwant %s", got, r.Cut, c.want)
			}
		})
	}
}

func TestResolverLimits(t *testing.T) {
	long := strings.Repeat("a", 254)
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("%d.example.com", i)
	}
	wide := make([]string, 20)
	for i := range wide {
		wide[i] = fmt.Sprintf("%s%d.example.com", strings.Repeat("b", 200), i)
	}
	for name, c := range map[string]struct {
		config   corev1.PodDNSConfig
		servers  int
		searches int
		cut      string
	}{
		"servers":     {corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"}}, 3, 0, "Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3"},
		"a long name": {corev1.PodDNSConfig{Searches: []string{long, "a.b"}}, 0, 1, "Search Line limits were exceeded, some search paths have been omitted, the applied search line is: a.b"},
		"many names":  {corev1.PodDNSConfig{Searches: many}, 0, 32, "Search Line limits were exceeded"},
		"characters":  {corev1.PodDNSConfig{Searches: wide}, 0, 9, "Search Line limits were exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			p := plainPod("web")
			p.Spec.DNSPolicy, p.Spec.DNSConfig = corev1.DNSNone, &c.config
			r := fargate.ResolverOf(p, "10.100.0.10", "us-west-2")
			if len(r.Servers) != c.servers || len(r.Searches) != c.searches || len(r.Cut) != 1 || !strings.HasPrefix(r.Cut[0], c.cut) {
				t.Errorf("%d servers, %d searches, %q", len(r.Servers), len(r.Searches), r.Cut)
			}
		})
	}
}

func TestHostname(t *testing.T) {
	yes, override := true, "other.example.com"
	for name, c := range map[string]struct {
		pod    string
		change func(*corev1.PodSpec)
		want   string
	}{
		"the pod's name":    {"web-0", func(*corev1.PodSpec) {}, "web-0"},
		"its own":           {"web-0", func(s *corev1.PodSpec) { s.Hostname = "h" }, "h"},
		"not with a domain": {"web-0", func(s *corev1.PodSpec) { s.Hostname, s.Subdomain = "h", "d" }, "h"},
		"with a domain": {"web-0", func(s *corev1.PodSpec) { s.Hostname, s.Subdomain, s.SetHostnameAsFQDN = "h", "d", &yes },
			"h.d.default.svc.cluster.local"},
		"an override": {"web-0", func(s *corev1.PodSpec) { s.HostnameOverride = &override }, override},
		"cut":         {strings.Repeat("a", 62) + "-b", func(*corev1.PodSpec) {}, strings.Repeat("a", 62)},
	} {
		t.Run(name, func(t *testing.T) {
			p := plainPod(c.pod)
			c.change(&p.Spec)
			if got := fargate.PodHostname(p); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestHostAliases(t *testing.T) {
	p := plainPod("web")
	p.Spec.HostAliases = []corev1.HostAlias{{IP: "1.2.3.4", Hostnames: []string{"a", "b"}}}
	s := fargate.PodSpec(p, link.Config{ARN: arn, Region: "us-west-2", ServiceCIDR: "172.20.0.0/16"}, subnet(1), sandbox.Size{}, "")
	if want := []sandbox.Host{{Address: "1.2.3.4", Names: []string{"a", "b"}}}; !reflect.DeepEqual(s.Network.Hosts, want) {
		t.Errorf("hosts %v", s.Network.Hosts)
	}
	if c := s.Network.Cluster; c.DNS != "172.20.0.10" || c.API != "172.20.0.1:443" {
		t.Errorf("cluster %+v", c)
	}
}

func TestLimits(t *testing.T) {
	limited := func(cpu, memory string) corev1.Container {
		l := corev1.ResourceList{}
		if cpu != "" {
			l["cpu"] = resource.MustParse(cpu)
		}
		if memory != "" {
			l["memory"] = resource.MustParse(memory)
		}
		return corev1.Container{Resources: corev1.ResourceRequirements{Limits: l}}
	}
	for name, c := range map[string]struct {
		containers []corev1.Container
		pod        *corev1.ResourceRequirements
		want       sandbox.Size
	}{
		"none":          {[]corev1.Container{limited("", "")}, nil, sandbox.Size{}},
		"all":           {[]corev1.Container{limited("1", "1Gi"), limited("500m", "1Gi")}, nil, sandbox.Size{CPU: 1536, Memory: 2 << 30}},
		"one of them":   {[]corev1.Container{limited("1", "1Gi"), limited("", "1Gi")}, nil, sandbox.Size{Memory: 2 << 30}},
		"the pod's own": {[]corev1.Container{limited("", "")}, &corev1.ResourceRequirements{Limits: corev1.ResourceList{"memory": resource.MustParse("3Gi")}}, sandbox.Size{Memory: 3 << 30}},
	} {
		t.Run(name, func(t *testing.T) {
			p := plainPod("web")
			p.Spec.Containers, p.Spec.Resources = c.containers, c.pod
			if got := fargate.Limits(p); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	for region, want := range map[string]string{
		"us-west-2": "fargate-ip-10-0-1-23.us-west-2.compute.internal",
		"us-east-1": "fargate-ip-10-0-1-23.ec2.internal",
	} {
		got := fargate.NodeName("10.0.1.23", region)
		if got != want || fargate.AddressOf(got) != "10.0.1.23" {
			t.Errorf("%s: %q, back %q", region, got, fargate.AddressOf(got))
		}
	}
	if got := fargate.AddressOf("ip-10-0-1-23.ec2.internal"); got != "" {
		t.Errorf("not a Fargate node: %q", got)
	}
	ids := map[string]bool{}
	for i := range 3 {
		ids[fargate.InstanceID("i-0123456789abcdef0", i)] = true
	}
	if len(ids) != 3 || !ids["i-0123456789abcdef0"] {
		t.Errorf("instances %v", ids)
	}
}
