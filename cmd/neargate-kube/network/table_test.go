package network_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/neargate/neargate/cmd/neargate-kube/network"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

func service(name, ip string, ports ...corev1.ServicePort) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, ClusterIP: ip, ClusterIPs: []string{ip}, Ports: ports},
	}
}

func with(s *corev1.Service, f func(*corev1.Service)) *corev1.Service {
	f(s)
	return s
}

func port(name string, number int32, protocol corev1.Protocol) corev1.ServicePort {
	return corev1.ServicePort{Name: name, Port: number, Protocol: protocol}
}

// slice is an EndpointSlice of a Service with one port.
func slice(name, of, portName string, number int32, protocol corev1.Protocol, endpoints ...discoveryv1.Endpoint) *discoveryv1.EndpointSlice {
	return &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: of}},
		Ports:      []discoveryv1.EndpointPort{{Name: &portName, Port: &number, Protocol: &protocol}}, Endpoints: endpoints,
	}
}

func endpoint(ip string, conditions ...bool) discoveryv1.Endpoint {
	e := discoveryv1.Endpoint{Addresses: []string{ip}}
	for i, into := range []**bool{&e.Conditions.Ready, &e.Conditions.Serving, &e.Conditions.Terminating} {
		if i < len(conditions) {
			*into = &conditions[i]
		}
	}
	return e
}

func named(e discoveryv1.Endpoint, hostname string) discoveryv1.Endpoint {
	e.Hostname = &hostname
	return e
}

func pod(ip string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "p" + ip, UID: types.UID("0-1-" + ip)}, Status: corev1.PodStatus{PodIP: ip, Phase: phase},
	}
}

// show is one line for each Service port, for tables to be compared with.
func show(t sandbox.ServiceTable) (all []string) {
	for _, s := range t.Services {
		for _, p := range s.Ports {
			text := fmt.Sprintf("%v %s/%d → %v", s.Addresses, p.Protocol, p.Port, p.Endpoints)
			if s.Sticky {
				text += " sticky"
			}
			all = append(all, text)
		}
	}
	return all
}

const tcp, udp = corev1.ProtocolTCP, corev1.ProtocolUDP

