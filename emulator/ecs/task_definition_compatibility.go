package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file says which launch types a definition fits. Neargate runs FARGATE
// only; the others are told because AWS tells them and clients read them.

// ruleOtherLaunchTypes refuses what EXTERNAL and MANAGED_INSTANCES, when asked
// for, do not have.
func ruleOtherLaunchTypes(d *types.TaskDefinition) error {
	if requires(d, types.CompatibilityExternal) {
		if err := fitsExternal(d); err != nil {
			return err
		}
	}
	if requires(d, types.CompatibilityManagedInstances) {
		return fitsManagedInstances(d)
	}
	return nil
}

// fitsExternal: there are no ENIs and no EFS outside of AWS.
func fitsExternal(d *types.TaskDefinition) error {
	switch {
	case d.NetworkMode == types.NetworkModeAwsvpc:
		return client("Tasks using the EXTERNAL launch type do not support networkMode=awsvpc.")
	case slices.ContainsFunc(d.Volumes, func(v types.Volume) bool { return v.EfsVolumeConfiguration != nil }):
		return client("Tasks using the EXTERNAL launch type do not support EFS volumes.")
	case d.EphemeralStorage != nil:
		return client("Tasks using the EXTERNAL launch type do not support EphemeralStorage.")
	}
	return nil
}

var managedLogDrivers = append(slices.Clone(fargateLogDrivers), types.LogDriverJsonFile)

func fitsManagedInstances(d *types.TaskDefinition) error {
	switch {
	case d.NetworkMode != types.NetworkModeAwsvpc && d.NetworkMode != types.NetworkModeHost:
		return client("Tasks using the MANAGED_INSTANCES launch type only support networkMode=awsvpc and networkMode=host.")
	case d.Cpu == nil || d.Memory == nil:
		return client("Tasks using the MANAGED_INSTANCES launch type require that 'cpu' and 'memory' be defined at the task level.")
	case isWindows(d):
		return client("Tasks using the MANAGED_INSTANCES launch type do not support Windows.")
	}
	for _, c := range d.ContainerDefinitions {
		if l := c.LogConfiguration; l != nil && !slices.Contains(managedLogDrivers, l.LogDriver) {
			return client("%s is not a valid log driver. Must be one of [awslogs, splunk, awsfirelens, json-file]", l.LogDriver)
		}
	}
	return nil
}

// compatibilities lists the launch types that a definition, which has passed
// its checks, is valid for.
func compatibilities(d *types.TaskDefinition) []types.Compatibility {
	fits := []types.Compatibility{}
	if fitsExternal(d) == nil && !requires(d, types.CompatibilityFargate) {
		fits = append(fits, types.CompatibilityExternal)
	}
	if fitsEC2(d) {
		fits = append(fits, types.CompatibilityEc2)
	}
	if fitsFargate(d) == nil {
		fits = append(fits, types.CompatibilityFargate)
	}
	if requires(d, types.CompatibilityManagedInstances) {
		fits = append(fits, types.CompatibilityManagedInstances)
	}
	return fits
}

// fitsEC2: instances ask nothing more of a definition than that it says how
// much memory it needs.
func fitsEC2(d *types.TaskDefinition) bool {
	if d.Memory != nil {
		return true
	}
	return !slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool {
		return aws.ToInt32(c.Memory) == 0 && aws.ToInt32(c.MemoryReservation) == 0
	})
}
