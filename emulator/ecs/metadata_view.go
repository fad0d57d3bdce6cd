package ecs

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file makes the documents of the metadata endpoint, with the members
// that Fargate gives them. Version 3 lacks some of version 4's.

type taskDocument struct {
	Cluster, TaskARN, Family, Revision string
	ServiceName                        string `json:",omitempty"`
	DesiredStatus, KnownStatus         string
	Limits                             taskLimits
	PullStartedAt, PullStoppedAt       *time.Time `json:",omitempty"`
	ExecutionStoppedAt                 *time.Time `json:",omitempty"`
	AvailabilityZone                   string     `json:",omitempty"`
	LaunchType                         string     `json:",omitempty"`
	Containers                         []containerDocument
	TaskTags                           map[string]string        `json:",omitempty"`
	ClockDrift                         *clockDrift              `json:",omitempty"`
	EphemeralStorageMetrics            *ephemeralStorageMetrics `json:",omitempty"`
	FaultInjectionEnabled              *bool                    `json:",omitempty"`
}

type taskLimits struct {
	CPU    float64 // vCPU
	Memory int64   // MiB
}

type clockDrift struct {
	ReferenceTimestamp         time.Time
	ClockErrorBound            float64 // ms
	ClockSynchronizationStatus string
}

type ephemeralStorageMetrics struct{ Reserved int64 } // MiB

type containerDocument struct {
	DockerID                   string `json:"DockerId"`
	Name, DockerName, Image    string
	ImageID                    string
	Ports                      []portDocument `json:",omitempty"`
	Labels                     map[string]string
	DesiredStatus, KnownStatus string
	ExitCode                   *int `json:",omitempty"`
	Limits                     containerLimits
	CreatedAt                  *time.Time `json:",omitempty"`
	StartedAt                  *time.Time `json:",omitempty"`
	FinishedAt                 *time.Time `json:",omitempty"`
	Type                       string
	Health                     *healthDocument   `json:",omitempty"`
	LogDriver                  string            `json:",omitempty"`
	LogOptions                 map[string]string `json:",omitempty"`
	ContainerARN               string            `json:",omitempty"`
	Networks                   []networkDocument
	Snapshotter                string `json:",omitempty"`
	RestartCount               *int   `json:",omitempty"`
}

type containerLimits struct {
	CPU    int64 // units
	Memory int64 `json:",omitempty"` // MiB
}

type portDocument struct {
	ContainerPort uint16
	Protocol      string
	HostPort      uint16
}

type healthDocument struct {
	Status      string     `json:"status"`
	StatusSince *time.Time `json:"statusSince,omitempty"`
	ExitCode    int        `json:"exitCode"`
	Output      string     `json:"output"`
}

type networkDocument struct {
	NetworkMode              string
	IPv4Addresses            []string
	IPv6Addresses            []string `json:",omitempty"`
	AttachmentIndex          *int     `json:",omitempty"`
	MACAddress               string   `json:",omitempty"`
	IPv4SubnetCIDRBlock      string   `json:",omitempty"`
	DomainNameServers        []string `json:",omitempty"`
	DomainNameSearchList     []string `json:",omitempty"`
	PrivateDNSName           string   `json:",omitempty"`
	SubnetGatewayIpv4Address string   `json:",omitempty"`
}

