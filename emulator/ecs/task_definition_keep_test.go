package ecs_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

// This file holds the promise that nothing given in a task definition is
// dropped. Definitions are filled by reflection, so that a field that a new
// SDK brings is filled too, and registered and described over the wire.

// filler fills values at random and notes the fields that it has filled.
type filler struct {
	*rand.Rand
	n      int
	filled map[string]bool
}

// fill sets v, and all that is in it, to something that is not zero; what is
// optional it leaves out now and then.
func (f *filler) fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i); name.IsExported() && f.IntN(4) > 0 {
				f.fill(v.Field(i))
				f.filled[v.Type().Name()+"."+name.Name] = true
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+f.IntN(2), 2))
		for i := range v.Len() {
			f.fill(v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(f.word()), reflect.ValueOf(f.word()))
	case reflect.String:
		f.fillString(v)
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Int32:
		v.SetInt(int64(60 + f.IntN(40)))
	case reflect.Interface:
		v.Set(reflect.ValueOf(&types.SharingStrategyMemberNvidiaMps{Value: types.NvidiaMpsAllocation{Memory: aws.Int32(1 + f.Int32N(99))}}))
	default:
		panic("a definition has no " + v.Type().String())
	}
}

// fillString chooses one of an enum's values, or makes a word.
func (f *filler) fillString(v reflect.Value) {
	values := v.MethodByName("Values")
	if !values.IsValid() {
		v.SetString(f.word())
		return
	}
	list := values.Call(nil)[0]
	v.Set(list.Index(f.IntN(list.Len())))
}

func (f *filler) word() string {
	f.n++
	return fmt.Sprintf("w%d", f.n)
}

// definition makes a valid definition: what a fill leaves against the rules is
// put right.
func (f *filler) definition() *sdk.RegisterTaskDefinitionInput {
	in := &sdk.RegisterTaskDefinitionInput{}
	f.fill(reflect.ValueOf(in).Elem())
	in.Family, in.InferenceAccelerators, in.Tags = aws.String("f"), nil, nil
	in.Cpu, in.Memory = aws.String("4096"), aws.String("8192")
	in.TaskRoleArn, in.ExecutionRoleArn = aws.String("arn:aws:iam::1:role/a"), aws.String("arn:aws:iam::1:role/b")
	in.RequiresCompatibilities = []types.Compatibility{types.CompatibilityEc2}
	in.EnableFaultInjection, in.EphemeralStorage, in.ProxyConfiguration = nil, nil, nil
	in.NetworkMode = types.NetworkModeBridge
	in.PlacementConstraints = []types.TaskDefinitionPlacementConstraint{{Type: "memberOf", Expression: aws.String(f.word())}}
	f.volumes(in)
	f.containers(in)
	if f.IntN(2) == 0 {
		f.awsvpc(in)
	}
	return in
}

func (f *filler) volumes(in *sdk.RegisterTaskDefinitionInput) {
	in.Volumes = nil
	for i := range 5 {
		var v types.Volume
		member := reflect.ValueOf(&v).Elem().FieldByName([]string{
			"Host", "DockerVolumeConfiguration", "EfsVolumeConfiguration", "FsxWindowsFileServerVolumeConfiguration", "S3filesVolumeConfiguration",
		}[i])
		f.fill(member)
		v.Name = aws.String(f.word())
		f.filled["Volume."+reflect.TypeFor[types.Volume]().Field(i).Name] = true
		if k := v.DockerVolumeConfiguration; k != nil {
			k.Scope = types.ScopeShared
		}
		if e := v.EfsVolumeConfiguration; e != nil {
			e.FileSystemId, e.RootDirectory, e.TransitEncryption = aws.String("fs"), aws.String("/"), types.EFSTransitEncryptionEnabled
		}
		if x := v.FsxWindowsFileServerVolumeConfiguration; x != nil {
			x.FileSystemId, x.RootDirectory = aws.String("fs"), aws.String("/")
			x.AuthorizationConfig = &types.FSxWindowsFileServerAuthorizationConfig{CredentialsParameter: aws.String("c"), Domain: aws.String("d")}
		}
		if s := v.S3filesVolumeConfiguration; s != nil {
			s.FileSystemArn = aws.String("arn:aws:s3files:x")
		}
		in.Volumes = append(in.Volumes, v)
	}
	in.Volumes = append(in.Volumes, types.Volume{Name: aws.String("launch"), ConfiguredAtLaunch: aws.Bool(true)})
}

