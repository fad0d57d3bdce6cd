package ecs_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/reconcile"
)

func (a *account) reconcileDeletion(t *testing.T, key string) {
	t.Helper()
	if again, err := ecs.NewDeletion(a.st).Reconcile(a.ctx, key); again != 0 || err != nil {
		t.Errorf("again %v, %v", again, err)
	}
}

func TestDeregister(t *testing.T) {
	a := newAccount(t)
	a.register(t, ec2Definition("f"))
	for ref, want := range map[string]string{
		"":    "ClientException: Task Definition can not be blank.",
		"f":   "ClientException: Revision is missing.",
		"f:x": "InvalidParameterException: Invalid revision number. Number: x",
		"f:9": "ClientException: The specified task definition does not exist. Specify a valid account, family, revision and try again.",
	} {
		_, err := a.DeregisterTaskDefinition(a.ctx, &sdk.DeregisterTaskDefinitionInput{TaskDefinition: &ref})
		refused(t, err, want)
	}
	first := a.deregister(t, "f:1")
	if first.Status != types.TaskDefinitionStatusInactive || first.DeregisteredAt == nil {
		t.Errorf("deregistered: %+v", first)
	}
	if again := a.deregister(t, "f:1"); !again.DeregisteredAt.Equal(*first.DeregisteredAt) {
		t.Errorf("deregistered again at %v", again.DeregisteredAt)
	}
	a.deleteDefinitions(t, "f:1")
	_, err := a.DeregisterTaskDefinition(a.ctx, &sdk.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("f:1")})
	refused(t, err, "ClientException: The specified task definition is in the process of being deleted. Specify another task definition and try again.")
}

func TestDeleteTaskDefinitions(t *testing.T) {
	a := newAccount(t)
	a.register(t, ec2Definition("f"))
	a.register(t, ec2Definition("f"))
	a.deregister(t, "f:2")
	got := a.deleteDefinitions(t, "f:1", "f:2", "f:3", "f", "f:x")
	failure := func(ref, reason string) types.Failure {
		return types.Failure{Arn: aws.String(ref), Reason: aws.String(reason)}
	}
	want := []types.Failure{
		failure("f:1", "The specified task definition is still in ACTIVE status. Please deregister the target and try again."),
		failure("f:3", "The specified task definition does not exist. Specify a valid account, family, revision and try again."),
		failure("f", "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."),
		failure("f:x", "The specified task definition identifier is invalid. Specify a valid name or ARN and try again."),
	}
	if d := cmp.Diff(want, got.Failures, smithyEqual); d != "" {
		t.Error(d)
	}
	if len(got.TaskDefinitions) != 1 || got.TaskDefinitions[0].Status != types.TaskDefinitionStatusDeleteInProgress || got.TaskDefinitions[0].DeleteRequestedAt == nil {
		t.Errorf("deleting: %+v", got.TaskDefinitions)
	}
	if d := a.describe(t, "f:2"); d.Status != types.TaskDefinitionStatusDeleteInProgress {
		t.Errorf("on its way it is %s", d.Status)
	}
	_, err := a.DeleteTaskDefinitions(a.ctx, &sdk.DeleteTaskDefinitionsInput{})
	refused(t, err, "InvalidParameterException: size of TaskDefinition references list must be greater than 0")
	_, err = a.DeleteTaskDefinitions(a.ctx, &sdk.DeleteTaskDefinitionsInput{TaskDefinitions: make([]string, 11)})
	refused(t, err, "InvalidParameterException: Size of TaskDefinition references list cannot exceed 10")
}

// A deleted definition stays as long as a task uses it and goes when the task
// has stopped, by the change feed alone.
func TestDeletionFollowsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		used, unused := a.register(t, ec2Definition("used")), a.register(t, ec2Definition("unused"))
		_, stop := a.startTask(t, "default", *used.TaskDefinitionArn, "")
		ctx, cancel := context.WithCancel(a.ctx)
		done := make(chan error, 1)
		d := ecs.NewDeletion(a.st)
		go func() {
			done <- reconcile.Run(ctx, a.st, d, reconcile.Options{
				Name: "deletion", Kinds: d.Kinds(), Keys: d.Dirty, List: d.List, Resync: 24 * time.Hour, Log: zerolog.Nop(),
			})
		}()
		for _, ref := range []string{"used:1", "unused:1"} {
			a.deregister(t, ref)
		}
		a.deleteDefinitions(t, "used:1", "unused:1")
		synctest.Wait()
		_, err := a.DescribeTaskDefinition(a.ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: unused.TaskDefinitionArn})
		refused(t, err, "ClientException: Unable to describe task definition.")
		if got := a.describe(t, "used:1"); got.Status != types.TaskDefinitionStatusDeleteInProgress {
			t.Errorf("the used one is %s", got.Status)
		}
		stop()
		synctest.Wait()
		_, err = a.DescribeTaskDefinition(a.ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: used.TaskDefinitionArn})
		refused(t, err, "ClientException: Unable to describe task definition.")
		cancel()
		<-done
	})
}
