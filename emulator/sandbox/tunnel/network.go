package tunnel

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
)

// What a sandbox learns about its network when it is no longer spare: the
// files of all its containers, and for a pod the Services of its cluster.

// The commands for that.
const (
	CommandConfigure   = "network.configure"
	CommandSetServices = "services.set"
)

// ServiceKubernetes is the service on a cluster's API address: the bytes are
// TLS, and the emulator carries them to the control plane.
const ServiceKubernetes = "kubernetes"

// Network is how the namespace looks to its containers.
type Network struct {
	// Hosts, Resolv and Hostname are the content of /etc/hosts,
	// /etc/resolv.conf and /etc/hostname, which all containers of the sandbox
	// share; an empty one is left as it is.
	Hosts    string `json:"hosts,omitempty"`
	Resolv   string `json:"resolv,omitempty"`
	Hostname string `json:"hostname,omitempty"`
	// Cluster makes the sandbox a pod. It cannot be changed later.
	Cluster *Cluster `json:"cluster,omitempty"`
}

// Cluster is a Kubernetes cluster as a pod sees it.
type Cluster struct {
	Name     string         `json:"name"`         // the emulator's key; Hello tells it again
	Services netip.Prefix   `json:"services"`     // connections into it are translated or refused
	DNS      netip.Addr     `json:"dns,omitzero"` // answers DNS on port 53; the zero value: nobody does
	API      netip.AddrPort `json:"api,omitzero"` // offered as ServiceKubernetes; the zero value: nothing is
}

// Services is all that a cluster's pods can reach by a Service, and its DNS.
type Services struct {
	Services []Service       `json:"services,omitempty"`
	Names    map[string]Name `json:"names,omitempty"` // domain names, absolute with or without the last dot
	Zones    []string        `json:"zones,omitempty"` // in which a name that is not in Names does not exist
}

// Service has the same endpoints behind all its addresses.
type Service struct {
	Addresses []netip.Addr  `json:"addresses,omitempty"`
	Ports     []ServicePort `json:"ports,omitempty"`
	Sticky    bool          `json:"sticky,omitempty"` // this sandbox keeps to one endpoint
}

// ServicePort is one port of a Service; without endpoints it is refused.
type ServicePort struct {
	Protocol  string           `json:"protocol"` // "tcp" or "udp"
	Port      uint16           `json:"port"`
	Endpoints []netip.AddrPort `json:"endpoints,omitempty"`
}

// Name is what a domain name resolves to.
type Name struct {
	Addresses []netip.Addr `json:"addresses,omitempty"` // A and AAAA
	Alias     string       `json:"alias,omitempty"`     // CNAME
	Servers   []NameServer `json:"servers,omitempty"`   // SRV
	Pointer   string       `json:"pointer,omitempty"`   // PTR
	TTL       uint32       `json:"ttl,omitempty"`       // seconds
}

// NameServer is a target of an SRV record.
type NameServer struct {
	Target string `json:"target"`
	Port   uint16 `json:"port"`
}

// NetworkState tells what a Configure came to.
type NetworkState struct {
	// Warnings say in sentences what the sandbox had to do without. A later
	// Hello tells them too.
	Warnings []string `json:"warnings,omitempty"`
}

// Configure tells the sandbox what it is. Doing it again with the same content
// changes nothing; another cluster than before is Invalid. It fails with
// UnknownCommand at a PID 1 of a release that knew no such thing.
func (s *Session) Configure(ctx context.Context, n Network) (NetworkState, error) {
	var state NetworkState
	return state, s.Call(ctx, CommandConfigure, n, &state)
}

// EncodedServices is a table in the form in which it travels, so that it is
// encoded once for all the sandboxes that get it.
type EncodedServices struct{ text json.RawMessage }

// EncodeServices fails when the table is larger than a sandbox takes.
func EncodeServices(t Services) (EncodedServices, error) {
	text, err := json.Marshal(t)
	if err == nil && len(text) > maxFrame {
		err = fmt.Errorf("tunnel: a table of Services of %d bytes, %d are allowed", len(text), maxFrame)
	}
	return EncodedServices{text}, err
}

// SetServices replaces the sandbox's table at one go; connections that are
// established go on. It fails with Invalid when the sandbox was not configured
// with a Cluster.
func (s *Session) SetServices(ctx context.Context, t EncodedServices) error {
	return s.Call(ctx, CommandSetServices, t.text, nil)
}
