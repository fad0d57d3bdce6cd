package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// This file is the part of a container's spec that others see too: the volumes
// that it shares and the ports that it serves.

// mountsOf are the container's own and those of the containers that it takes
// volumes from, with what they take from others. One path is mounted once: the
// container's own mount, else the one that is named first.
func mountsOf(of *types.TaskDefinition, d *types.ContainerDefinition) []sandbox.Mount {
	return addMounts(nil, of, d, false, nil)
}

func addMounts(list []sandbox.Mount, of *types.TaskDefinition, d *types.ContainerDefinition, readOnly bool, path []string) []sandbox.Mount {
	name := aws.ToString(d.Name)
	if slices.Contains(path, name) { // containers may take volumes from each other
		return list
	}
	for _, m := range d.MountPoints {
		one := sandbox.Mount{
			Volume: aws.ToString(m.SourceVolume), Path: aws.ToString(m.ContainerPath), ReadOnly: readOnly || aws.ToBool(m.ReadOnly),
		}
		if !slices.ContainsFunc(list, func(m sandbox.Mount) bool { return m.Path == one.Path }) {
			list = append(list, one)
		}
	}
	path = append(slices.Clone(path), name)
	for _, f := range d.VolumesFrom {
		if from := containerNamed(of, aws.ToString(f.SourceContainer)); from != nil {
			list = addMounts(list, of, from, readOnly || aws.ToBool(f.ReadOnly), path)
		}
	}
	return list
}

// ports are those of the mappings. Ranges matter to public addresses only, and
// are left out where there is none, as they can have thousands of ports.
func ports(d *types.ContainerDefinition, public bool) []sandbox.Port {
	var list []sandbox.Port
	for i := range d.PortMappings {
		m := &d.PortMappings[i]
		protocol := m.Protocol
		if protocol == "" {
			protocol = types.TransportProtocolTcp
		}
		first, last := int(aws.ToInt32(m.ContainerPort)), int(aws.ToInt32(m.ContainerPort))
		if m.ContainerPortRange != nil {
			if !public {
				continue
			}
			first, last, _ = portRange(*m.ContainerPortRange) // checked when it was registered
		}
		for n := first; n > 0 && n <= last; n++ {
			list = append(list, sandbox.Port{Name: aws.ToString(m.Name), Number: uint16(n), Protocol: string(protocol)})
		}
	}
	return list
}
