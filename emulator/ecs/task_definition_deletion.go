package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// Deletion removes task definitions that are DELETE_IN_PROGRESS as soon as
// nothing uses them. It is a reconcile.Controller over the ARNs of task
// definitions.
type Deletion struct{ store *store.Store }

// NewDeletion returns the controller.
func NewDeletion(st *store.Store) *Deletion { return &Deletion{store: st} }

// definitionUsers tell whether something still uses a task definition.
// Whatever can adds a function.
var definitionUsers = []func(tx *store.Tx, definition string) (bool, error){tasksUse}

// Kinds are the kinds of records whose changes concern it.
func (*Deletion) Kinds() []string { return []string{taskDefinitions.Kind(), sandbox.Sandboxes.Kind()} }

// Dirty lists what a change may have made deletable: the definition itself,
// or, by the ARN of the task, the one that a stopped task was started from.
func (*Deletion) Dirty(c store.Change) []string {
	if c.After == nil {
		return nil
	}
	if c.Kind == taskDefinitions.Kind() {
		return []string{c.Key}
	}
	// A body that cannot be read dirties nothing: the next listing finds it.
	var s struct{ Spec struct{ Owner string } }
	if !sandbox.StoppedBy(c) || json.Unmarshal(c.After, &s) != nil || !strings.Contains(s.Spec.Owner, ":task/") {
		return nil
	}
	return []string{s.Spec.Owner}
}

// List lists the definitions that wait for their end.
func (*Deletion) List(tx *store.Tx) iter.Seq2[string, error] {
	return taskDefinitions.Keys(tx, "deleting", "yes", store.Range{})
}

// Reconcile removes a definition when that is due. The key may be the ARN of a
// task: then it is about the definition that the task was started from.
func (d *Deletion) Reconcile(ctx context.Context, key string) (again time.Duration, err error) {
	var due bool
	err = d.store.View(ctx, func(tx *store.Tx) (err error) {
		if key, err = definitionOf(tx, key); err == nil {
			due, err = deletable(tx, key)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	if err != nil || !due {
		return 0, err
	}
	return 0, d.store.Update(ctx, "controller/ecs-task-definition", func(tx *store.Tx) error {
		due, err := deletable(tx, key)
		if err != nil || !due {
			return ignore(err, store.ErrNotFound)
		}
		return taskDefinitions.Delete(tx, key)
	})
}

// ignore makes a wanted error nil.
func ignore(err, wanted error) error {
	if errors.Is(err, wanted) {
		return nil
	}
	return err
}

func definitionOf(tx *store.Tx, key string) (string, error) {
	if !strings.Contains(key, ":task/") {
		return key, nil
	}
	t, err := tasks.Get(tx, key)
	return t.Value.Definition, err
}

func deletable(tx *store.Tx, arn string) (bool, error) {
	r, err := taskDefinitions.Get(tx, arn)
	if err != nil {
		return false, err
	}
	used := false
	for _, uses := range definitionUsers {
		one, err := uses(tx, arn)
		if err != nil {
			return false, err
		}
		used = used || one
	}
	return gone(r.Value.Definition.Status, used), nil
}

// gone says that a definition has reached its end.
func gone(status types.TaskDefinitionStatus, used bool) bool {
	return status == types.TaskDefinitionStatusDeleteInProgress && !used
}
