package apiwire_test

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbv2types "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
)

func TestVoices(t *testing.T) {
	long := strings.Repeat("x", 513)
	for _, c := range []struct {
		service string
		voice   apiwire.Voice
		op      string
		in      any
		code    string
		message string
	}{
		{"logs", apiwire.VoiceLogs, "PutLogEvents", &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: []logstypes.InputLogEvent{{Message: aws.String("m")}},
		}, "InvalidParameterException", "1 validation error detected: Value null at 'logEvents.1.member.timestamp' failed to satisfy constraint: Member must not be null"},
		{"logs", apiwire.VoiceLogs, "CreateLogGroup", &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &long},
			"InvalidParameterException", "1 validation error detected: Value '" + long + "' at 'logGroupName' failed to satisfy constraint: Member must have length less than or equal to 512"},
		{"logs", apiwire.VoiceLogs, "CreateLogGroup", &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("a b")},
			"InvalidParameterException", `1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"logs", apiwire.VoiceLogs, "CreateLogStream", &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("")},
			"InvalidParameterException", "3 validation errors detected: Value '' at 'logGroupName' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
				`Value '' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+; ` +
				"Value null at 'logStreamName' failed to satisfy constraint: Member must not be null"},
		{"logs", apiwire.VoiceLogs, "DescribeLogGroups", &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(51)},
			"InvalidParameterException", "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 50"},
		{"logs", apiwire.VoiceLogs, "TagResource", &cloudwatchlogs.TagResourceInput{ResourceArn: aws.String("arn:aws:logs:x"), Tags: map[string]string{"": "v"}},
			"InvalidParameterException", "1 validation error detected: Value '{=v}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: " +
				`[Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]+)$]`},
		{"logs", apiwire.VoiceLogs, "DescribeLogStreams", &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("g"), OrderBy: "Size"},
			"InvalidParameterException", "1 validation error detected: Value 'Size' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]"},
		{"sts", apiwire.VoiceQuery, "AssumeRole", &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/x"), RoleSessionName: aws.String("x")},
			"ValidationError", "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		{"elasticloadbalancing", apiwire.VoiceQuery, "CreateTargetGroup", &elbv2.CreateTargetGroupInput{Name: aws.String("n"), Port: aws.Int32(70000), Protocol: "FTP"},
			"ValidationError", "2 validation errors detected: Value '70000' at 'port' failed to satisfy constraint: Member must have value less than or equal to 65535; " +
				"Value 'FTP' at 'protocol' failed to satisfy constraint: Member must satisfy enum value set: [" + strings.Join(protocols(), ", ") + "]"},
		{"ecr", apiwire.VoiceECR, "DescribeRepositories", &DescribeRepositoriesInput{RegistryId: aws.String("x")},
			"InvalidParameterException", "Invalid parameter at 'registryId' failed to satisfy constraint: 'Member must satisfy regular expression pattern: [0-9]{12}'"},
		{"ec2", apiwire.VoiceEC2, "DeleteVpc", &DeleteVpcInput{}, "MissingParameter", "The request must contain the parameter VpcId"},
		{"ec2", apiwire.VoiceEC2, "CreateVpc", &CreateVpcInput{InstanceTenancy: "shared"}, "InvalidParameterValue", "Value (shared) for parameter InstanceTenancy is invalid."},
		{"ecs", apiwire.VoiceECS, "RunTask", &ecs.RunTaskInput{}, "InvalidParameterException", "Task Definition can not be blank."},
		{"ecs", apiwire.VoiceECS, "DescribeTasks", &ecs.DescribeTasksInput{}, "InvalidParameterException", "Tasks cannot be empty."},
		{"ecs", apiwire.VoiceECS, "StartTask", &ecs.StartTaskInput{TaskDefinition: aws.String("x")}, "ClientException", "Container Instances cannot be empty."},
		{"ecs", apiwire.VoiceECS, "RegisterTaskDefinition", &ecs.RegisterTaskDefinitionInput{Family: aws.String("f")}, "ClientException", "Container list cannot be empty."},
		{"ecs", apiwire.VoiceECS, "RunTask", &ecs.RunTaskInput{TaskDefinition: aws.String("x"), NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{}}},
			"InvalidParameterException", "subnets can not be empty."},
		{"ecs", apiwire.VoiceECS, "RunTask", &ecs.RunTaskInput{TaskDefinition: aws.String("x"), LaunchType: "MOON"},
			"InvalidParameterException", "launch type should be one of [" + strings.Join(values(ecstypes.LaunchType("").Values()), ",") + "]"},
		{"ecs", apiwire.VoiceECS, "UpdateContainerInstancesState", &ecs.UpdateContainerInstancesStateInput{ContainerInstances: []string{"x"}, Status: "GONE"},
			"InvalidParameterException", "Container instance status should be one of [" + strings.Join(values(ecstypes.ContainerInstanceStatus("").Values()), ", ") + "]"},
	} {
		t.Run(c.service+" "+c.op, func(t *testing.T) {
			found := apiwire.Check(apiwire.ConstraintsOf(c.service), c.op, reflect.ValueOf(c.in))
			if len(found) == 0 {
				t.Fatal("nothing is wrong")
			}
			f := c.voice(found)
			if f.Code != c.code || f.Message != c.message || f.Status != 400 {
				t.Errorf("%d %s: %s\nwant %s: %s", f.Status, f.Code, f.Message, c.code, c.message)
			}
		})
	}
}

type (
	DescribeRepositoriesInput struct{ RegistryId *string }
	DeleteVpcInput            struct{ VpcId *string }
)

func protocols() []string { return values(elbv2types.ProtocolEnum("").Values()) }

func values[T ~string](enum []T) []string {
	texts := make([]string, len(enum))
	for i, e := range enum {
		texts[i] = string(e)
	}
	return texts
}

func TestNothingIsWrong(t *testing.T) {
	for service, in := range map[string]any{
		"ecs": &ecs.RunTaskInput{TaskDefinition: aws.String("x"), LaunchType: ecstypes.LaunchTypeFargate, Tags: []ecstypes.Tag{{}}},
		"logs": &cloudwatchlogs.PutLogEventsInput{
			LogGroupName: aws.String("/aws/ecs/x#1"), LogStreamName: aws.String("é"),
			LogEvents: []logstypes.InputLogEvent{{Message: aws.String("m"), Timestamp: aws.Int64(0)}},
		},
		"eks":     &eks.CreateFargateProfileInput{ClusterName: aws.String("c"), FargateProfileName: aws.String("p"), PodExecutionRoleArn: aws.String("r")},
		"iam":     &iam.CreateAccountAliasInput{AccountAlias: aws.String("my-alias-1")},
		"unknown": &sts.AssumeRoleInput{},
	} {
		if found := apiwire.Check(apiwire.ConstraintsOf(service), "", reflect.ValueOf(in)); len(found) > 0 {
			t.Errorf("%s: %+v", service, found)
		}
	}
	for _, alias := range []string{"a--b", "-ab", "ab-", "A-b"} {
		in := &iam.CreateAccountAliasInput{AccountAlias: &alias}
		if found := apiwire.Check(apiwire.ConstraintsOf("iam"), "", reflect.ValueOf(in)); len(found) == 0 {
			t.Errorf("%s is taken for an alias", alias)
		}
	}
}

func TestManyViolationsAreBounded(t *testing.T) {
	in := &cloudwatchlogs.PutLogEventsInput{LogEvents: make([]logstypes.InputLogEvent, 5000)}
	if n := len(apiwire.Check(apiwire.ConstraintsOf("logs"), "", reflect.ValueOf(in))); n != 100 {
		t.Errorf("%d violations", n)
	}
}

// TestConstraintTables reads all tables, so that none has a pattern that Go
// cannot read or a struct that the SDK does not have.
func TestConstraintTables(t *testing.T) {
	clients := map[string]any{
		"ecs": &ecs.Client{}, "eks": &eks.Client{}, "logs": &cloudwatchlogs.Client{}, "sts": &sts.Client{}, "iam": &iam.Client{},
		"elasticloadbalancing": &elbv2.Client{}, "ecr": nil, "ec2": nil,
	}
	for service, client := range clients {
		table := apiwire.ConstraintTable(service)
		if len(table) < 10 {
			t.Errorf("%s has %d structs", service, len(table))
		}
		for name, pattern := range apiwire.Patterns(service) {
			if _, err := regexp.Compile(pattern); err != nil {
				t.Errorf("%s %s: %v", service, name, err)
			}
		}
		if client == nil {
			continue
		}
		structs := map[string]map[string]bool{}
		for _, op := range apiwire.OperationsOf(client) {
			m, _ := reflect.TypeOf(client).MethodByName(op)
			collect(m.Type.In(2).Elem(), structs)
		}
		for name, members := range table {
			for _, member := range members {
				member = strings.TrimRight(member, "[]{=}")
				if fields, ok := structs[name]; ok && !fields[member] {
					t.Errorf("%s: %s has no field %s", service, name, member)
				}
			}
			if structs[name] == nil && strings.HasSuffix(name, "Input") {
				t.Errorf("%s: no input %s", service, name)
			}
		}
	}
}

// collect lists the structs that a type holds, with their fields.
func collect(t reflect.Type, into map[string]map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(t.Elem(), into)
	case reflect.Struct:
		if into[t.Name()] != nil {
			return
		}
		fields := map[string]bool{}
		into[t.Name()] = fields
		for i := range t.NumField() {
			fields[t.Field(i).Name] = true
			collect(t.Field(i).Type, into)
		}
	}
}

// TestRequiredAgreesWithTheSDK asks the SDK's clients, which check what is
// required before they send anything, about inputs with and without it.
func TestRequiredAgreesWithTheSDK(t *testing.T) {
	for service, e := range map[string]*echo{
		"ecs": echoECS(), "eks": echoEKS(t), "logs": echoLogs(), "sts": echoSTS(), "iam": echoIAM(), "elasticloadbalancing": echoELBv2(),
	} {
		client, constraints := e.client(apiwire.New(apiwire.Options{}, e.service)), apiwire.ConstraintsOf(service)
		missing := 0
		for _, name := range slices.Sorted(maps.Keys(e.ops)) {
			for seed := range uint64(8) {
				f := newFiller(seed, sparse)
				in := reflect.New(e.ops[name].Type.In(2).Elem())
				if seed > 0 {
					f.fill(in.Elem(), 0)
				}
				want := missingBySDK(e.ops[name], client, reflect.ValueOf(t.Context()), in)
				got := missingByUs(constraints, name, in)
				missing += len(want)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s, seed %d (-SDK +table)\n%s", service, name, seed, diff)
				}
			}
		}
		t.Logf("%s: %d members missing", service, missing)
		if missing < 10 {
			t.Errorf("%s: only %d members were missing", service, missing)
		}
	}
}

var bracket = regexp.MustCompile(`\["?([^"\]]*)"?\]`)

