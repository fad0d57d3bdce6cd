package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/cmd/neargate-demo/server"
	"github.com/neargate/neargate/emulator/sandbox/docker"
)

const (
	image    = "neargate-demo-web:latest"
	logGroup = "/ecs/demo"
	exitCode = 7
)

type demo struct {
	neargate, web string

	endpoint string
	ecs      *ecs.Client
	logs     *cloudwatchlogs.Client
	changes  <-chan change
	task     string // ARN
}

func (d *demo) run(ctx context.Context) (err error) {
	if err := d.makeImage(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, docker.RemoveImage(context.WithoutCancel(ctx), "", image)) }()
	s, err := server.Start(ctx, d.neargate)
	if err != nil {
		return err
	}
	defer func() {
		say("Cleaning up: the server removes every container, network and volume that it made")
		err = errors.Join(err, s.Stop())
	}()
	if err := d.connect(ctx, s.Endpoint); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{d.prepare, d.start, d.visit, d.leave, d.readLogs, d.tell} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) makeImage(ctx context.Context) error {
	say("Making the image %s of one static binary: no registry is asked", image)
	program, err := os.ReadFile(d.web)
	if err != nil {
		return err
	}
	return docker.ImportProgram(ctx, "", image, "web", program)
}

func (d *demo) connect(ctx context.Context, endpoint string) (err error) {
	say("Neargate answers at %s", endpoint)
	d.endpoint = endpoint
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	d.ecs, d.logs = ecs.NewFromConfig(config), cloudwatchlogs.NewFromConfig(config)
	d.changes, err = watch(ctx, endpoint)
	return err
}

func (d *demo) prepare(ctx context.Context) error {
	say("aws ecs create-cluster · logs create-log-group · ecs register-task-definition")
	if _, err := d.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("demo")}); err != nil {
		return err
	}
	if _, err := d.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(logGroup)}); err != nil {
		return err
	}
	_, err := d.ecs.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ExecutionRoleArn:        aws.String("arn:aws:iam::000000000000:role/ecsTaskExecutionRole"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String(image),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80)}},
			LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
				"awslogs-group": logGroup, "awslogs-region": "us-east-1", "awslogs-stream-prefix": "demo",
			}},
		}},
	})
	return err
}

func (d *demo) start(ctx context.Context) error {
	subnet, err := d.subnet(ctx)
	if err != nil {
		return err
	}
	say("aws ecs run-task --cluster demo --task-definition web --launch-type FARGATE --network-configuration …%s…", subnet)
	began := time.Now()
	out, err := d.ecs.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: aws.String("demo"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: []string{subnet}, AssignPublicIp: types.AssignPublicIpEnabled,
		}},
	})
	if err != nil {
		return err
	}
	d.task = aws.ToString(out.Tasks[0].TaskArn)
	say("run-task answered after %d ms: %s is %s", time.Since(began).Milliseconds(), d.task, aws.ToString(out.Tasks[0].LastStatus))
	return d.follow(ctx, "RUNNING", "STOPPED")
}

func (d *demo) follow(ctx context.Context, until ...string) error {
	l := &life{task: d.task[strings.LastIndexByte(d.task, '/')+1:], out: os.Stdout}
	status, err := l.follow(ctx, d.changes, until...)
	if err == nil && status != until[0] {
		return fmt.Errorf("the task is %s; `neargate why` would tell: %w", status, d.tell(ctx))
	}
	return err
}

func (d *demo) visit(ctx context.Context) error {
	private, public, err := d.addresses(ctx)
	if err != nil {
		return err
	}
	// RUNNING means that the process has been started. Whether it listens
	// yet only an answer tells.
	body, err := retry(ctx, "http://"+public+"/")
	if err != nil {
		return err
	}
	say("curl http://%s/ (its public address): %s", public, strings.TrimSpace(body))
	if body, err = get(ctx, "http://"+private+"/"); err != nil {
		say("curl http://%s/ (its private address): %v; on this machine only its public address is reached from the host", private, err)
		return nil
	}
	say("curl http://%s/ (its private address): %s", private, strings.TrimSpace(body))
	return nil
}

// retry asks until there is an answer, for ten seconds.
func retry(ctx context.Context, url string) (body string, err error) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; {
		if body, err = get(ctx, url); err == nil {
			return body, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return "", err
}

// leave makes the task's container end with a code of its own.
func (d *demo) leave(ctx context.Context) error {
	_, public, err := d.addresses(ctx)
	if err != nil {
		return err
	}
	say("Its only container is asked to leave with exit code %d; it is essential, so the task ends", exitCode)
	if _, err := get(ctx, fmt.Sprintf("http://%s/exit?code=%d", public, exitCode)); err != nil {
		return err
	}
	return d.follow(ctx, "STOPPED")
}

func (d *demo) readLogs(ctx context.Context) error {
	stream := "demo/web/" + d.task[strings.LastIndexByte(d.task, '/')+1:]
	say("aws logs get-log-events --log-group-name %s --log-stream-name %s", logGroup, stream)
	out, err := d.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String(logGroup), LogStreamName: aws.String(stream), StartFromHead: aws.Bool(true),
	})
	if err != nil {
		return err
	}
	for _, e := range out.Events {
		fmt.Printf("  %s  %s\n", time.UnixMilli(aws.ToInt64(e.Timestamp)).Format("15:04:05.000"), aws.ToString(e.Message))
	}
	if len(out.Events) == 0 {
		return errors.New("no line of the container reached CloudWatch Logs")
	}
	return nil
}

func (d *demo) tell(ctx context.Context) error {
	out, err := d.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("demo"), Tasks: []string{d.task}})
	if err != nil {
		return err
	}
	t := out.Tasks[0]
	say("aws ecs describe-tasks: %s, stopCode %s, %q, exit code %d", aws.ToString(t.LastStatus), t.StopCode,
		aws.ToString(t.StoppedReason), aws.ToInt32(t.Containers[0].ExitCode))
	if aws.ToInt32(t.Containers[0].ExitCode) != exitCode {
		return fmt.Errorf("the exit code should be %d", exitCode)
	}
	return nil
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}

func say(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }
