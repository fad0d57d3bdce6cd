package ecs

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file stores a task definition as JSON. All of it survives encoding/json
// but one union, which says how containers share a GPU: that is kept beside.

// storedDefinition is a TaskDefinition without its methods, and what they add.
type storedDefinition struct {
	*plainDefinition
	Sharing []sharing `json:",omitempty"`
}

type plainDefinition TaskDefinition

// sharing is a types.SharingStrategy and where it belongs.
type sharing struct {
	Container, Requirement int // indexes
	NvidiaMps              *types.NvidiaMpsAllocation
}

// MarshalJSON writes the definition with its unions taken out and put beside.
func (d TaskDefinition) MarshalJSON() ([]byte, error) {
	plain := plainDefinition(d)
	stored := storedDefinition{plainDefinition: &plain}
	plain.Definition.ContainerDefinitions = slices.Clone(d.Definition.ContainerDefinitions)
	for i := range plain.Definition.ContainerDefinitions {
		c := &plain.Definition.ContainerDefinitions[i]
		c.ResourceRequirements = slices.Clone(c.ResourceRequirements)
		for j := range c.ResourceRequirements {
			one, err := sharingOf(i, j, c.ResourceRequirements[j].SharingStrategy)
			if err != nil {
				return nil, err
			}
			c.ResourceRequirements[j].SharingStrategy = nil
			stored.Sharing = append(stored.Sharing, one...)
		}
	}
	return json.Marshal(stored)
}

func sharingOf(container, requirement int, s types.SharingStrategy) ([]sharing, error) {
	switch v := s.(type) {
	case nil:
		return nil, nil
	case *types.SharingStrategyMemberNvidiaMps:
		return []sharing{{container, requirement, &v.Value}}, nil
	}
	return nil, fmt.Errorf("sharing strategy %T cannot be stored", s)
}

// UnmarshalJSON reads what MarshalJSON has written.
func (d *TaskDefinition) UnmarshalJSON(b []byte) error {
	stored := storedDefinition{plainDefinition: (*plainDefinition)(d)}
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	containers := d.Definition.ContainerDefinitions
	for _, s := range stored.Sharing {
		if s.Container >= len(containers) || s.Requirement >= len(containers[s.Container].ResourceRequirements) || s.NvidiaMps == nil {
			return fmt.Errorf("sharing strategy of container %d, requirement %d belongs nowhere", s.Container, s.Requirement)
		}
		containers[s.Container].ResourceRequirements[s.Requirement].SharingStrategy = &types.SharingStrategyMemberNvidiaMps{Value: *s.NvidiaMps}
	}
	return nil
}