func TestTranslation(t *testing.T) {
	for _, row := range []struct {
		name   string
		of     *corev1.Service
		slices []*discoveryv1.EndpointSlice
		want   []string
	}{
		{"ready", service("web", "10.100.0.7", port("", 80, tcp)),
			[]*discoveryv1.EndpointSlice{slice("1", "web", "", 8080, tcp, endpoint("10.0.0.1", true), endpoint("10.0.0.2"), endpoint("10.0.0.3", false, false, false))},
			[]string{"[10.100.0.7] tcp/80 → [10.0.0.1:8080 10.0.0.2:8080]"}},
		{"several slices, in order", service("web", "10.100.0.7", port("", 80, tcp)),
			[]*discoveryv1.EndpointSlice{slice("2", "web", "", 80, tcp, endpoint("10.0.0.2")), slice("1", "web", "", 8080, tcp, endpoint("10.0.0.1")), slice("0", "other", "", 1, tcp, endpoint("10.0.0.9"))},
			[]string{"[10.100.0.7] tcp/80 → [10.0.0.1:8080 10.0.0.2:80]"}},
		{"named ports of both protocols", service("dns", "10.100.0.8", port("dns", 53, udp), port("dns-tcp", 53, tcp)),
			[]*discoveryv1.EndpointSlice{slice("1", "dns", "dns", 5353, udp, endpoint("10.0.0.1")), slice("2", "dns", "dns-tcp", 5354, tcp, endpoint("10.0.0.1"))},
			[]string{"[10.100.0.8] udp/53 → [10.0.0.1:5353]", "[10.100.0.8] tcp/53 → [10.0.0.1:5354]"}},
		{"one name, two protocols", service("dns", "10.100.0.8", port("dns", 53, udp)),
			[]*discoveryv1.EndpointSlice{slice("1", "dns", "dns", 5353, tcp, endpoint("10.0.0.1"))}, []string{"[10.100.0.8] udp/53 → []"}},
		{"nobody", service("web", "10.100.0.7", port("", 80, tcp)), nil, []string{"[10.100.0.7] tcp/80 → []"}},
		{"only those that end serve", service("web", "10.100.0.7", port("", 80, tcp)),
			[]*discoveryv1.EndpointSlice{slice("1", "web", "", 80, tcp, endpoint("10.0.0.1", false, true, true), endpoint("10.0.0.2", false, false, true), endpoint("10.0.0.3", false, true, false))},
			[]string{"[10.100.0.7] tcp/80 → [10.0.0.1:80]"}},
		{"those that end rest while others are ready", service("web", "10.100.0.7", port("", 80, tcp)),
			[]*discoveryv1.EndpointSlice{slice("1", "web", "", 80, tcp, endpoint("10.0.0.1", false, true, true), endpoint("10.0.0.2", true, true, false))},
			[]string{"[10.100.0.7] tcp/80 → [10.0.0.2:80]"}},
		{"sticky", with(service("web", "10.100.0.7", port("", 80, tcp)), func(s *corev1.Service) { s.Spec.SessionAffinity = corev1.ServiceAffinityClientIP }),
			nil, []string{"[10.100.0.7] tcp/80 → [] sticky"}},
		{"external and load balancer's addresses", with(service("web", "10.100.0.7", port("", 80, tcp)), func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalIPs = corev1.ServiceTypeLoadBalancer, []string{"192.0.2.1"}
			s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "127.64.0.1"}, {Hostname: "x"}}
		}), nil, []string{"[10.100.0.7 192.0.2.1 127.64.0.1] tcp/80 → []"}},
		{"SCTP is not carried", service("web", "10.100.0.7", port("", 80, corev1.ProtocolSCTP)), nil, nil},
		{"headless", service("web", "None", port("", 80, tcp)), nil, nil},
		{"external name", with(service("web", "", port("", 80, tcp)), func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName }), nil, nil},
		{"own", service("own", "10.100.0.10", port("", 53, udp)), nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := network.Table(network.View{Services: []*corev1.Service{row.of}, Slices: row.slices, Own: map[string]bool{"a/own": true}})
			if !slices.Equal(show(got), row.want) {
				t.Errorf("%q", show(got))
			}
		})
	}
}

