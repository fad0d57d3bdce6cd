package ecs_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func (a *account) describe(t *testing.T, ref string) *types.TaskDefinition {
	t.Helper()
	in := &sdk.DescribeTaskDefinitionInput{TaskDefinition: &ref}
	return must[*sdk.DescribeTaskDefinitionOutput](t)(a.DescribeTaskDefinition(a.ctx, in)).TaskDefinition
}

func (a *account) deregister(t *testing.T, ref string) *types.TaskDefinition {
	t.Helper()
	in := &sdk.DeregisterTaskDefinitionInput{TaskDefinition: &ref}
	return must[*sdk.DeregisterTaskDefinitionOutput](t)(a.DeregisterTaskDefinition(a.ctx, in)).TaskDefinition
}

func (a *account) deleteDefinitions(t *testing.T, refs ...string) *sdk.DeleteTaskDefinitionsOutput {
	t.Helper()
	in := &sdk.DeleteTaskDefinitionsInput{TaskDefinitions: refs}
	return must[*sdk.DeleteTaskDefinitionsOutput](t)(a.DeleteTaskDefinitions(a.ctx, in))
}

// Exactly what AWS fills in, nothing more and nothing less: Terraform compares.
func TestDefaultsOfDefinitions(t *testing.T) {
	a := newAccount(t)
	in := fargateDefinition("f")
	in.Cpu, in.Memory = aws.String(".5 vCPU"), aws.String("1 GB")
	in.TaskRoleArn, in.ExecutionRoleArn = aws.String("app"), aws.String("arn:aws:iam::1:role/exec")
	in.Volumes = []types.Volume{{Name: aws.String("v")}, {Name: aws.String("e"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-1")}}}
	c := &in.ContainerDefinitions[0]
	c.PortMappings = []types.PortMapping{port(80), {ContainerPortRange: aws.String("8000-8010"), Protocol: types.TransportProtocolUdp}}
	c.HealthCheck = &types.HealthCheck{Command: []string{"CMD", "true"}, Retries: aws.Int32(2)}
	got := a.register(t, in)
	if age := time.Since(*got.RegisteredAt); age < 0 || age > time.Minute {
		t.Errorf("registered %s ago", age)
	}
	want := &types.TaskDefinition{
		TaskDefinitionArn: aws.String(arnPrefix + "task-definition/f:1"), Family: aws.String("f"), Revision: 1, Status: types.TaskDefinitionStatusActive,
		Cpu: aws.String("512"), Memory: aws.String("1024"), NetworkMode: types.NetworkModeAwsvpc,
		TaskRoleArn: aws.String("arn:aws:iam::" + testAccount + ":role/app"), ExecutionRoleArn: aws.String("arn:aws:iam::1:role/exec"),
		RegisteredBy: aws.String(rootUser), PlacementConstraints: []types.TaskDefinitionPlacementConstraint{},
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		Compatibilities:         []types.Compatibility{types.CompatibilityEc2, types.CompatibilityFargate},
		RequiresAttributes: attributes("com.amazonaws.ecs.capability.docker-remote-api.1.18", "com.amazonaws.ecs.capability.docker-remote-api.1.24",
			"com.amazonaws.ecs.capability.task-iam-role", "ecs.capability.task-eni", "ecs.capability.container-health-check", "ecs.capability.efs"),
		Volumes: []types.Volume{
			{Name: aws.String("v"), Host: &types.HostVolumeProperties{}},
			{Name: aws.String("e"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-1"), RootDirectory: aws.String("/")}},
		},
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("nginx:1.27"), Essential: aws.Bool(true),
			PortMappings: []types.PortMapping{
				{ContainerPort: aws.Int32(80), HostPort: aws.Int32(80), Protocol: types.TransportProtocolTcp},
				{ContainerPortRange: aws.String("8000-8010"), Protocol: types.TransportProtocolUdp},
			},
			HealthCheck: &types.HealthCheck{Command: []string{"CMD", "true"}, Retries: aws.Int32(2), Interval: aws.Int32(30), Timeout: aws.Int32(5)},
			Environment: []types.KeyValuePair{}, MountPoints: []types.MountPoint{}, VolumesFrom: []types.VolumeFrom{}, SystemControls: []types.SystemControl{},
		}},
	}
	same := []cmp.Option{smithyEqual, cmpopts.IgnoreFields(types.TaskDefinition{}, "RegisteredAt")}
	if d := cmp.Diff(want, got, same...); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(got, a.describe(t, "f"), smithyEqual); d != "" {
		t.Errorf("described otherwise than registered: %s", d)
	}
	if in.Volumes[0].Host != nil || in.ContainerDefinitions[0].Essential != nil || in.ContainerDefinitions[0].PortMappings[0].HostPort != nil {
		t.Error("the request was written to")
	}
}

func attributes(names ...string) []types.Attribute {
	var list []types.Attribute
	for _, n := range names {
		list = append(list, types.Attribute{Name: aws.String(n)})
	}
	return list
}

func TestDefaultsOfBridge(t *testing.T) {
	a := newAccount(t)
	in := ec2Definition("f")
	in.ContainerDefinitions[0].PortMappings = []types.PortMapping{port(80)}
	got := a.register(t, in)
	if got.NetworkMode != "" || *got.ContainerDefinitions[0].PortMappings[0].HostPort != 0 || got.RequiresAttributes != nil || got.RequiresCompatibilities != nil {
		t.Errorf("got %+v", got)
	}
	if d := cmp.Diff([]types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2}, got.Compatibilities); d != "" {
		t.Error(d)
	}
}

func TestRevisionsNeverGoBack(t *testing.T) {
	a := newAccount(t)
	for i := range 3 {
		if got := a.register(t, ec2Definition("f")); got.Revision != int32(i+1) {
			t.Fatalf("registration %d is revision %d", i+1, got.Revision)
		}
	}
	if got := a.register(t, ec2Definition("g")); got.Revision != 1 {
		t.Errorf("another family begins with %d", got.Revision)
	}
	a.deregister(t, "f:3")
	if got := a.describe(t, "f"); got.Revision != 2 {
		t.Errorf("the newest ACTIVE one is %d", got.Revision)
	}
	a.deleteDefinitions(t, "f:3")
	a.reconcileDeletion(t, arnPrefix+"task-definition/f:3")
	if got := a.register(t, ec2Definition("f")); got.Revision != 4 {
		t.Errorf("after a deletion comes %d", got.Revision)
	}
}

func TestReferencesToDefinitions(t *testing.T) {
	a := newAccount(t)
	a.register(t, ec2Definition("f"))
	for _, ref := range []string{"f", "f:1", arnPrefix + "task-definition/f:1", arnPrefix + "task-definition/f"} {
		if got := a.describe(t, ref); *got.TaskDefinitionArn != arnPrefix+"task-definition/f:1" {
			t.Errorf("%s is %s", ref, *got.TaskDefinitionArn)
		}
	}
	a.deregister(t, "f:1")
	for ref, want := range map[string]string{
		"f":   "ClientException: Unable to describe task definition.",
		"g":   "ClientException: Unable to describe task definition.",
		"f:2": "ClientException: Unable to describe task definition.",
		"f:x": "InvalidParameterException: Invalid revision number. Number: x",
		"f:0": "InvalidParameterException: Invalid revision number. Number: 0",
		"":    "ClientException: Task Definition can not be blank.",
		arnPrefix[:len(arnPrefix)-1] + "9:task-definition/f:1":        "ClientException: Unable to describe task definition.",
		"arn:aws:ecs:us-east-1:" + testAccount + ":task-definition/f": "InvalidParameterException: Invalid Region in ARN",
	} {
		_, err := a.DescribeTaskDefinition(a.ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: &ref})
		if got := wire(err); got != want {
			t.Errorf("%q: got %s, want %s", ref, got, want)
		}
	}
	if got := a.describe(t, "f:1"); got.Status != types.TaskDefinitionStatusInactive {
		t.Errorf("an INACTIVE one is described as %s", got.Status)
	}
}

func TestTagsOfDefinitionsStandBeside(t *testing.T) {
	a := newAccount(t)
	in := ec2Definition("f")
	in.Tags = []types.Tag{tag("k", "v")}
	out := must[*sdk.RegisterTaskDefinitionOutput](t)(a.RegisterTaskDefinition(a.ctx, in))
	if d := cmp.Diff(in.Tags, out.Tags, smithyEqual); d != "" {
		t.Error(d)
	}
	for include, want := range map[types.TaskDefinitionField]int{"": 0, types.TaskDefinitionFieldTags: 1} {
		in := &sdk.DescribeTaskDefinitionInput{TaskDefinition: aws.String("f")}
		if include != "" {
			in.Include = append(in.Include, include)
		}
		if got := must[*sdk.DescribeTaskDefinitionOutput](t)(a.DescribeTaskDefinition(a.ctx, in)).Tags; got == nil || len(got) != want {
			t.Errorf("include %q: %v", include, got)
		}
	}
}

func TestListTaskDefinitions(t *testing.T) {
	a := newAccount(t)
	for range 11 {
		a.register(t, ec2Definition("f"))
	}
	a.register(t, ec2Definition("f-b"))
	a.register(t, ec2Definition("a"))
	a.deregister(t, "f:2")
	list := func(in sdk.ListTaskDefinitionsInput) string {
		var got []string
		for {
			out := must[*sdk.ListTaskDefinitionsOutput](t)(a.ListTaskDefinitions(a.ctx, &in))
			for _, arn := range out.TaskDefinitionArns {
				got = append(got, strings.TrimPrefix(arn, arnPrefix+"task-definition/"))
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(got, " ")
			}
		}
	}
	for _, row := range []struct {
		name string
		in   sdk.ListTaskDefinitionsInput
		want string
	}{
		{"all", sdk.ListTaskDefinitionsInput{}, "a:1 f:1 f:3 f:4 f:5 f:6 f:7 f:8 f:9 f:10 f:11 f-b:1"},
		{"backwards in pages", sdk.ListTaskDefinitionsInput{Sort: types.SortOrderDesc, MaxResults: aws.Int32(5)}, "f-b:1 f:11 f:10 f:9 f:8 f:7 f:6 f:5 f:4 f:3 f:1 a:1"},
		{"family", sdk.ListTaskDefinitionsInput{FamilyPrefix: aws.String("f"), MaxResults: aws.Int32(3)}, "f:1 f:3 f:4 f:5 f:6 f:7 f:8 f:9 f:10 f:11"},
		{"prefix is no prefix", sdk.ListTaskDefinitionsInput{FamilyPrefix: aws.String("f-")}, ""},
		{"inactive", sdk.ListTaskDefinitionsInput{Status: types.TaskDefinitionStatusInactive}, "f:2"},
	} {
		if got := list(row.in); got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
	}
	first := must[*sdk.ListTaskDefinitionsOutput](t)(a.ListTaskDefinitions(a.ctx, &sdk.ListTaskDefinitionsInput{MaxResults: aws.Int32(1)}))
	_, err := a.ListTaskDefinitions(a.ctx, &sdk.ListTaskDefinitionsInput{NextToken: first.NextToken, FamilyPrefix: aws.String("f")})
	refused(t, err, "InvalidParameterException: Invalid token in nextToken.")
	_, err = a.ListTaskDefinitions(a.ctx, &sdk.ListTaskDefinitionsInput{Status: "GONE"})
	refused(t, err, "InvalidParameterException: status should be one of [ACTIVE,INACTIVE,DELETE_IN_PROGRESS]")
}

func TestListFamilies(t *testing.T) {
	a := newAccount(t)
	for _, f := range []string{"web", "web", "web-old", "api"} {
		a.register(t, ec2Definition(f))
	}
	a.deregister(t, "web:1")
	a.deregister(t, "web-old:1")
	for _, row := range []struct {
		prefix string
		status types.TaskDefinitionFamilyStatus
		want   string
	}{
		{"", "", "api web web-old"}, {"", types.TaskDefinitionFamilyStatusAll, "api web web-old"},
		{"", types.TaskDefinitionFamilyStatusActive, "api web"}, {"", types.TaskDefinitionFamilyStatusInactive, "web-old"},
		{"we", "", "web web-old"}, {"x", "", ""},
	} {
		out := must[*sdk.ListTaskDefinitionFamiliesOutput](t)(a.ListTaskDefinitionFamilies(a.ctx, &sdk.ListTaskDefinitionFamiliesInput{
			FamilyPrefix: aws.String(row.prefix), Status: row.status}))
		if got := strings.Join(out.Families, " "); got != row.want {
			t.Errorf("%q %s: %s", row.prefix, row.status, got)
		}
	}
}

func TestFamilyNumbersSortAsNumbers(t *testing.T) {
	a := newAccount(t)
	for range 12 {
		a.register(t, ec2Definition("f"))
	}
	if got := a.describe(t, "f"); got.Revision != 12 {
		t.Errorf("the newest is %s", strconv.Itoa(int(got.Revision)))
	}
}