func (f *filler) containers(in *sdk.RegisterTaskDefinitionInput) {
	in.ContainerDefinitions = make([]types.ContainerDefinition, 2)
	for i := range in.ContainerDefinitions {
		c := &in.ContainerDefinitions[i]
		f.fill(reflect.ValueOf(c).Elem())
		c.Name, c.Image = aws.String(fmt.Sprintf("c%d", i)), aws.String("registry.test/a/b:1")
		f.process(c)
		f.surroundings(c)
		c.MountPoints = []types.MountPoint{{SourceVolume: in.Volumes[i].Name, ContainerPath: aws.String("/a"), ReadOnly: aws.Bool(true)}, {SourceVolume: aws.String("launch"), ContainerPath: aws.String("/l")}}
		c.PortMappings = []types.PortMapping{
			{ContainerPort: aws.Int32(80 + int32(i)), Name: aws.String(f.word()), AppProtocol: types.ApplicationProtocolGrpc, Protocol: types.TransportProtocolTcp},
			{ContainerPortRange: aws.String("8000-8010"), Protocol: types.TransportProtocolUdp},
		}
	}
	first, last := &in.ContainerDefinitions[0], &in.ContainerDefinitions[1]
	first.DependsOn = []types.ContainerDependency{{ContainerName: last.Name, Condition: types.ContainerConditionStart}}
	first.Links, first.VolumesFrom = []string{"c1:alias"}, []types.VolumeFrom{{SourceContainer: last.Name, ReadOnly: aws.Bool(true)}}
	first.Essential = aws.Bool(true)
	last.DependsOn, last.Links, last.VolumesFrom, last.FirelensConfiguration = nil, nil, nil, nil
}

// process puts right what a container's process is given.
func (f *filler) process(c *types.ContainerDefinition) {
	c.Memory, c.MemoryReservation = aws.Int32(128), aws.Int32(64)
	if h := c.HealthCheck; h != nil {
		h.Command = []string{"CMD-SHELL", f.word()}
		h.Interval, h.Timeout, h.Retries = aws.Int32(10), aws.Int32(10), aws.Int32(10)
	}
	if p := c.RestartPolicy; p != nil {
		p.Enabled = aws.Bool(true)
	}
	for i := range c.Ulimits {
		c.Ulimits[i] = types.Ulimit{Name: types.UlimitName("").Values()[i], SoftLimit: 1, HardLimit: 2}
	}
	if l := c.LinuxParameters; l != nil {
		l.Capabilities = &types.KernelCapabilities{Add: []string{"NET_ADMIN"}, Drop: []string{"KILL"}}
		l.Tmpfs = []types.Tmpfs{{ContainerPath: aws.String("/t"), Size: 7, MountOptions: []string{"noexec", "mode=1777"}}}
		for i := range l.Devices {
			l.Devices[i].HostPath = aws.String("/dev/" + f.word())
		}
	}
	for i := range c.ResourceRequirements {
		c.ResourceRequirements[i].Type, c.ResourceRequirements[i].Value = types.ResourceTypeGpu, aws.String("1")
	}
	for i := range c.SystemControls {
		c.SystemControls[i] = types.SystemControl{Namespace: aws.String(f.word()), Value: aws.String(f.word())}
	}
}

