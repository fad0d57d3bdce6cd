package emulator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/fixtures"
)

// soon makes the SDK's waiters ask often: the fake runtime takes no time.
func soon(o *ecs.TasksRunningWaiterOptions) {
	o.MinDelay, o.MaxDelay = time.Millisecond, 5*time.Millisecond
}

func soonStopped(o *ecs.TasksStoppedWaiterOptions) {
	o.MinDelay, o.MaxDelay = time.Millisecond, 5*time.Millisecond
}

// logged gives a task definition the awslogs driver.
func logged(d *ecs.RegisterTaskDefinitionInput, group string) *ecs.RegisterTaskDefinitionInput {
	d.ExecutionRoleArn = aws.String("ecsTaskExecutionRole")
	for i := range d.ContainerDefinitions {
		d.ContainerDefinitions[i].LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": group, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app", "awslogs-create-group": "true",
		}}
	}
	return d
}

func id(task types.Task) string {
	arn := aws.ToString(task.TaskArn)
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// TestWalk is the tutorial: from a cluster to a task that has run, written its
// lines, and been stopped.
func TestWalk(t *testing.T) {
	ctx := context.Background()
	e := fixtures.Start(t)
	client, logs := ecs.NewFromConfig(e.Config), cloudwatchlogs.NewFromConfig(e.Config)
	run := e.Run(t, logged(fixtures.TaskDefinition("web", "nginx", "FAKE_STDOUT=one\\ntwo"), "/ecs/web"))
	if got := aws.ToString(run[0].LastStatus); got != "PROVISIONING" {
		t.Errorf("RunTask answers lastStatus %s; it must not wait", got)
	}
	tasks := &ecs.DescribeTasksInput{Tasks: []string{aws.ToString(run[0].TaskArn)}}
	if err := ecs.NewTasksRunningWaiter(client, soon).Wait(ctx, tasks, patience); err != nil {
		t.Fatal(err)
	}
	running, err := client.DescribeTasks(ctx, tasks)
	if err != nil {
		t.Fatal(err)
	}
	checkRunning(t, running.Tasks[0])
	if _, err := client.StopTask(ctx, &ecs.StopTaskInput{Task: run[0].TaskArn, Reason: aws.String("enough")}); err != nil {
		t.Fatal(err)
	}
	if err := ecs.NewTasksStoppedWaiter(client, soonStopped).Wait(ctx, tasks, patience); err != nil {
		t.Fatal(err)
	}
	ended, err := client.DescribeTasks(ctx, tasks)
	if err != nil {
		t.Fatal(err)
	}
	checkStopped(t, ended.Tasks[0])
	events, err := logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/ecs/web"), LogStreamName: aws.String("app/web/" + id(run[0])), StartFromHead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(events.Events) != 2 || aws.ToString(events.Events[1].Message) != "two" {
		t.Errorf("log events: %+v", events.Events)
	}
	if _, err := client.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("default")}); err != nil {
		t.Errorf("a cluster whose tasks have stopped can be deleted: %v", err)
	}
}

