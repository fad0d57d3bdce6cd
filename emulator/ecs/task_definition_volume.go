package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds the rules about a definition's volumes. What containers
// mount of them is in container_definition_mount.go.

// volumeRule looks at one volume with a name.
type volumeRule func(v *types.Volume) error

var volumeRules = []volumeRule{ruleVolumeKind, ruleDockerVolume, ruleEFS, ruleS3Files, ruleFSx}

func ruleVolumes(d *types.TaskDefinition) error {
	for i := range d.Volumes {
		v := &d.Volumes[i]
		switch name := aws.ToString(v.Name); {
		case name == "":
			return client("Volume.name should not be null or empty.")
		case !isName(name):
			return client("Volume.name contains invalid characters.")
		}
		for _, rule := range volumeRules {
			if err := rule(v); err != nil {
				return err
			}
		}
	}
	if name, twice := firstTwice(d.Volumes, func(v types.Volume) string { return *v.Name }); twice {
		return client("Volume names must be unique within a task definition: '%s'.", name)
	}
	return nil
}

func ruleVolumeKind(v *types.Volume) error {
	if volumeKinds(v) > 1 {
		return client("Only one volume type may be specified for the volume '%s'.", *v.Name)
	}
	return nil
}

func ruleDockerVolume(v *types.Volume) error {
	k := v.DockerVolumeConfiguration
	if k == nil {
		return nil
	}
	if err := oneOf(client, "scope", k.Scope, k.Scope.Values()); err != nil {
		return err
	}
	if k.Autoprovision != nil && k.Scope != types.ScopeShared {
		return client("Invalid 'dockerVolumeConfiguration' setting for volume '%s'. 'autoprovision' is only supported with the scope 'shared'.", *v.Name)
	}
	return nil
}

func ruleEFS(v *types.Volume) error {
	e := v.EfsVolumeConfiguration
	if e == nil {
		return nil
	}
	if aws.ToString(e.FileSystemId) == "" {
		return client("EFSVolumeConfiguration.fileSystemId should not be null or empty.")
	}
	if err := oneOf(client, "transitEncryption", e.TransitEncryption, e.TransitEncryption.Values()); err != nil {
		return err
	}
	encrypted := e.TransitEncryption == types.EFSTransitEncryptionEnabled
	if e.TransitEncryptionPort != nil && !encrypted {
		return client("TransitEncryptionPort requires that TransitEncryption is enabled.")
	}
	if !isPort(e.TransitEncryptionPort) {
		return client("TransitEncryptionPort must be between 1 and 65535.")
	}
	return ruleEFSAuthorization(e, encrypted)
}

func ruleEFSAuthorization(e *types.EFSVolumeConfiguration, encrypted bool) error {
	a := e.AuthorizationConfig
	if a == nil {
		return nil
	}
	if err := oneOf(client, "iam", a.Iam, a.Iam.Values()); err != nil {
		return err
	}
	root := aws.ToString(e.RootDirectory)
	switch {
	case aws.ToString(a.AccessPointId) != "" && root != "" && root != "/":
		return client("When using an EFS access point, the root directory must either be set to \"/\" or be omitted.")
	case a.Iam == types.EFSAuthorizationConfigIAMEnabled && !encrypted:
		return client("EFS IAM authorization requires TransitEncryption to be enabled.")
	case aws.ToString(a.AccessPointId) != "" && !encrypted:
		return client("EFS access points require TransitEncryption to be enabled.")
	}
	return nil
}

func ruleS3Files(v *types.Volume) error {
	s := v.S3filesVolumeConfiguration
	switch {
	case s == nil:
		return nil
	case aws.ToString(s.FileSystemArn) == "":
		return client("S3FilesVolumeConfiguration.fileSystemArn should not be null or empty.")
	case !isPort(s.TransitEncryptionPort):
		return client("TransitEncryptionPort must be between 1 and 65535.")
	}
	return nil
}

func ruleFSx(v *types.Volume) error {
	f := v.FsxWindowsFileServerVolumeConfiguration
	switch {
	case f == nil:
		return nil
	case aws.ToString(f.FileSystemId) == "":
		return client("FSxWindowsFileServerVolumeConfiguration.fileSystemId should not be null or empty.")
	case aws.ToString(f.RootDirectory) == "":
		return client("FSxWindowsFileServerVolumeConfiguration.rootDirectory should not be null or empty.")
	case f.AuthorizationConfig == nil || aws.ToString(f.AuthorizationConfig.CredentialsParameter) == "" || aws.ToString(f.AuthorizationConfig.Domain) == "":
		return client("FSxWindowsFileServerVolumeConfiguration.authorizationConfig requires credentialsParameter and domain.")
	}
	return nil
}

// isPort tells whether p can be a port; nil was not given and passes.
func isPort(p *int32) bool { return p == nil || *p >= 1 && *p <= 65535 }

// ruleLaunchVolumes: the volume that is configured when a task is launched is
// one at most, and somebody mounts it.
func ruleLaunchVolumes(d *types.TaskDefinition) error {
	var names, unused []string
	for _, v := range d.Volumes {
		if !aws.ToBool(v.ConfiguredAtLaunch) {
			continue
		}
		names = append(names, *v.Name)
		if !slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return mounts(&c, *v.Name) }) {
			unused = append(unused, *v.Name)
		}
	}
	switch {
	case len(unused) > 0:
		return client("Volumes [%s] are not referenced by any of the containers. Reference them in a container's mountPoints and try again.", strings.Join(unused, ", "))
	case len(names) > 1:
		return client("Only one volume can be configured at launch: [%s].", strings.Join(names, ", "))
	}
	return nil
}

func mounts(c *types.ContainerDefinition, volume string) bool {
	return slices.ContainsFunc(c.MountPoints, func(m types.MountPoint) bool { return aws.ToString(m.SourceVolume) == volume })
}
