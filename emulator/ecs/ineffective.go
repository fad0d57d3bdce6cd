package ecs

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file names what Neargate accepts in a task definition, stores and
// returns, but does nothing with. Whoever makes one of these work takes its
// row out.

// ineffectiveOfTask is a member of the definition itself.
var ineffectiveOfTask = []struct {
	field string
	given func(d *types.TaskDefinition) bool
	why   string
}{
	{"executionRoleArn", func(d *types.TaskDefinition) bool { return d.ExecutionRoleArn != nil },
		"nobody assumes the role: images are pulled and logs written as the emulator"},
	{"proxyConfiguration", func(d *types.TaskDefinition) bool { return d.ProxyConfiguration != nil },
		"the proxy's container runs, but no traffic is led through it"},
	{"placementConstraints", func(d *types.TaskDefinition) bool { return len(d.PlacementConstraints) > 0 },
		"there are no container instances to choose from"},
	{"ephemeralStorage", func(d *types.TaskDefinition) bool { return d.EphemeralStorage != nil },
		"the size is told in DescribeTasks and the task metadata, but not enforced: tasks share the machine's disk"},
	{"runtimePlatform.operatingSystemFamily", isWindows,
		"there are no Windows containers: tasks stop with ResourceInitializationError"},
	{"runtimePlatform.cpuArchitecture", otherArchitecture,
		"containers run on this machine's own processor, whatever the definition says"},
	{"enableFaultInjection", func(d *types.TaskDefinition) bool { return aws.ToBool(d.EnableFaultInjection) },
		"the fault injection endpoints of the task are not there"},
}

// ineffectiveOfVolume is a kind of volume.
var ineffectiveOfVolume = []struct {
	field string
	given func(v types.Volume) bool
	why   string
}{
	{"efsVolumeConfiguration", func(v types.Volume) bool { return v.EfsVolumeConfiguration != nil },
		"there is no Amazon EFS: tasks stop with ResourceInitializationError"},
	{"fsxWindowsFileServerVolumeConfiguration", func(v types.Volume) bool { return v.FsxWindowsFileServerVolumeConfiguration != nil },
		"there is no FSx: tasks stop with ResourceInitializationError"},
	{"s3filesVolumeConfiguration", func(v types.Volume) bool { return v.S3filesVolumeConfiguration != nil },
		"there is no Amazon S3: tasks stop with ResourceInitializationError"},
	{"configuredAtLaunch", func(v types.Volume) bool { return aws.ToBool(v.ConfiguredAtLaunch) },
		"there is no Amazon EBS: tasks stop with ResourceInitializationError"},
}

// ineffectiveOfContainer is a member of a container definition.
var ineffectiveOfContainer = []struct {
	field string
	given func(c types.ContainerDefinition) bool
	why   string
}{
	{"repositoryCredentials", func(c types.ContainerDefinition) bool { return c.RepositoryCredentials != nil },
		"images are pulled with the credentials that Docker has"},
	{"environmentFiles", func(c types.ContainerDefinition) bool { return len(c.EnvironmentFiles) > 0 },
		"there is no Amazon S3: tasks stop with ResourceInitializationError"},
	{"firelensConfiguration", func(c types.ContainerDefinition) bool { return c.FirelensConfiguration != nil },
		"the container runs, but no logs are routed to it"},
	{"logConfiguration.logDriver", func(c types.ContainerDefinition) bool {
		return c.LogConfiguration != nil && c.LogConfiguration.LogDriver != types.LogDriverAwslogs
	}, "awslogs is the only log driver there is: tasks stop with ResourceInitializationError"},
	{"logConfiguration.secretOptions", func(c types.ContainerDefinition) bool {
		return c.LogConfiguration != nil && len(c.LogConfiguration.SecretOptions) > 0
	}, "awslogs takes no options out of secrets"},
	{"portMappings.appProtocol", func(c types.ContainerDefinition) bool {
		return slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return p.AppProtocol != "" })
	}, "only Service Connect reads it, which is not there"},
	{"credentialSpecs", func(c types.ContainerDefinition) bool { return len(c.CredentialSpecs) > 0 },
		"there is no Active Directory to join"},
	{"versionConsistency", func(c types.ContainerDefinition) bool { return c.VersionConsistency != "" },
		"each task resolves its image's tag when it starts"},
}

// Ineffective names, in plain words, everything in a task definition that was
// accepted and is shown, but has no effect on the tasks that Neargate runs:
// "containerDefinitions[web].repositoryCredentials: images are pulled with the
// credentials that Docker has". It is empty when all of the definition works.
func Ineffective(d *types.TaskDefinition) []string {
	var list []string
	if !slices.Contains(d.Compatibilities, types.CompatibilityFargate) {
		list = append(list, "compatibilities: Neargate runs tasks on Fargate only, which this definition does not fit")
	}
	for _, row := range ineffectiveOfTask {
		if row.given(d) {
			list = append(list, row.field+": "+row.why)
		}
	}
	for _, v := range d.Volumes {
		for _, row := range ineffectiveOfVolume {
			if row.given(v) {
				list = append(list, fmt.Sprintf("volumes[%s].%s: %s", aws.ToString(v.Name), row.field, row.why))
			}
		}
	}
	for _, c := range d.ContainerDefinitions {
		for _, row := range ineffectiveOfContainer {
			if row.given(c) {
				list = append(list, fmt.Sprintf("containerDefinitions[%s].%s: %s", aws.ToString(c.Name), row.field, row.why))
			}
		}
	}
	return list
}

// otherArchitecture tells whether the definition is for a processor that this
// machine does not have.
func otherArchitecture(d *types.TaskDefinition) bool {
	if d.RuntimePlatform == nil {
		return false
	}
	switch d.RuntimePlatform.CpuArchitecture {
	case types.CPUArchitectureArm64:
		return runtime.GOARCH != "arm64"
	case types.CPUArchitectureX8664:
		return runtime.GOARCH != "amd64"
	}
	return false
}