func missingBySDK(m reflect.Method, client, ctx, in reflect.Value) []string {
	err, _ := m.Func.Call([]reflect.Value{client, ctx, in})[1].Interface().(error)
	invalid, ok := errors.AsType[smithy.InvalidParamsError](err)
	if !ok {
		return nil
	}
	var paths []string
	for _, e := range invalid.Errs() {
		_, path, _ := strings.Cut(e.(interface{ Field() string }).Field(), ".")
		paths = append(paths, strings.ToLower(bracket.ReplaceAllString(path, ".$1")))
	}
	slices.Sort(paths)
	return paths
}

// missingByUs writes paths as the SDK does: elements count from zero and have no "member".
func missingByUs(c apiwire.Constraints, op string, in reflect.Value) []string {
	var paths []string
	for _, v := range apiwire.Check(c, op, in) {
		if v.Demand != apiwire.Required {
			continue
		}
		var steps []string
		for step := range strings.SplitSeq(v.Path, ".") {
			var n int
			if _, err := fmt.Sscan(step, &n); err == nil {
				step = fmt.Sprint(n - 1)
			}
			if step != "member" {
				steps = append(steps, strings.ToLower(step))
			}
		}
		paths = append(paths, strings.Join(steps, "."))
	}
	slices.Sort(paths)
	return paths
}