func checkRunning(t *testing.T, task types.Task) {
	t.Helper()
	details := map[string]string{}
	for _, d := range task.Attachments[0].Details {
		details[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	c := task.Containers[0]
	switch {
	case task.StartedAt == nil || task.PullStartedAt == nil || task.ConnectivityAt == nil || task.StartedAt.Before(*task.CreatedAt):
		t.Errorf("times: %+v", task)
	case details["privateIPv4Address"] == "" || details["privateIPv4Address"] != aws.ToString(c.NetworkInterfaces[0].PrivateIpv4Address):
		t.Errorf("addresses of attachment and container: %v, %+v", details, c.NetworkInterfaces)
	case !strings.HasPrefix(details["networkInterfaceId"], "eni-") || aws.ToString(task.Attachments[0].Status) != "ATTACHED":
		t.Errorf("attachment: %+v", task.Attachments[0])
	case aws.ToString(c.LastStatus) != "RUNNING" || !strings.HasPrefix(aws.ToString(c.RuntimeId), id(task)+"-"):
		t.Errorf("container: %+v", c)
	case aws.ToString(task.PlatformVersion) != "1.4.0" || task.LaunchType != types.LaunchTypeFargate:
		t.Errorf("platform: %+v", task)
	}
}

func checkStopped(t *testing.T, task types.Task) {
	t.Helper()
	switch {
	case task.StopCode != types.TaskStopCodeUserInitiated || aws.ToString(task.StoppedReason) != "enough":
		t.Errorf("stop code %s, reason %q", task.StopCode, aws.ToString(task.StoppedReason))
	case aws.ToInt32(task.Containers[0].ExitCode) != 143:
		t.Errorf("a container that ends on SIGTERM has exit code 143, not %d", aws.ToInt32(task.Containers[0].ExitCode))
	case task.StoppingAt == nil || task.ExecutionStoppedAt == nil || task.StoppedAt == nil || aws.ToString(task.DesiredStatus) != "STOPPED":
		t.Errorf("times: %+v", task)
	}
}

// TestRunTaskRefusals holds the exact words in which RunTask says no.
func TestRunTaskRefusals(t *testing.T) {
	ctx := context.Background()
	e := fixtures.Start(t)
	client := ecs.NewFromConfig(e.Config)
	e.Run(t, fixtures.TaskDefinition("web", "nginx"))
	subnets := e.Subnets(t)
	fargate := func(in *ecs.RunTaskInput) {
		in.TaskDefinition, in.LaunchType = aws.String("web"), types.LaunchTypeFargate
		in.NetworkConfiguration = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: subnets[:1]}}
	}
	for _, c := range []struct {
		name, code, message string
		change              func(*ecs.RunTaskInput)
	}{
		{"no such definition", "ClientException", "TaskDefinition not found.", func(in *ecs.RunTaskInput) { in.TaskDefinition = aws.String("nothing") }},
		{"no such cluster", "ClusterNotFoundException", "Cluster not found.", func(in *ecs.RunTaskInput) { in.Cluster = aws.String("nowhere") }},
		{"no network", "InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
			func(in *ecs.RunTaskInput) { in.NetworkConfiguration = nil }},
		{"unknown subnet", "InvalidParameterException",
			"Error retrieving subnet information for [subnet-0123456789abcdef0]: The subnet ID 'subnet-0123456789abcdef0' does not exist (ErrorCode: InvalidSubnetID.NotFound)",
			func(in *ecs.RunTaskInput) {
				in.NetworkConfiguration.AwsvpcConfiguration.Subnets = []string{"subnet-0123456789abcdef0"}
			}},
		{"unknown group", "InvalidParameterException",
			"Error retrieving security group information for [sg-0123456789abcdef0]: The security group 'sg-0123456789abcdef0' does not exist (ErrorCode: InvalidGroup.NotFound)",
			func(in *ecs.RunTaskInput) {
				in.NetworkConfiguration.AwsvpcConfiguration.SecurityGroups = []string{"sg-0123456789abcdef0"}
			}},
		{"EC2 without instances", "InvalidParameterException", "No Container Instances were found in your cluster.",
			func(in *ecs.RunTaskInput) { in.LaunchType = types.LaunchTypeEc2 }},
		{"platform with EC2", "InvalidParameterException", "The platform version must be null when specifying an EC2 launch type.",
			func(in *ecs.RunTaskInput) {
				in.LaunchType, in.PlatformVersion = types.LaunchTypeEc2, aws.String("LATEST")
			}},
		{"both", "InvalidParameterException", "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
			func(in *ecs.RunTaskInput) {
				in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
			}},
		{"provider of another cluster", "InvalidParameterException",
			"The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again.",
			func(in *ecs.RunTaskInput) {
				in.LaunchType = ""
				in.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1}}
			}},
		{"override of nobody", "InvalidParameterException", "Override for container named db is not a container in the TaskDefinition.",
			func(in *ecs.RunTaskInput) {
				in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("db")}}}
			}},
		{"long overrides", "InvalidParameterException", "Container Overrides length must be at most 8192",
			func(in *ecs.RunTaskInput) {
				in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("web"), Command: []string{strings.Repeat("x", 8192)}}}}
			}},
		{"odd size", "ClientException",
			"No Fargate configuration exists for given values: 256 CPU, 4096 memory. See the Amazon ECS documentation for the valid values.",
			func(in *ecs.RunTaskInput) { in.Overrides = &types.TaskOverride{Memory: aws.String("4096")} }},
		{"old platform", "PlatformUnknownException", "The specified platform does not exist.",
			func(in *ecs.RunTaskInput) { in.PlatformVersion = aws.String("0.9") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &ecs.RunTaskInput{}
			fargate(in)
			c.change(in)
			_, err := client.RunTask(ctx, in)
			var api smithy.APIError
			if !errors.As(err, &api) {
				t.Fatalf("not refused: %v", err)
			}
			if api.ErrorCode() != c.code || api.ErrorMessage() != c.message {
				t.Errorf("got  %s: %s\nwant %s: %s", api.ErrorCode(), api.ErrorMessage(), c.code, c.message)
			}
		})
	}
}

// TestClientToken: a token makes RunTask idempotent, for the same request
// only.
func TestClientToken(t *testing.T) {
	e := fixtures.Start(t)
	token := func(in *ecs.RunTaskInput) { in.ClientToken = aws.String("once") }
	d := fixtures.TaskDefinition("web", "nginx")
	first := e.Run(t, d, token)
	in := func(change func(*ecs.RunTaskInput)) *ecs.RunTaskInput {
		in := &ecs.RunTaskInput{
			TaskDefinition: first[0].TaskDefinitionArn, LaunchType: types.LaunchTypeFargate, ClientToken: aws.String("once"),
			NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: e.Subnets(t)[:1]}},
		}
		change(in)
		return in
	}
	client := ecs.NewFromConfig(e.Config)
	again, err := client.RunTask(context.Background(), in(func(*ecs.RunTaskInput) {}))
	if err != nil || aws.ToString(again.Tasks[0].TaskArn) != aws.ToString(first[0].TaskArn) {
		t.Fatalf("the same request made another task: %+v, %v", again, err)
	}
	_, err = client.RunTask(context.Background(), in(func(in *ecs.RunTaskInput) { in.Count = aws.Int32(2) }))
	var conflict *types.ConflictException
	if !errors.As(err, &conflict) || len(conflict.ResourceIds) != 1 || conflict.ResourceIds[0] != aws.ToString(first[0].TaskArn) {
		t.Fatalf("another request with the same token: %v", err)
	}
}
