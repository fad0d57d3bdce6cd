package ecs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers Neargate's own questions, across accounts and regions:
// `neargate status` and what `neargate why` and `neargate logs` refer to.

// ClusterOverview is one cluster with the tasks that have not stopped.
type ClusterOverview struct {
	Name    string         `json:"name"`
	Account string         `json:"account"`
	Region  string         `json:"region"`
	Tasks   []TaskOverview `json:"tasks"`
	Stopped int            `json:"stopped"`
}

// TaskOverview is one line about a task.
type TaskOverview struct {
	ID         string   `json:"id"`
	Status     string   `json:"status"`
	Definition string   `json:"definition"` // family:revision
	Address    string   `json:"address"`
	Public     string   `json:"public,omitempty"`
	Why        []string `json:"why,omitempty"`
}

// Overview lists the ACTIVE clusters in the order of their ARNs.
func Overview(tx *store.Tx) ([]ClusterOverview, error) {
	list := []ClusterOverview{}
	at := map[string]int{}
	for c, err := range clusters.All(tx, store.Range{}) {
		if err != nil {
			return nil, err
		}
		if !c.Value.active() {
			continue
		}
		counts, err := sandbox.CountByStatus(tx, c.Key)
		if err != nil {
			return nil, err
		}
		account, region, _ := strings.Cut(c.Value.Scope, "/")
		at[c.Key] = len(list)
		list = append(list, ClusterOverview{
			Name: aws.ToString(c.Value.ClusterName), Account: account, Region: region,
			Tasks: []TaskOverview{}, Stopped: counts[sandbox.Stopped],
		})
	}
	return list, addTasks(tx, list, at)
}

func addTasks(tx *store.Tx, list []ClusterOverview, at map[string]int) error {
	for s, err := range sandbox.Live(tx) {
		if err != nil {
			return err
		}
		i, ok := at[s.Spec.Group]
		if !ok {
			continue
		}
		t, _, err := tasks.Peek(tx, s.Spec.Owner)
		if err != nil {
			return err
		}
		one := TaskOverview{ID: t.ID, Status: sandbox.LastStatus(s), Definition: t.familyRevision(), Why: sandbox.Why(s)}
		if a := s.Status.Address; a != nil {
			one.Address, one.Public = a.IP, a.Public
		}
		list[i].Tasks = append(list[i].Tasks, one)
	}
	return nil
}

// ErrAmbiguous says that a reference may mean several things.
var ErrAmbiguous = errors.New("that may mean several tasks")

// Keys finds the keys of the records that a person may mean by ref: a cluster
// by name, a task by id or the beginning of one, a definition by
// family:revision. Account and region are looked at first, then all others. It
// is ErrAmbiguous when several tasks could be meant.
func Keys(tx *store.Tx, account, region, ref string) ([]string, error) {
	home := apiwire.Call{Account: account, Region: region, Partition: apiwire.PartitionOf(region)}
	cluster, definition := clusterARN(home, ref), home.ARN("ecs", "task-definition/"+ref)
	if found, err := there(clusters.Get(tx, cluster)); found || err != nil {
		return []string{cluster}, err
	}
	if found, err := there(taskDefinitions.Get(tx, definition)); found || err != nil {
		return []string{definition}, err
	}
	return taskKeys(tx, ref)
}

// there tells whether a record was found.
func there[T any](_ store.Record[T], err error) (bool, error) {
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// minPrefix is how many digits of a task's id name it at least.
const minPrefix = 4

func taskKeys(tx *store.Tx, ref string) ([]string, error) {
	id := idOf(ref)
	if len(id) < minPrefix {
		return nil, nil
	}
	var found []string
	for key, err := range sandbox.Sandboxes.Keys(tx, "", "", store.Range{Prefix: id, Limit: 2}) {
		if err != nil {
			return nil, err
		}
		found = append(found, key)
	}
	switch len(found) {
	case 0:
		return nil, nil
	case 2:
		return nil, fmt.Errorf("%w: the ids of several tasks begin with %s, such as %s and %s", ErrAmbiguous, id, found[0], found[1])
	}
	s, err := sandbox.Get(tx, found[0])
	if err != nil {
		return nil, err
	}
	return []string{s.Spec.Owner, found[0]}, nil
}

// DefinitionOf returns the task definition that a key names, directly or as
// the one of a task; nil when it names neither.
func DefinitionOf(tx *store.Tx, key string) (*types.TaskDefinition, error) {
	if t, _, err := tasks.Peek(tx, key); err == nil {
		key = t.Definition
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	d, _, err := taskDefinitions.Peek(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &d.Definition, nil
}

// IneffectiveOf names, in plain words, everything that was accepted and has no
// effect in what a key names: a task definition, or a task with its own.
func IneffectiveOf(tx *store.Tx, key string) ([]string, error) {
	d, err := DefinitionOf(tx, key)
	if err != nil || d == nil {
		return nil, err
	}
	list := Ineffective(d)
	t, _, err := tasks.Peek(tx, key)
	if errors.Is(err, store.ErrNotFound) {
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	return append(list, ineffectiveOfRun(t)...), nil
}

// ineffectiveOfRun is about what RunTask was asked for beside the definition.
func ineffectiveOfRun(t *Task) (list []string) {
	for _, row := range []struct {
		given bool
		text  string
	}{
		{t.ExecEnabled, "enableExecuteCommand: there is no ECS Exec: no agent runs in the task, ExecuteCommand is not available"},
		{t.Provider == string(types.CapacityProviderTypeFargateSpot), "capacityProviderStrategy[FARGATE_SPOT]: the task is never interrupted"},
		{t.Platform == platformBefore, "platformVersion: the task runs as on " + platformLatest},
		{t.ReferenceID != "", "referenceId: it is kept, but nothing shows it"},
	} {
		if row.given {
			list = append(list, row.text)
		}
	}
	return list
}

// SandboxOf finds the sandbox of the task that ref means, and the names of its
// containers, all of them or the one that is asked for.
func SandboxOf(tx *store.Tx, ref, container string) (id string, names []string, err error) {
	keys, err := taskKeys(tx, ref)
	if err != nil {
		return "", nil, err
	}
	if len(keys) == 0 {
		return "", nil, store.ErrNotFound
	}
	t, _, err := tasks.Peek(tx, keys[0])
	if err != nil {
		return "", nil, err
	}
	for _, c := range t.Containers {
		names = append(names, c.Name)
	}
	if container == "" {
		return t.ID, names, nil
	}
	if !slices.Contains(names, container) {
		return "", names, store.ErrNotFound
	}
	return t.ID, []string{container}, nil
}
