package ecs_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// TestPagesOfTasks: whatever starts and stops between two pages, a task that
// is listed all the time is listed once, and no task twice.
func TestPagesOfTasks(t *testing.T) {
	w := newWorld(t)
	families := []string{"a", "b"}
	for _, f := range families {
		w.register(fargateDefinition(f))
	}
	chance := rand.New(rand.NewPCG(1, 2))
	running, stopped := map[string]string{}, map[string]string{}
	start := func() {
		f := families[chance.IntN(2)]
		in := launch(f)
		in.StartedBy = aws.String("by-" + f)
		running[*w.run(in)[0].TaskArn] = f
	}
	stop := func() {
		for arn, f := range running {
			if _, err := w.StopTask(w.ctx, &sdk.StopTaskInput{Task: &arn}); err != nil {
				t.Fatal(err)
			}
			delete(running, arn)
			stopped[arn] = f
			return
		}
	}
	for range 30 {
		start()
	}
	for range 10 {
		stop()
	}
	for round := range 24 {
		in := sdk.ListTasksInput{MaxResults: aws.Int32(int32(1 + chance.IntN(7)))}
		of := running
		if round%2 == 1 {
			in.DesiredStatus, of = types.DesiredStatusStopped, stopped
		}
		switch f := families[chance.IntN(2)]; round % 3 {
		case 1:
			in.Family, of = aws.String(f), ofFamily(of, f)
		case 2:
			in.StartedBy, of = aws.String("by-"+f), ofFamily(of, f)
		}
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			always := map[string]bool{}
			for arn := range of {
				always[arn] = true
			}
			got := w.allPages(t, in, func() {
				if chance.IntN(2) == 0 {
					start()
				} else {
					stop()
				}
				for arn := range always {
					if _, now := running[arn]; now != (in.DesiredStatus == "") {
						delete(always, arn)
					}
				}
			})
			if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
				t.Errorf("out of order or twice: %v", got)
			}
			for arn := range always {
				if !slices.Contains(got, arn) {
					t.Errorf("%s was there all the time and is not listed", arn)
				}
			}
		})
	}
}

func ofFamily(all map[string]string, family string) map[string]string {
	of := map[string]string{}
	for arn, f := range all {
		if f == family {
			of[arn] = f
		}
	}
	return of
}

// allPages lists page after page and lets things happen between them.
func (w *world) allPages(t *testing.T, in sdk.ListTasksInput, between func()) (all []string) {
	t.Helper()
	for {
		out, err := w.ListTasks(w.ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		if len(out.TaskArns) > int(*in.MaxResults) || out.NextToken != nil && len(out.TaskArns) < int(*in.MaxResults) {
			t.Fatalf("a page of %d with a token %v", len(out.TaskArns), out.NextToken)
		}
		all = append(all, out.TaskArns...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return all
		}
		between()
	}
}

func TestRefusedListsOfTasks(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	in := launch("web")
	in.Count = aws.Int32(2)
	w.run(in)
	first, err := w.ListTasks(w.ctx, &sdk.ListTasksInput{MaxResults: aws.Int32(1)})
	if err != nil || first.NextToken == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	me := aws.String("me")
	const alone = "InvalidParameterException: startedBy cannot be combined with any other filter."
	for _, c := range []struct {
		name string
		in   sdk.ListTasksInput
		want string
	}{
		{"desired status beside startedBy", sdk.ListTasksInput{StartedBy: me, DesiredStatus: types.DesiredStatusRunning}, "no error"},
		{"family beside startedBy", sdk.ListTasksInput{StartedBy: me, Family: me}, alone},
		{"service beside startedBy", sdk.ListTasksInput{StartedBy: me, ServiceName: me}, alone},
		{"launch type beside startedBy", sdk.ListTasksInput{StartedBy: me, LaunchType: types.LaunchTypeFargate}, alone},
		{"service", sdk.ListTasksInput{ServiceName: me}, "ServiceNotFoundException: Service not found."},
		{"container instance", sdk.ListTasksInput{ContainerInstance: me}, "InvalidParameterException: Container instance me was not found."},
		{"daemon", sdk.ListTasksInput{DaemonName: me}, "DaemonNotFoundException: Daemon not found."},
		{"empty filters", sdk.ListTasksInput{Family: aws.String(""), ServiceName: aws.String("")}, "no error"},
		{"cluster", sdk.ListTasksInput{Cluster: me}, "ClusterNotFoundException: Cluster not found."},
		{"status", sdk.ListTasksInput{DesiredStatus: "GONE"}, "InvalidParameterException: desired status should be one of [RUNNING,PENDING,STOPPED]"},
		{"page size", sdk.ListTasksInput{MaxResults: aws.Int32(101)}, "InvalidParameterException: maxResults should be between 1 and 100"},
		{"token", sdk.ListTasksInput{NextToken: me}, "InvalidParameterException: Invalid token in nextToken."},
		{"token of this question", sdk.ListTasksInput{NextToken: first.NextToken}, "no error"},
		{"token of another question", sdk.ListTasksInput{NextToken: first.NextToken, Family: aws.String("web")}, "InvalidParameterException: Invalid token in nextToken."},
		{"token where nothing can be", sdk.ListTasksInput{NextToken: me, DesiredStatus: types.DesiredStatusPending}, "InvalidParameterException: Invalid token in nextToken."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.ListTasks(w.ctx, &c.in)
			refused(t, err, c.want)
		})
	}
}
