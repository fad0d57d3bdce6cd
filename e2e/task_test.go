package e2e_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file runs tasks with the stock SDK for the tests that are not about a
// client.

const logGroup = "/ecs/e2e"

// probe is a container that runs the probe's steps and logs to logGroup.
func probe(name string, steps ...string) types.ContainerDefinition {
	return types.ContainerDefinition{
		Name: aws.String(name), Image: aws.String(probeImage), Command: steps,
		LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
			"awslogs-group": logGroup, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "e2e", "awslogs-create-group": "true",
		}},
	}
}

// bystander is a probe that is not essential.
func bystander(name string, steps ...string) types.ContainerDefinition {
	c := probe(name, steps...)
	c.Essential = aws.Bool(false)
	return c
}

// definition is a Fargate task definition of the smallest size.
func definition(family string, containers ...types.ContainerDefinition) *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{
		Family: aws.String(family), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, ExecutionRoleArn: aws.String("ecsTaskExecutionRole"),
		ContainerDefinitions: containers,
	}
}

// run registers a definition and starts one task of it, in the cluster
// default.
func (s *server) run(t testing.TB, d *ecs.RegisterTaskDefinitionInput, change ...func(*ecs.RunTaskInput)) *task {
	t.Helper()
	ctx, client := context.Background(), ecs.NewFromConfig(s.config())
	if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	registered, err := client.RegisterTaskDefinition(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	in := &ecs.RunTaskInput{
		TaskDefinition: registered.TaskDefinition.TaskDefinitionArn, LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: s.subnets(t)[:1], AssignPublicIp: types.AssignPublicIpEnabled,
		}},
	}
	for _, c := range change {
		c(in)
	}
	out, err := client.RunTask(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		t.Fatalf("RunTask started %d tasks: %+v", len(out.Tasks), out.Failures)
	}
	return &task{t: t, server: s, arn: aws.ToString(out.Tasks[0].TaskArn)}
}

// subnets are those of the default VPC.
func (s *server) subnets(t testing.TB) []string {
	t.Helper()
	var body struct {
		IDs []string `xml:"subnetSet>item>subnetId"`
	}
	answer, err := http.Get(s.endpoint + "/?Action=DescribeSubnets&Version=2016-11-15")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := xml.NewDecoder(answer.Body).Decode(&body); err != nil || len(body.IDs) == 0 {
		t.Fatalf("the default VPC has no subnets: %v", err)
	}
	return body.IDs
}

// task is a task that a test has started.
type task struct {
	t      testing.TB
	server *server
	arn    string
}

func (k *task) id() string { return k.arn[strings.LastIndexByte(k.arn, '/')+1:] }

func (k *task) client() *ecs.Client { return ecs.NewFromConfig(k.server.config()) }

func (k *task) describe() types.Task {
	k.t.Helper()
	out, err := k.client().DescribeTasks(context.Background(), &ecs.DescribeTasksInput{Tasks: []string{k.arn}})
	if err != nil {
		k.t.Fatal(err)
	}
	if len(out.Tasks) != 1 {
		k.t.Fatalf("%s: %+v", k.arn, out.Failures)
	}
	return out.Tasks[0]
}

// patience bounds every wait; none comes near it.
const patience = 4 * time.Minute

// running waits with the SDK's own waiter, which asks more often here.
func (k *task) running() types.Task {
	k.t.Helper()
	often := func(o *ecs.TasksRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	}
	err := ecs.NewTasksRunningWaiter(k.client(), often).Wait(context.Background(), &ecs.DescribeTasksInput{Tasks: []string{k.arn}}, patience)
	if err != nil {
		k.t.Fatalf("tasks-running: %v\n%s", err, k.why())
	}
	return k.describe()
}

func (k *task) stopped() types.Task {
	k.t.Helper()
	often := func(o *ecs.TasksStoppedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 200*time.Millisecond
	}
	err := ecs.NewTasksStoppedWaiter(k.client(), often).Wait(context.Background(), &ecs.DescribeTasksInput{Tasks: []string{k.arn}}, patience)
	if err != nil {
		k.t.Fatalf("tasks-stopped: %v\n%s", err, k.why())
	}
	return k.describe()
}

func (k *task) stop(reason string) {
	k.t.Helper()
	if _, err := k.client().StopTask(context.Background(), &ecs.StopTaskInput{Task: aws.String(k.arn), Reason: aws.String(reason)}); err != nil {
		k.t.Fatal(err)
	}
}

// why is what `neargate why` says, for messages of tests that fail.
func (k *task) why() string {
	out, err := command(nil, binary, "why", k.id(), "--endpoint", k.server.endpoint)
	if err != nil {
		return err.Error()
	}
	return out
}

// lines is what a container has written, by CloudWatch Logs.
func (k *task) lines(container string) []string {
	k.t.Helper()
	client := cloudwatchlogs.NewFromConfig(k.server.config())
	pages := cloudwatchlogs.NewGetLogEventsPaginator(client, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(logGroup), LogStreamName: aws.String("e2e/" + container + "/" + k.id()), StartFromHead: aws.Bool(true),
	}, func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	var all []string
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			k.t.Fatal(err)
		}
		for _, e := range page.Events {
			all = append(all, aws.ToString(e.Message))
		}
	}
	return all
}

// says waits until a container has written a line.
func (k *task) says(container, line string) {
	k.t.Helper()
	eventually(k.t, container+" says "+line, patience, func() error {
		if got := k.lines(container); !contains(got, line) {
			return fmt.Errorf("it said %q\n%s", got, k.why())
		}
		return nil
	})
}

func contains(lines []string, part string) bool {
	for _, l := range lines {
		if strings.Contains(l, part) {
			return true
		}
	}
	return false
}

// container finds a task's container by name.
func container(t testing.TB, described types.Task, name string) types.Container {
	t.Helper()
	for _, c := range described.Containers {
		if aws.ToString(c.Name) == name {
			return c
		}
	}
	t.Fatalf("the task has no container %s", name)
	return types.Container{}
}

// exitCode is -1 where there is none.
func exitCode(c types.Container) int {
	if c.ExitCode == nil {
		return -1
	}
	return int(*c.ExitCode)
}

// addresses are the task's, as EC2 tells them.
func (k *task) addresses() (private, public string) {
	k.t.Helper()
	var eni string
	for _, d := range k.describe().Attachments[0].Details {
		if aws.ToString(d.Name) == "networkInterfaceId" {
			eni = aws.ToString(d.Value)
		}
	}
	var body struct {
		Private string `xml:"networkInterfaceSet>item>privateIpAddress"`
		Public  string `xml:"networkInterfaceSet>item>association>publicIp"`
	}
	answer, err := http.Get(k.server.endpoint + "/?Action=DescribeNetworkInterfaces&Version=2016-11-15&NetworkInterfaceId.1=" + eni)
	if err != nil {
		k.t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := xml.NewDecoder(answer.Body).Decode(&body); err != nil || body.Private == "" || body.Public == "" {
		k.t.Fatalf("EC2 knows no addresses of interface %q: %+v %v", eni, body, err)
	}
	return body.Private, body.Public
}