func TestServicesCheckInputs(t *testing.T) {
	h := apiwire.New(apiwire.Options{}, apiwire.Query("kitchen", "2020-01-01", "urn:kitchen", &kitchen{}).
		WithConstraints(apiwire.Constraints{}, apiwire.VoiceQuery))
	e := errorOf(t, postForm(h, kitchenForm+"&Protocol=FTP"))
	if e.Error.Code != "ValidationError" || !strings.Contains(e.Error.Message, "Value 'FTP' at 'protocol'") {
		t.Errorf("%+v", e.Error)
	}
	if w := postForm(h, kitchenForm+"&Protocol=HTTP"); w.Code != 200 {
		t.Errorf("%s", w.Body)
	}
}

func BenchmarkCheck(b *testing.B) {
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("/ecs/web"), LogStreamName: aws.String("s"), LogEvents: make([]logstypes.InputLogEvent, 100)}
	for i := range in.LogEvents {
		in.LogEvents[i] = logstypes.InputLogEvent{Message: aws.String("m"), Timestamp: aws.Int64(1)}
	}
	c, v := apiwire.ConstraintsOf("logs"), reflect.ValueOf(in)
	b.ReportAllocs()
	for b.Loop() {
		if len(apiwire.Check(c, "PutLogEvents", v)) > 0 {
			b.Fatal("something is wrong")
		}
	}
}
