package sandbox

import (
	"context"
	"net/netip"
)

// ServiceTable is everything that the pods of one Kubernetes cluster can reach
// by a Service: what kube-proxy and the cluster's DNS would know. It is always
// told whole.
type ServiceTable struct {
	Services []Service          `json:",omitempty"`
	Names    map[string]DNSName `json:",omitempty"` // absolute, lower case, without the last dot: "web.default.svc.cluster.local"
	Zones    []string           `json:",omitempty"` // in which a name that is not in the table does not exist: "cluster.local"
}

// Service is one ClusterIP (or load balancer address) with its ports.
type Service struct {
	Addresses []netip.Addr  `json:",omitempty"` // all of them lead to the same
	Ports     []ServicePort `json:",omitempty"`
	Sticky    bool          `json:",omitempty"` // sessionAffinity ClientIP: one pod keeps to one endpoint
}

// ServicePort is one port of a Service. Without endpoints, connections to it
// are refused at once, as kube-proxy does it.
type ServicePort struct {
	Protocol  string           `json:",omitempty"` // "tcp" or "udp"
	Port      uint16           `json:",omitempty"`
	Endpoints []netip.AddrPort `json:",omitempty"` // ready pods
}

// DNSName is what one name resolves to.
type DNSName struct {
	Addresses []netip.Addr `json:",omitempty"` // A and AAAA
	Alias     string       `json:",omitempty"` // CNAME (an ExternalName Service)
	Servers   []DNSServer  `json:",omitempty"` // SRV: "_http._tcp.web.default.svc.cluster.local"
	Pointer   string       `json:",omitempty"` // PTR: "7.0.100.10.in-addr.arpa"
	TTL       uint32       `json:",omitempty"` // seconds; 0: 5
}

// DNSServer is a target of an SRV record.
type DNSServer struct {
	Target string `json:",omitempty"`
	Port   uint16 `json:",omitempty"`
}

// ServiceNetwork is a runtime whose sandboxes can reach Services: those with
// Spec.Network.Cluster.
type ServiceNetwork interface {
	// SetServices replaces the table of a cluster for all its sandboxes, those
	// that exist and those that come. It returns when the table is taken, not
	// when every sandbox has it; one that cannot be reached gets it later.
	SetServices(ctx context.Context, cluster string, t ServiceTable) error
}
