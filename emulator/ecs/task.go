package ecs

import (
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file holds the record of a task. What is true of a running task (its
// status, address, exit codes) is in its sandbox's record; task_view.go makes
// a types.Task of the two.

// Task is what RunTask has decided. Nothing in it changes but Tags.
type Task struct {
	ARN           string
	ID            string // of the sandbox as well
	Account       string
	Region        string
	Cluster       string // ARN
	ClusterName   string
	Definition    string // ARN
	Family        string
	Revision      int32
	Group         string
	StartedBy     string
	ReferenceID   string
	LaunchType    types.LaunchType
	Provider      string // capacity provider, when it was a strategy that chose
	Platform      string // 1.4.0
	Architecture  string // x86_64 or arm64
	CPU           string // units, after overrides
	Memory        string // MiB, after overrides
	StorageGiB    int32
	StorageGiven  bool
	Overrides     types.TaskOverride
	Containers    []TaskContainer
	Interface     Interface
	TaskRole      string // ARN, after overrides; "" when it has none
	ExecutionRole string
	ExecEnabled   bool
	FaultsEnabled bool
	Tags          []types.Tag
	CreatedAt     time.Time
}

// TaskContainer is a container of a task.
type TaskContainer struct {
	Name, ARN, Image string
	CPU              string // units, "0" when unset
	Memory           string // MiB, "" when unset
	Reservation      string // MiB, "" when unset
	RuntimeID        string // <task id>-<10 digits>, as on Fargate
	LogDriver        string
	LogOptions       map[string]string
	Labels           map[string]string
	EnvFiles         bool
}

// Interface is the task's elastic network interface.
type Interface struct {
	Attachment string // UUID
	ID         string // eni-…
	Subnet     string
	SubnetCIDR string
	VPC        string
	Zone       string
	ZoneID     string
	Groups     []SecurityGroup
	Public     bool
}

var tasks = store.NewTable[Task]("ecs/task",
	store.By("cluster", func(_ string, t *Task) []string { return []string{t.Cluster} }),
	store.By("scope", func(_ string, t *Task) []string { return []string{t.Account + "/" + t.Region} }),
	store.By("family", func(_ string, t *Task) []string { return []string{t.Cluster + " " + t.Family} }),
	store.By("startedBy", func(_ string, t *Task) []string {
		if t.StartedBy == "" {
			return nil
		}
		return []string{t.Cluster + " " + t.StartedBy}
	}),
	store.By("definition", func(_ string, t *Task) []string { return []string{t.Definition} }),
)

// container finds a container of the task by name.
func (t *Task) container(name string) *TaskContainer {
	i := slices.IndexFunc(t.Containers, func(c TaskContainer) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Containers[i]
}

// familyRevision is the task definition as "family:revision".
func (t *Task) familyRevision() string { return t.Family + ":" + strconv.Itoa(int(t.Revision)) }

// pairOf returns a task's record together with its sandbox's.
func pairOf(tx *store.Tx, arn string) (store.Record[Task], *sandbox.Sandbox, error) {
	t, err := tasks.Get(tx, arn)
	if err != nil {
		return t, nil, err
	}
	s, err := sandbox.Get(tx, t.Value.ID)
	if err != nil {
		return t, nil, err
	}
	return t, s, nil
}