// surroundings puts right what a container gets from elsewhere.
func (f *filler) surroundings(c *types.ContainerDefinition) {
	for i := range c.Environment {
		c.Environment[i].Name = aws.String(f.word())
	}
	for i := range c.Secrets {
		c.Secrets[i] = types.Secret{Name: aws.String(f.word()), ValueFrom: aws.String(f.word())}
	}
	for i := range c.EnvironmentFiles {
		c.EnvironmentFiles[i] = types.EnvironmentFile{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::b/" + f.word() + ".env")}
	}
	if r := c.RepositoryCredentials; r != nil {
		r.CredentialsParameter = aws.String(f.word())
	}
	if l := c.LogConfiguration; l != nil {
		l.LogDriver = types.LogDriverSyslog
		for i := range l.SecretOptions {
			l.SecretOptions[i] = types.Secret{Name: aws.String(f.word()), ValueFrom: aws.String(f.word())}
		}
	}
	if r := c.FirelensConfiguration; r != nil {
		r.Type = types.FirelensConfigurationTypeFluentbit
	}
	for i := range c.ExtraHosts {
		c.ExtraHosts[i] = types.HostEntry{Hostname: aws.String(f.word()), IpAddress: aws.String("10.0.0.1")}
	}
}

// awsvpc moves a definition to the network mode of Fargate, with what is
// allowed in it only.
func (f *filler) awsvpc(in *sdk.RegisterTaskDefinitionInput) {
	in.NetworkMode, in.EnableFaultInjection = types.NetworkModeAwsvpc, aws.Bool(true)
	in.ProxyConfiguration = &types.ProxyConfiguration{Type: types.ProxyConfigurationTypeAppmesh, ContainerName: aws.String("c0")}
	for _, name := range []string{"ProxyIngressPort", "ProxyEgressPort", "AppPorts", "IgnoredUID"} {
		in.ProxyConfiguration.Properties = append(in.ProxyConfiguration.Properties, types.KeyValuePair{Name: aws.String(name), Value: aws.String("1")})
	}
	for i := range in.ContainerDefinitions {
		c := &in.ContainerDefinitions[i]
		c.Links, c.Hostname, c.ExtraHosts, c.DnsServers, c.DnsSearchDomains, c.DisableNetworking = nil, nil, nil, nil, nil, nil
	}
}

// withDefaults is what has to come back: what was given and AWS's additions.
func withDefaults(in *sdk.RegisterTaskDefinitionInput) *types.TaskDefinition {
	want := &types.TaskDefinition{
		Family: in.Family, Cpu: in.Cpu, Memory: in.Memory, TaskRoleArn: in.TaskRoleArn, ExecutionRoleArn: in.ExecutionRoleArn,
		NetworkMode: in.NetworkMode, PidMode: in.PidMode, IpcMode: in.IpcMode, RuntimePlatform: in.RuntimePlatform, Volumes: in.Volumes,
		PlacementConstraints: in.PlacementConstraints, ProxyConfiguration: in.ProxyConfiguration, EnableFaultInjection: in.EnableFaultInjection,
		EphemeralStorage: in.EphemeralStorage, RequiresCompatibilities: in.RequiresCompatibilities, ContainerDefinitions: in.ContainerDefinitions,
		Status: types.TaskDefinitionStatusActive, RegisteredBy: aws.String(rootUser),
	}
	for i := range want.ContainerDefinitions {
		c := &want.ContainerDefinitions[i]
		if c.Essential == nil {
			c.Essential = aws.Bool(true)
		}
		if want.NetworkMode == types.NetworkModeAwsvpc {
			c.PortMappings[0].HostPort = c.PortMappings[0].ContainerPort
		} else {
			c.PortMappings[0].HostPort = aws.Int32(0)
		}
		for _, list := range []string{"PortMappings", "Environment", "MountPoints", "VolumesFrom", "SystemControls"} {
			if v := reflect.ValueOf(c).Elem().FieldByName(list); v.IsNil() {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			}
		}
	}
	return want
}

func TestNothingGivenIsDropped(t *testing.T) {
	a, ctx := newAccount(t), context.Background()
	c := a.client()
	f := &filler{Rand: rand.New(rand.NewPCG(3, 4)), filled: map[string]bool{}}
	for i := range 60 {
		in := f.definition()
		if _, err := c.RegisterTaskDefinition(ctx, in); err != nil {
			t.Fatalf("definition %d: %v", i, err)
		}
		out := must[*sdk.DescribeTaskDefinitionOutput](t)(c.DescribeTaskDefinition(ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: aws.String("f")}))
		got, want := out.TaskDefinition, withDefaults(in)
		got.TaskDefinitionArn, got.Revision, got.RegisteredAt, got.Compatibilities, got.RequiresAttributes = nil, 0, nil, nil, nil
		if d := cmp.Diff(want, got, smithyEqual); d != "" {
			t.Fatalf("definition %d: %s", i, d)
		}
	}
	for i := range reflect.TypeFor[types.ContainerDefinition]().NumField() {
		field := reflect.TypeFor[types.ContainerDefinition]().Field(i)
		if field.IsExported() && !f.filled["ContainerDefinition."+field.Name] {
			t.Errorf("%s was never filled", field.Name)
		}
	}
}