// taskMetadata makes the document of a task. The clock that it speaks of is
// this machine's, which is also the containers': there is no error between
// them.
func taskMetadata(t *Task, s *sandbox.Sandbox, version string, withTags bool) *taskDocument {
	d := &taskDocument{
		Cluster: t.Cluster, TaskARN: t.ARN, Family: t.Family, Revision: strconv.Itoa(int(t.Revision)),
		DesiredStatus: desiredStatus(s), KnownStatus: sandbox.LastStatus(s),
		Limits:        taskLimits{CPU: float64(parse(t.CPU)) / 1024, Memory: parse(t.Memory)},
		PullStartedAt: stamp(&s.Status.PullStartedAt), PullStoppedAt: stamp(&s.Status.PullStoppedAt),
		ExecutionStoppedAt: stamp(&s.Status.ExecutionStoppedAt), AvailabilityZone: t.Interface.Zone,
		Containers: make([]containerDocument, 0, len(t.Containers)),
	}
	for i := range t.Containers {
		d.Containers = append(d.Containers, *containerMetadata(t, &t.Containers[i], s, version))
	}
	if version == v4 {
		d.LaunchType = string(t.LaunchType)
		d.ClockDrift = &clockDrift{ReferenceTimestamp: time.Now().UTC().Truncate(time.Second), ClockSynchronizationStatus: "SYNCHRONIZED"}
		d.EphemeralStorageMetrics = &ephemeralStorageMetrics{Reserved: int64(t.StorageGiB) << 10}
		d.FaultInjectionEnabled = aws.Bool(t.FaultsEnabled)
	}
	if withTags && len(t.Tags) > 0 {
		d.TaskTags = make(map[string]string, len(t.Tags))
		for _, tag := range t.Tags {
			d.TaskTags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	return d
}

// v4 is the version that has members which the others lack.
const v4 = "v4"

func containerMetadata(t *Task, c *TaskContainer, s *sandbox.Sandbox, version string) *containerDocument {
	d := &containerDocument{
		DockerID: c.RuntimeID, Name: c.Name, DockerName: c.Name, Image: c.Image,
		DesiredStatus: desiredStatus(s), KnownStatus: knownStatus(""),
		Limits: containerLimits{CPU: parse(c.CPU), Memory: parse(c.Memory)}, Type: "NORMAL",
		Networks: []networkDocument{network(t, s, version)},
	}
	if version == v4 {
		d.ContainerARN, d.Snapshotter = c.ARN, "overlayfs"
	}
	if p := specOf(s, c.Name); p != nil {
		d.addSpec(p, version)
		if k := containerStatus(s, c.Name); k != nil {
			d.addStatus(p, k)
		}
	}
	return d
}

func (d *containerDocument) addSpec(p *sandbox.Container, version string) {
	d.Labels = p.Labels
	for _, n := range p.Ports {
		d.Ports = append(d.Ports, portDocument{ContainerPort: n.Number, Protocol: n.Protocol, HostPort: n.Number})
	}
	if version == v4 {
		d.LogDriver, d.LogOptions = p.Log.Driver, p.Log.Options
	}
}

func (d *containerDocument) addStatus(p *sandbox.Container, k *sandbox.ContainerStatus) {
	d.KnownStatus, d.ImageID = knownStatus(k.State), k.ImageDigest
	d.CreatedAt, d.StartedAt, d.FinishedAt, d.ExitCode = stamp(&k.CreatedAt), stamp(&k.StartedAt), stamp(&k.FinishedAt), k.ExitCode
	if p.Health != nil && k.Health != "" {
		d.Health = &healthDocument{Status: string(k.Health), StatusSince: stamp(&k.HealthSince), ExitCode: k.HealthExit, Output: k.HealthOutput}
	}
	if p.Restart.Policy != sandbox.RestartNever {
		d.RestartCount = aws.Int(k.Attempt)
	}
}

// knownStatus is a container's state in the agent's words, which has none for
// what comes before its image is there.
func knownStatus(s sandbox.ContainerState) string {
	switch s {
	case "", sandbox.ContainerPending, sandbox.ContainerPulling:
		return "NONE"
	}
	return string(s)
}

// network is the task's interface. Its addresses are those that it really has,
// which need not be of the subnet's range: see sandbox.Status.Notes.
func network(t *Task, s *sandbox.Sandbox, version string) networkDocument {
	d := networkDocument{NetworkMode: "awsvpc", IPv4Addresses: []string{}}
	a := s.Status.Address
	if a == nil {
		return d
	}
	d.IPv4Addresses = []string{a.IP}
	if a.IPv6 != "" {
		d.IPv6Addresses = []string{a.IPv6}
	}
	if version != v4 {
		return d
	}
	d.AttachmentIndex = aws.Int(0)
	d.MACAddress, d.PrivateDNSName = a.MAC, PrivateDNSName(a.IP, t.Region)
	d.DomainNameServers, d.DomainNameSearchList = a.DNS, s.Spec.Network.DNSSearch
	d.IPv4SubnetCIDRBlock = t.Interface.SubnetCIDR
	if ip, err := netip.ParseAddr(a.IP); err == nil {
		if p, err := ip.Prefix(a.Prefix); err == nil && a.Prefix > 0 {
			d.IPv4SubnetCIDRBlock = p.String()
		}
	}
	if _, bits, ok := strings.Cut(d.IPv4SubnetCIDRBlock, "/"); ok && a.Gateway != "" {
		d.SubnetGatewayIpv4Address = a.Gateway + "/" + bits
	}
	return d
}

func specOf(s *sandbox.Sandbox, name string) *sandbox.Container {
	for i := range s.Spec.Containers {
		if s.Spec.Containers[i].Name == name {
			return &s.Spec.Containers[i]
		}
	}
	return nil
}
