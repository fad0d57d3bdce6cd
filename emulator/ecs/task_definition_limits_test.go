package ecs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/store"
)

func TestRefusedRarities(t *testing.T) {
	volume := func(v types.Volume) func(*rdi, *cd) {
		return func(in *rdi, _ *cd) { v.Name = aws.String("v"); in.Volumes = []types.Volume{v} }
	}
	asked := func(c types.Compatibility, change func(*rdi)) func(*rdi, *cd) {
		return func(in *rdi, _ *cd) { in.RequiresCompatibilities = []types.Compatibility{c}; change(in) }
	}
	firelens := func(f types.FirelensConfiguration) func(*rdi, *cd) {
		return func(_ *rdi, c *cd) { c.FirelensConfiguration = &f }
	}
	need := func(r types.ResourceRequirement) func(*rdi, *cd) {
		return func(_ *rdi, c *cd) { c.ResourceRequirements = []types.ResourceRequirement{r} }
	}
	point := &types.EFSAuthorizationConfig{AccessPointId: aws.String("p")}
	checkRefusals(t, []refusal{
		{"autoprovision of a task's volume", ec2Definition, volume(types.Volume{DockerVolumeConfiguration: &types.DockerVolumeConfiguration{Autoprovision: aws.Bool(true)}}),
			"Invalid 'dockerVolumeConfiguration' setting for volume 'v'. 'autoprovision' is only supported with the scope 'shared'."},
		{"EFS of nothing", ec2Definition, volume(types.Volume{EfsVolumeConfiguration: &types.EFSVolumeConfiguration{}}), "EFSVolumeConfiguration.fileSystemId should not be null or empty."},
		{"access point in clear", ec2Definition, volume(types.Volume{EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("f"), AuthorizationConfig: point}}),
			"EFS access points require TransitEncryption to be enabled."},
		{"EFS port", ec2Definition, volume(types.Volume{EfsVolumeConfiguration: &types.EFSVolumeConfiguration{
			FileSystemId: aws.String("f"), TransitEncryption: types.EFSTransitEncryptionEnabled, TransitEncryptionPort: aws.Int32(70000)}}),
			"TransitEncryptionPort must be between 1 and 65535."},
		{"S3 of nothing", ec2Definition, volume(types.Volume{S3filesVolumeConfiguration: &types.S3FilesVolumeConfiguration{}}), "S3FilesVolumeConfiguration.fileSystemArn should not be null or empty."},
		{"FSx of nothing", ec2Definition, volume(types.Volume{FsxWindowsFileServerVolumeConfiguration: &types.FSxWindowsFileServerVolumeConfiguration{}}), "FSxWindowsFileServerVolumeConfiguration.fileSystemId should not be null or empty."},
		{"two at launch", fargateDefinition, func(in *rdi, c *cd) {
			for _, name := range []string{"a", "b"} {
				in.Volumes = append(in.Volumes, types.Volume{Name: aws.String(name), ConfiguredAtLaunch: aws.Bool(true)})
				c.MountPoints = append(c.MountPoints, types.MountPoint{SourceVolume: aws.String(name), ContainerPath: aws.String("/" + name)})
			}
		}, "Only one volume can be configured at launch: [a, b]."},
		{"managed in bridge", ec2Definition, asked(types.CompatibilityManagedInstances, func(*rdi) {}),
			"Tasks using the MANAGED_INSTANCES launch type only support networkMode=awsvpc and networkMode=host."},
		{"managed without size", ec2Definition, asked(types.CompatibilityManagedInstances, func(in *rdi) { in.NetworkMode = types.NetworkModeHost }),
			"Tasks using the MANAGED_INSTANCES launch type require that 'cpu' and 'memory' be defined at the task level."},
		{"external EFS", ec2Definition, asked(types.CompatibilityExternal, func(in *rdi) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("f")}}}
		}), "Tasks using the EXTERNAL launch type do not support EFS volumes."},
		{"firelens type", ec2Definition, firelens(types.FirelensConfiguration{Type: "logstash"}), "firelens type should be one of [fluentd,fluentbit]"},
		{"firelens file", ec2Definition, firelens(types.FirelensConfiguration{Type: types.FirelensConfigurationTypeFluentd, Options: map[string]string{"config-file-type": "file"}}),
			"Invalid 'firelensConfiguration' setting for container 'web'. config-file-value must be specified with config-file-type."},
		{"resource type", ec2Definition, need(types.ResourceRequirement{Type: "TPU"}), "resource requirement type should be one of [GPU,InferenceAccelerator,NeuronDevice]"},
		{"resource value", ec2Definition, need(types.ResourceRequirement{Type: types.ResourceTypeGpu}), "ResourceRequirement.value should not be null or empty."},
		{"resource gone", ec2Definition, need(types.ResourceRequirement{Type: types.ResourceTypeInferenceAccelerator}), "Unsupported field 'inferenceAccelerators'"},
		{"registry without role", ec2Definition, func(_ *rdi, c *cd) {
			c.RepositoryCredentials = &types.RepositoryCredentials{CredentialsParameter: aws.String("s")}
		}, "When you are specifying repository credentials, you must also specify a value for 'executionRoleArn'."},
		{"variable", ec2Definition, func(_ *rdi, c *cd) { c.Environment = []types.KeyValuePair{{Name: aws.String("A=B")}} },
			"Invalid 'environment' setting for container 'web'. 'A=B' cannot be the name of a variable."},
		{"log secret without role", ec2Definition, func(_ *rdi, c *cd) {
			c.LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverSyslog, SecretOptions: []types.Secret{{Name: aws.String("a"), ValueFrom: aws.String("b")}}}
		}, "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."},
		{"system control", ec2Definition, func(_ *rdi, c *cd) { c.SystemControls = []types.SystemControl{{Namespace: aws.String("net.x")}} },
			"Invalid 'systemControls' setting for container 'web'. A namespace and a value must be specified."},
		{"range in host", in(types.NetworkModeHost), func(_ *rdi, c *cd) {
			c.PortMappings = []types.PortMapping{{ContainerPortRange: aws.String("80-90")}}
		}, "Invalid 'containerPortRange' setting for container 'web'. Port ranges are only supported in networkMode=bridge and networkMode=awsvpc."},
		{"hundred and one ranges", in(""), func(_ *rdi, c *cd) {
			for range 101 {
				c.PortMappings = append(c.PortMappings, types.PortMapping{ContainerPortRange: aws.String("80-90")})
			}
		}, "The maximum number of container port ranges was exceeded. Specify one hundred or less and try again."},
	})
}

