package emulator_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/fixtures"
)

// empty fails unless nothing is left: no record that a client could see and
// no sandbox.
func (s *site) empty(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	if got := get[emulator.Status](t, s, "/_neargate/status").Clusters; len(got) != 0 {
		t.Errorf("clusters are left: %+v", got)
	}
	if ids := s.sandboxes(t); len(ids) != 0 {
		t.Errorf("sandboxes are left: %v", ids)
	}
	definitions, err := s.ecs().ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{})
	if err != nil || len(definitions.TaskDefinitionArns) != 0 {
		t.Errorf("definitions are left: %+v, %v", definitions, err)
	}
	groups, err := cloudwatchlogs.NewFromConfig(s.cfg).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(groups.LogGroups) != 0 {
		t.Errorf("log groups are left: %+v, %v", groups, err)
	}
	users, err := iam.NewFromConfig(s.cfg).ListUsers(ctx, &iam.ListUsersInput{})
	if err != nil || len(users.Users) != 0 {
		t.Errorf("users are left: %+v, %v", users, err)
	}
}

func TestReset(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	for round := range 3 { // the same names can be used again
		task := s.run(t, logged(fixtures.TaskDefinition("web", "nginx", "FAKE_STDOUT=hello"), "/ecs/web"))[0]
		if _, err := iam.NewFromConfig(s.cfg).CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("ann")}); err != nil {
			t.Fatal(err)
		}
		s.running(t, task)
		if status, vpc := s.ec2(t, "CreateVpc", "CidrBlock", "10.9.0.0/16"); status != http.StatusOK {
			t.Fatal(vpc)
		}
		if aws.ToString(task.TaskDefinitionArn) != "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1" {
			t.Errorf("round %d: revisions go on counting: %s", round, *task.TaskDefinitionArn)
		}
		a, body := s.send(t, http.MethodPost, "/_neargate/reset")
		if a.StatusCode != http.StatusOK || !strings.Contains(body, `"reset":true`) {
			t.Fatalf("reset: %s, %s", a.Status, body)
		}
		s.empty(t)
		if _, vpcs := s.ec2(t, "DescribeVpcs"); strings.Contains(vpcs, "10.9.0.0/16") {
			t.Errorf("a VPC is left: %s", vpcs)
		}
	}
	if a, _ := s.send(t, http.MethodPost, "/_neargate/reset"); a.StatusCode != http.StatusOK {
		t.Errorf("a reset of nothing: %s", a.Status)
	}
	s.empty(t)
}

// TestResetWhileBusy: tasks are being started by several clients and the
// engine is in the middle of all kinds of work when everything is reset, by
// two at once. Whatever was answered before is gone; whatever comes after
// works.
func TestResetWhileBusy(t *testing.T) {
	s := open(t)
	ctx, stop := context.WithCancel(context.Background())
	var clients, resets sync.WaitGroup
	started := make(chan struct{}, 1000)
	definition := s.prepare(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=1ms", "FAKE_START_AFTER=1ms", "FAKE_STOP_FOR=1h"))
	in := s.fargate(t, definition, func(in *ecs.RunTaskInput) { in.Count = aws.Int32(5) })
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				once := *in // the client puts a token in
				_, err := s.ecs().RunTask(ctx, &once)
				var refusal smithy.APIError
				switch {
				case err == nil:
					select {
					case started <- struct{}{}:
					default:
					}
				case ctx.Err() != nil:
				case !errors.As(err, &refusal) || refusal.ErrorFault() == smithy.FaultServer:
					t.Errorf("RunTask beside a reset: %v", err)
					return
				default: // cluster and definition are gone
					return
				}
			}
		})
	}
	for range 20 {
		<-started
	}
	for range 2 {
		resets.Go(func() {
			if a, body := s.send(t, http.MethodPost, "/_neargate/reset"); a.StatusCode != http.StatusOK {
				t.Errorf("reset: %s %s", a.Status, body)
			}
		})
	}
	resets.Wait()
	s.empty(t)
	clients.Wait()
	stop()
	s.empty(t)
	s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
}