func TestNames(t *testing.T) {
	web := service("web", "10.100.0.7", port("http", 80, tcp), port("", 81, tcp))
	set := service("db", "None", port("pg", 5432, tcp))
	for _, row := range []struct {
		name string
		view network.View
		want string
	}{
		{"cluster address", network.View{Services: []*corev1.Service{web}}, `{
			"web.a.svc.cluster.local": {"Addresses": ["10.100.0.7"]},
			"7.0.100.10.in-addr.arpa": {"Pointer": "web.a.svc.cluster.local"},
			"_http._tcp.web.a.svc.cluster.local": {"Servers": [{"Target": "web.a.svc.cluster.local", "Port": 80}]}}`},
		{"both families", network.View{Services: []*corev1.Service{with(service("six", "10.100.0.9"), func(s *corev1.Service) { s.Spec.ClusterIPs = append(s.Spec.ClusterIPs, "fd00::9") })}}, `{
			"six.a.svc.cluster.local": {"Addresses": ["10.100.0.9", "fd00::9"]},
			"9.0.100.10.in-addr.arpa": {"Pointer": "six.a.svc.cluster.local"},
			"9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa": {"Pointer": "six.a.svc.cluster.local"}}`},
		{"headless with hostnames", network.View{Services: []*corev1.Service{set}, Slices: []*discoveryv1.EndpointSlice{
			slice("1", "db", "pg", 5432, tcp, named(endpoint("10.0.0.1", true), "db-0"), endpoint("10.0.0.2", true), endpoint("10.0.0.3", false)),
			slice("2", "db", "other", 9999, tcp, named(endpoint("10.0.0.1", true), "db-0")),
		}}, `{
			"db.a.svc.cluster.local": {"Addresses": ["10.0.0.1", "10.0.0.2"]},
			"db-0.db.a.svc.cluster.local": {"Addresses": ["10.0.0.1"]},
			"1.0.0.10.in-addr.arpa": {"Pointer": "db-0.db.a.svc.cluster.local"},
			"10-0-0-2.db.a.svc.cluster.local": {"Addresses": ["10.0.0.2"]},
			"_pg._tcp.db.a.svc.cluster.local": {"Servers": [{"Target": "db-0.db.a.svc.cluster.local", "Port": 5432}, {"Target": "10-0-0-2.db.a.svc.cluster.local", "Port": 5432}]},
			"_other._tcp.db.a.svc.cluster.local": {"Servers": [{"Target": "db-0.db.a.svc.cluster.local", "Port": 9999}]}}`},
		{"headless with those that are not ready", network.View{Services: []*corev1.Service{with(service("db", "None"), func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true })}, Slices: []*discoveryv1.EndpointSlice{
			slice("1", "db", "", 1, tcp, endpoint("10.0.0.3", false)),
		}}, `{"db.a.svc.cluster.local": {"Addresses": ["10.0.0.3"]}, "10-0-0-3.db.a.svc.cluster.local": {"Addresses": ["10.0.0.3"]}}`},
		{"headless without pods does not exist", network.View{Services: []*corev1.Service{set}}, `{}`},
		{"external name", network.View{Services: []*corev1.Service{with(service("out", ""), func(s *corev1.Service) {
			s.Spec.Type, s.Spec.ExternalName, s.Spec.ClusterIPs = corev1.ServiceTypeExternalName, "DB.example.com.", nil
		})}}, `{"out.a.svc.cluster.local": {"Alias": "db.example.com"}}`},
		{"own Services have names", network.View{Services: []*corev1.Service{service("own", "10.100.0.10")}, Own: map[string]bool{"a/own": true}}, `{
			"own.a.svc.cluster.local": {"Addresses": ["10.100.0.10"]}, "10.0.100.10.in-addr.arpa": {"Pointer": "own.a.svc.cluster.local"}}`},
		{"pods", network.View{Pods: []*corev1.Pod{pod("10.0.0.1", corev1.PodRunning), pod("", corev1.PodPending)}}, `{"10-0-0-1.a.pod.cluster.local": {"Addresses": ["10.0.0.1"]}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			var want map[string]sandbox.DNSName
			if err := json.Unmarshal([]byte(row.want), &want); err != nil {
				t.Fatal(err)
			}
			got := network.Table(row.view)
			if !reflect.DeepEqual(got.Names, want) {
				text, _ := json.MarshalIndent(got.Names, "", "  ") // to look at
				t.Errorf("%s", text)
			}
			if !slices.Equal(got.Zones, []string{"cluster.local"}) {
				t.Errorf("zones %q", got.Zones)
			}
		})
	}
}

func TestBalancers(t *testing.T) {
	balanced := func(name string, f func(*corev1.Service)) *corev1.Service {
		return with(service(name, "10.100.0.7", port("", 80, tcp), port("d", 53, udp)), func(s *corev1.Service) {
			s.Spec.Type = corev1.ServiceTypeLoadBalancer
			f(s)
		})
	}
	now := metav1.Now()
	got := network.Balancers(network.View{
		Services: []*corev1.Service{
			balanced("web", func(*corev1.Service) {}), service("plain", "10.100.0.8", port("", 80, tcp)),
			balanced("aws", func(s *corev1.Service) { s.Spec.LoadBalancerClass = new("service.k8s.aws/nlb") }),
			balanced("foreign", func(s *corev1.Service) { s.Spec.LoadBalancerClass = new("example.com/lb") }),
			balanced("going", func(s *corev1.Service) { s.DeletionTimestamp = &now }),
		},
		Slices: []*discoveryv1.EndpointSlice{slice("1", "web", "", 8080, tcp, endpoint("10.0.0.1"), endpoint("10.0.0.2"))},
		Pods:   []*corev1.Pod{pod("10.0.0.1", corev1.PodRunning), pod("10.0.0.2", corev1.PodSucceeded)},
	})
	want := []link.LoadBalancer{
		{Name: "a/aws", Class: "service.k8s.aws/nlb", Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 80}, {Protocol: "udp", Port: 53}}},
		{Name: "a/web", Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 80, Endpoints: []link.Endpoint{
			{Sandbox: "0110.0.0.1", Address: netip.MustParseAddrPort("10.0.0.1:8080")}, {Address: netip.MustParseAddrPort("10.0.0.2:8080")},
		}}, {Protocol: "udp", Port: 53}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}