func TestRevisionsEnd(t *testing.T) {
	a := newAccount(t)
	err := a.st.Update(a.ctx, "test", func(tx *store.Tx) error {
		return ecs.SetRevision(tx, testAccount+"/"+testRegion, "f", 999999)
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.register(t, ec2Definition("f")); got.Revision != 1000000 {
		t.Errorf("the last revision is %d", got.Revision)
	}
	_, err = a.RegisterTaskDefinition(a.ctx, ec2Definition("f"))
	refused(t, err, "ClientException: The maximum number of revisions of a task definition family (1000000) was exceeded. Register under another family and try again.")
}

func TestStrategiesOfTasks(t *testing.T) {
	associated := []string{"FARGATE", "FARGATE_SPOT"}
	got, err := ecs.CheckStrategy(strategy(item(arnPrefix+"capacity-provider/FARGATE_SPOT", 0, 1)), associated)
	if err != nil || *got[0].CapacityProvider != "FARGATE_SPOT" {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = ecs.CheckStrategy(strategy(item("FARGATE", 1, 1), item("FARGATE_SPOT", 1, 1)), associated)
	refused(t, err, "InvalidParameterException: There are multiple capacity providers in the specified capacity provider strategy with a base value defined. Only one can have a base value defined. Specify one base value and try again.")
	_, err = ecs.CheckStrategy(strategy(item("FARGATE", 0, 1)), nil)
	refused(t, err, "InvalidParameterException: The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.")
}
