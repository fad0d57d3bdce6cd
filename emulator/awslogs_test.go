package emulator_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// messages are the events of a stream.
func (s *site) messages(t *testing.T, group, stream string) (all []string) {
	t.Helper()
	out, err := cloudwatchlogs.NewFromConfig(s.cfg).GetLogEvents(context.Background(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream, StartFromHead: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Events {
		all = append(all, *e.Message)
	}
	return all
}

// TestLogGroupMissing: Fargate's own words, letter by letter.
func TestLogGroupMissing(t *testing.T) {
	s := open(t)
	d := logged(fixtures.TaskDefinition("web", "nginx"), "/ecs/none")
	delete(d.ContainerDefinitions[0].LogConfiguration.Options, "awslogs-create-group")
	task := s.stopped(t, s.run(t, d)[0])
	const want = "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: " +
		"failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
	if got := aws.ToString(task.StoppedReason); got != want || task.StopCode != types.TaskStopCodeTaskFailedToStart {
		t.Errorf("%s: %q\nwant %q", task.StopCode, got, want)
	}
	if c := task.Containers[0]; c.ExitCode != nil {
		t.Errorf("a container that never ran has exit code %d", *c.ExitCode)
	}
	logs := cloudwatchlogs.NewFromConfig(s.cfg)
	if _, err := logs.CreateLogGroup(context.Background(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/ecs/none")}); err != nil {
		t.Fatal(err)
	}
	s.running(t, s.run(t, d)[0])
}

// TestLogStreams: each container has a stream, prefix/container/task, in a
// group that is made once, and lines are put together as they were written.
func TestLogStreams(t *testing.T) {
	s := open(t)
	d := logged(pair([]string{`FAKE_STDOUT=at 1\n  more\n  and more\nat 2\n  end`}, []string{`FAKE_STDOUT=a\nb`, "FAKE_STDERR=c"}), "/ecs/pair")
	d.ContainerDefinitions[0].LogConfiguration.Options["awslogs-multiline-pattern"] = "^at "
	for range 2 {
		task := s.running(t, s.run(t, d)[0])
		s.stop(t, task)
		s.stopped(t, task)
		if got := s.messages(t, "/ecs/pair", "app/app/"+id(task)); !slices.Equal(got, []string{"at 1\n  more\n  and more", "at 2\n  end"}) &&
			!slices.Equal(got, []string{"at 1\n  more\n  and more\n", "at 2\n  end\n"}) {
			t.Errorf("events of several lines: %q", got)
		}
		if got := s.messages(t, "/ecs/pair", "app/side/"+id(task)); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("events of one line: %q", got)
		}
	}
	out, err := cloudwatchlogs.NewFromConfig(s.cfg).DescribeLogGroups(context.Background(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(out.LogGroups) != 1 {
		t.Errorf("groups: %+v, %v", out, err)
	}
}
