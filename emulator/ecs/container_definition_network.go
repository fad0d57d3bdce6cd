package ecs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds the rules about ports and names on the network.

// networkProhibition is a setting that a network mode leaves no room for.
type networkProhibition struct {
	modes []types.NetworkMode
	given func(c *types.ContainerDefinition) bool
	text  string // with the mode to be put in
}

var (
	ownNamespace = []types.NetworkMode{types.NetworkModeAwsvpc}
	notBridge    = []types.NetworkMode{types.NetworkModeAwsvpc, types.NetworkModeHost, types.NetworkModeNone}
	noNetwork    = []types.NetworkMode{types.NetworkModeNone}
)

var networkProhibitions = []networkProhibition{
	{notBridge, func(c *types.ContainerDefinition) bool { return len(c.Links) > 0 }, "Links are not supported when networkMode=%s."},
	{ownNamespace, func(c *types.ContainerDefinition) bool { return aws.ToString(c.Hostname) != "" }, "hostname is not supported on container when networkMode=%s."},
	{ownNamespace, func(c *types.ContainerDefinition) bool { return len(c.ExtraHosts) > 0 }, "Extra hosts are not supported on container when networkMode=%s."},
	{ownNamespace, func(c *types.ContainerDefinition) bool { return len(c.DnsServers) > 0 }, "DNS servers are not supported on container when networkMode=%s."},
	{ownNamespace, func(c *types.ContainerDefinition) bool { return len(c.DnsSearchDomains) > 0 }, "DNS search domains are not supported on container when networkMode=%s."},
	{ownNamespace, func(c *types.ContainerDefinition) bool { return aws.ToBool(c.DisableNetworking) }, "Disable Networking is not supported on container when networkMode=%s."},
	{noNetwork, func(c *types.ContainerDefinition) bool { return len(c.PortMappings) > 0 }, "Port mappings are not supported when networkMode=%s."},
}

func ruleNetworkProhibitions(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, p := range networkProhibitions {
		if slices.Contains(p.modes, d.NetworkMode) && p.given(c) {
			return client(p.text, d.NetworkMode)
		}
	}
	return nil
}

const maxPortRanges = 100 // of a container

const maxPortName = 64

var (
	portNamePattern  = regexp.MustCompile(`^[a-z0-9_][a-z0-9_-]*$`)
	portRangePattern = regexp.MustCompile(`^(\d{1,5})-(\d{1,5})$`)
)

func rulePortMappings(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	ranges := 0
	for i := range c.PortMappings {
		p := &c.PortMappings[i]
		if p.ContainerPortRange != nil {
			ranges++
		}
		if err := rulePortMapping(d.NetworkMode, *c.Name, p); err != nil {
			return err
		}
	}
	if ranges > maxPortRanges {
		return client("The maximum number of container port ranges was exceeded. Specify one hundred or less and try again.")
	}
	return nil
}

func rulePortMapping(mode types.NetworkMode, container string, p *types.PortMapping) error {
	for _, err := range []error{
		oneOf(client, "protocol", p.Protocol, p.Protocol.Values()),
		oneOf(client, "appProtocol", p.AppProtocol, p.AppProtocol.Values()),
	} {
		if err != nil {
			return err
		}
	}
	switch {
	case p.Name != nil && (len(*p.Name) > maxPortName || !portNamePattern.MatchString(*p.Name)):
		return client("Invalid port mapping name '%s' for container '%s'. Up to 64 lowercase letters, digits, underscores and hyphens are allowed, and it must not begin with a hyphen.", *p.Name, container)
	case p.ContainerPort != nil && p.ContainerPortRange != nil, p.HostPort != nil && p.ContainerPortRange != nil:
		return client("Invalid port mapping for container '%s': cannot specify both single port and port range", container)
	case p.ContainerPortRange != nil:
		return rulePortRange(mode, container, *p.ContainerPortRange)
	case p.ContainerPort == nil || !isPort(p.ContainerPort):
		return client("Invalid 'containerPort' setting for container '%s'. The port must be between 1 and 65535.", container)
	case p.HostPort != nil && (*p.HostPort < 0 || *p.HostPort > 65535):
		return client("Invalid 'hostPort' setting for container '%s'. The port must be between 0 and 65535.", container)
	case p.HostPort != nil && *p.HostPort != *p.ContainerPort && (mode == types.NetworkModeAwsvpc || mode == types.NetworkModeHost):
		return client("When networkMode=%s, the host ports and container ports in port mappings must match.", mode)
	}
	return nil
}

func rulePortRange(mode types.NetworkMode, container, ports string) error {
	first, last, ok := portRange(ports)
	switch {
	case mode == types.NetworkModeHost:
		return client("Invalid 'containerPortRange' setting for container '%s'. Port ranges are only supported in networkMode=bridge and networkMode=awsvpc.", container)
	case !ok || first < 1 || last > 65535 || first > last:
		return client("Invalid 'containerPortRange' setting for container '%s': '%s'. The range must be written as first-last, within 1 to 65535, and begin with the lower port.", container, ports)
	}
	return nil
}

func portRange(s string) (first, last int, ok bool) {
	m := portRangePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, 0, false
	}
	first, ferr := strconv.Atoi(m[1])
	last, lerr := strconv.Atoi(m[2])
	return first, last, ferr == nil && lerr == nil
}

// ruleUniquePorts: containers that share a network namespace share its ports.
func ruleUniquePorts(d *types.TaskDefinition) error {
	if d.NetworkMode != types.NetworkModeAwsvpc && d.NetworkMode != types.NetworkModeHost {
		return nil
	}
	port, twice := firstTwice(allPorts(d), func(p types.PortMapping) string {
		if p.ContainerPort == nil {
			return ""
		}
		protocol := p.Protocol
		if protocol == "" {
			protocol = types.TransportProtocolTcp
		}
		return fmt.Sprintf("%d/%s", *p.ContainerPort, protocol)
	})
	if twice {
		return client("Invalid port mappings: container port is used multiple times in task: %s", port)
	}
	return nil
}

func ruleUniquePortNames(d *types.TaskDefinition) error {
	name, twice := firstTwice(allPorts(d), func(p types.PortMapping) string { return aws.ToString(p.Name) })
	if twice {
		return client("Invalid port mappings: port mapping name is already used: %s", name)
	}
	return nil
}

func allPorts(d *types.TaskDefinition) []types.PortMapping {
	var ports []types.PortMapping
	for _, c := range d.ContainerDefinitions {
		ports = append(ports, c.PortMappings...)
	}
	return ports
}

// ruleLinks: a link names a container of the task, "name" or "name:alias".
func ruleLinks(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, link := range c.Links {
		name, _, _ := strings.Cut(link, ":")
		if containerNamed(d, name) == nil {
			return client("Invalid 'links' setting. Unknown container: '%s'.", name)
		}
		if name == *c.Name {
			return client("Invalid 'links' setting. Container '%s' cannot be linked to itself.", name)
		}
	}
	return nil
}

// containerNamed finds a container of a definition, nil when there is none.
func containerNamed(d *types.TaskDefinition, name string) *types.ContainerDefinition {
	i := slices.IndexFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return aws.ToString(c.Name) == name })
	if i < 0 {
		return nil
	}
	return &d.ContainerDefinitions[i]
}