// TestResetKeepsWhatComesAfter: a task that is started while a reset is at
// work on the runtime is not lost to it.
func TestResetKeepsWhatComesAfter(t *testing.T) {
	s := open(t)
	for range 20 {
		s.run(t, fixtures.TaskDefinition("old", "nginx"), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(10) })
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.send(t, http.MethodPost, "/_neargate/reset")
	}()
	for { // until the records are gone
		out, err := s.ecs().DescribeClusters(context.Background(), &ecs.DescribeClustersInput{})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Clusters) == 0 {
			break
		}
	}
	task := s.run(t, fixtures.TaskDefinition("new", "nginx"))[0]
	<-done
	if got := s.running(t, task); aws.ToString(got.LastStatus) != "RUNNING" {
		t.Errorf("the new task is %s: %s", *got.LastStatus, aws.ToString(got.StoppedReason))
	}
	if got := s.sandboxes(t); len(got) != 1 || got[0] != id(task) {
		t.Errorf("sandboxes: %v, want only %s", got, id(task))
	}
}

// TestResetWithoutRuntime: what cannot be removed is told, and removed when
// the runtime is back.
func TestResetWithoutRuntime(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		s.running(t, s.run(t, fixtures.TaskDefinition("web", "nginx"))[0])
		s.fake.Away(true)
		if r := refused(t, s, http.MethodPost, "/_neargate/reset", http.StatusServiceUnavailable); !strings.Contains(r.Error, "away") {
			t.Errorf("refusal: %+v", r)
		}
		if got := get[emulator.Status](t, s, "/_neargate/status").Clusters; len(got) != 0 {
			t.Errorf("clusters are left: %+v", got)
		}
		s.fake.Away(false)
		if len(s.sandboxes(t)) != 1 {
			t.Fatal("the sandbox went away with the runtime")
		}
		time.Sleep(time.Minute) // virtual
		s.empty(t)
	})
}

// TestResetOfAClientThatLeaves: it is done to its end all the same.
func TestResetOfAClientThatLeaves(t *testing.T) {
	bubble(t, func(*emulator.Config) {}, func(t *testing.T, s *site) {
		for range 5 {
			s.run(t, fixtures.TaskDefinition("web", "nginx"), func(in *ecs.RunTaskInput) { in.Count = aws.Int32(10) })
		}
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/_neargate/reset", nil)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(0, leave)
		if a, err := s.client.Do(r); err == nil {
			a.Body.Close()
		}
		time.Sleep(time.Second) // virtual: until nothing moves any more
		if left := get[emulator.Status](t, s, "/_neargate/status").Clusters; len(left) == 0 {
			s.empty(t) // records and sandboxes go together
		} else if len(left[0].Tasks) != 50 {
			t.Errorf("a reset halfway: %+v", left)
		}
	})
}

// TestInstantBesideReset: a call that waits for its effect is answered when
// that can never come.
func TestInstantBesideReset(t *testing.T) {
	s := open(t, fixtures.WithInstantTiming())
	in := s.fargate(t, s.prepare(t, fixtures.TaskDefinition("web", "nginx", "FAKE_PULL_FOR=1h")))
	answered := make(chan error, 1)
	feed := s.follow(t, "kind=sandbox")
	go func() {
		_, err := s.ecs().RunTask(context.Background(), in, func(o *ecs.Options) { o.RetryMaxAttempts = 1 })
		answered <- err
	}()
	feed.next(t)
	if a, body := s.send(t, http.MethodPost, "/_neargate/reset"); a.StatusCode != http.StatusOK {
		t.Fatalf("reset: %s %s", a.Status, body)
	}
	if err := <-answered; err != nil {
		t.Errorf("RunTask: %v", err)
	}
	s.empty(t)
}
