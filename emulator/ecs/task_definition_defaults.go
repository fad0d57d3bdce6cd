package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file fills in what AWS fills in, and nothing more: clients such as
// Terraform compare what they sent with what they get.

// fillDefaults completes a definition that has passed its checks. Lists that
// are always there become empty, all others stay as they were given.
func fillDefaults(d *types.TaskDefinition) {
	always(&d.PlacementConstraints)
	always(&d.Volumes)
	for i := range d.Volumes {
		fillVolume(&d.Volumes[i])
	}
	for i := range d.ContainerDefinitions {
		fillContainer(&d.ContainerDefinitions[i], d.NetworkMode)
	}
}

func always[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}

func fillContainer(c *types.ContainerDefinition, mode types.NetworkMode) {
	if c.Essential == nil {
		c.Essential = aws.Bool(true)
	}
	always(&c.PortMappings)
	always(&c.Environment)
	always(&c.MountPoints)
	always(&c.VolumesFrom)
	always(&c.SystemControls)
	for i := range c.PortMappings {
		fillPort(&c.PortMappings[i], mode)
	}
	if c.HealthCheck != nil {
		h := *c.HealthCheck
		given(&h.Interval, 30)
		given(&h.Timeout, 5)
		given(&h.Retries, 3)
		c.HealthCheck = &h
	}
}

// given sets a number that was not.
func given(n **int32, value int32) {
	if *n == nil {
		*n = aws.Int32(value)
	}
}

// fillPort completes a port mapping. A range has no single port to map.
func fillPort(p *types.PortMapping, mode types.NetworkMode) {
	if p.Protocol == "" {
		p.Protocol = types.TransportProtocolTcp
	}
	switch {
	case p.HostPort != nil || p.ContainerPort == nil:
	case mode == types.NetworkModeAwsvpc || mode == types.NetworkModeHost:
		p.HostPort = aws.Int32(*p.ContainerPort)
	default:
		p.HostPort = aws.Int32(0)
	}
}

// fillVolume completes a volume: one with a name and nothing else is a host
// volume.
func fillVolume(v *types.Volume) {
	if volumeKinds(v) == 0 && v.ConfiguredAtLaunch == nil {
		v.Host = &types.HostVolumeProperties{}
	}
	if v.EfsVolumeConfiguration != nil && aws.ToString(v.EfsVolumeConfiguration.RootDirectory) == "" {
		e := *v.EfsVolumeConfiguration
		e.RootDirectory = aws.String("/")
		v.EfsVolumeConfiguration = &e
	}
}

// volumeKinds counts the kinds of volume that v says it is.
func volumeKinds(v *types.Volume) int {
	n := 0
	for _, is := range []bool{
		v.Host != nil, v.DockerVolumeConfiguration != nil, v.EfsVolumeConfiguration != nil,
		v.FsxWindowsFileServerVolumeConfiguration != nil, v.S3filesVolumeConfiguration != nil, aws.ToBool(v.ConfiguredAtLaunch),
	} {
		if is {
			n++
		}
	}
	return n
}
