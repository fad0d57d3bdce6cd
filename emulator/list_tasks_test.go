package emulator_test

import (
	"context"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// TestListTasks lists by every filter, in pages.
func TestListTasks(t *testing.T) {
	ctx := context.Background()
	e := fixtures.Start(t)
	client := ecs.NewFromConfig(e.Config)
	three := e.Run(t, fixtures.TaskDefinition("web", "nginx"), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(3) })
	one := e.Run(t, fixtures.TaskDefinition("db", "postgres"), func(in *ecs.RunTaskInput) { in.StartedBy = aws.String("me") })
	if _, err := client.StopTask(ctx, &ecs.StopTaskInput{Task: three[0].TaskArn}); err != nil {
		t.Fatal(err)
	}
	stopped := &ecs.DescribeTasksInput{Tasks: []string{aws.ToString(three[0].TaskArn)}}
	if err := ecs.NewTasksStoppedWaiter(client, soonStopped).Wait(ctx, stopped, patience); err != nil {
		t.Fatal(err)
	}
	web := arns(three[1:])
	for _, c := range []struct {
		name string
		in   ecs.ListTasksInput
		want []string
	}{
		{"running", ecs.ListTasksInput{}, append(slices.Clone(web), arns(one)...)},
		{"stopped", ecs.ListTasksInput{DesiredStatus: types.DesiredStatusStopped}, arns(three[:1])},
		{"pending never matches", ecs.ListTasksInput{DesiredStatus: types.DesiredStatusPending}, nil},
		{"by family", ecs.ListTasksInput{Family: aws.String("web")}, web},
		{"by family, stopped", ecs.ListTasksInput{Family: aws.String("web"), DesiredStatus: types.DesiredStatusStopped}, arns(three[:1])},
		{"by starter", ecs.ListTasksInput{StartedBy: aws.String("me")}, arns(one)},
		{"on Fargate", ecs.ListTasksInput{LaunchType: types.LaunchTypeFargate}, append(slices.Clone(web), arns(one)...)},
		{"on EC2", ecs.ListTasksInput{LaunchType: types.LaunchTypeEc2}, nil},
		{"in pages of one", ecs.ListTasksInput{MaxResults: aws.Int32(1)}, append(slices.Clone(web), arns(one)...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			pages := ecs.NewListTasksPaginator(client, &c.in)
			for pages.HasMorePages() {
				page, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page.TaskArns...)
			}
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got  %v\nwant %v", got, c.want)
			}
		})
	}
}

func arns(tasks []types.Task) []string {
	var list []string
	for _, task := range tasks {
		list = append(list, aws.ToString(task.TaskArn))
	}
	return list
}
