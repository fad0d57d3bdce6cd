package ecs

import (
	"maps"
	"net/netip"
	"strconv"
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
	Status      string    `json:"status"`
	StatusSince time.Time `json:"statusSince"`
	ExitCode    int       `json:"exitCode"`
	Output      string    `json:"output"`
}

type networkDocument struct {
	NetworkMode              string
	IPv4Addresses            []string
	AttachmentIndex          *int     `json:",omitempty"`
	MACAddress               string   `json:",omitempty"`
	IPv4SubnetCIDRBlock      string   `json:",omitempty"`
	DomainNameServers        []string `json:",omitempty"`
	DomainNameSearchList     []string `json:",omitempty"`
	PrivateDNSName           string   `json:",omitempty"`
	SubnetGatewayIpv4Address string   `json:",omitempty"`
}

func taskMetadata(t *Task, s *sandbox.Sandbox, version string, withTags bool) *taskDocument {
	d := &taskDocument{
		Cluster: t.Cluster, TaskARN: t.ARN, Family: t.Family, Revision: strconv.Itoa(int(t.Revision)),
		DesiredStatus: desiredStatus(s), KnownStatus: sandbox.LastStatus(s),
		Limits:        taskLimits{CPU: float64(parse(t.CPU)) / 1024, Memory: parse(t.Memory)},
		PullStartedAt: stamp(s.Status.PullStartedAt), PullStoppedAt: stamp(s.Status.PullStoppedAt),
		ExecutionStoppedAt: stamp(s.Status.ExecutionStoppedAt), AvailabilityZone: t.Interface.Zone,
	}
	for i := range t.Containers {
		d.Containers = append(d.Containers, *containerMetadata(t, &t.Containers[i], s, version))
	}
	if version == "v4" {
		d.LaunchType = string(t.LaunchType)
		d.ClockDrift = &clockDrift{ReferenceTimestamp: time.Now().UTC(), ClockSynchronizationStatus: "SYNCHRONIZED"}
		d.EphemeralStorageMetrics = &ephemeralStorageMetrics{Reserved: int64(t.StorageGiB) << 10}
		d.FaultInjectionEnabled = aws.Bool(t.FaultsEnabled)
	}
	if withTags && len(t.Tags) > 0 {
		d.TaskTags = map[string]string{}
		for _, tag := range t.Tags {
			d.TaskTags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	return d
}

func containerMetadata(t *Task, c *TaskContainer, s *sandbox.Sandbox, version string) *containerDocument {
	d := &containerDocument{
		DockerID: c.RuntimeID, Name: c.Name, DockerName: c.Name, Image: c.Image, Labels: shownLabels(t, c),
		DesiredStatus: desiredStatus(s), KnownStatus: string(sandbox.ContainerPending),
		Limits: containerLimits{CPU: parse(c.CPU), Memory: parse(c.Memory)}, Type: "NORMAL",
		Networks: []networkDocument{network(t, s, version)},
	}
	if k := containerStatus(s, c.Name); k != nil {
		d.KnownStatus, d.ImageID = string(k.State), k.ImageDigest
		d.CreatedAt, d.StartedAt, d.FinishedAt, d.ExitCode = stamp(k.CreatedAt), stamp(k.StartedAt), stamp(k.FinishedAt), k.ExitCode
		if k.Health != "" && hasHealthCheck(s, c.Name) {
			d.Health = &healthDocument{Status: string(k.Health), StatusSince: k.HealthSince, ExitCode: k.HealthExit, Output: k.HealthOutput}
		}
		if restarts(s, c.Name) {
			d.RestartCount = aws.Int(k.Attempt)
		}
	}
	if version == "v4" {
		d.ContainerARN, d.LogDriver, d.LogOptions, d.Snapshotter = c.ARN, c.LogDriver, c.LogOptions, "overlayfs"
	}
	return d
}

func network(t *Task, s *sandbox.Sandbox, version string) networkDocument {
	d := networkDocument{NetworkMode: "awsvpc", IPv4Addresses: []string{}}
	a := s.Status.Address
	if a == nil {
		return d
	}
	d.IPv4Addresses = []string{a.IP}
	if version != "v4" {
		return d
	}
	d.AttachmentIndex = aws.Int(0)
	d.MACAddress, d.PrivateDNSName, d.DomainNameServers = a.MAC, PrivateDNSName(a.IP, t.Region), a.DNS
	d.IPv4SubnetCIDRBlock = t.Interface.SubnetCIDR
	if p, err := netip.ParsePrefix(t.Interface.SubnetCIDR); err == nil {
		d.SubnetGatewayIpv4Address = p.Masked().Addr().Next().String() + "/" + strconv.Itoa(p.Bits())
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

func hasHealthCheck(s *sandbox.Sandbox, name string) bool {
	c := specOf(s, name)
	return c != nil && c.Health != nil
}

func restarts(s *sandbox.Sandbox, name string) bool {
	c := specOf(s, name)
	return c != nil && c.Restart.Policy != sandbox.RestartNever
}

func shownLabels(t *Task, c *TaskContainer) map[string]string {
	all := agentLabels(t, c.Name)
	maps.Copy(all, c.Labels)
	return all
}
