package ecs

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file holds the record of a task and how one is found. What is true of
// a running task (its status, address, exit codes) is in its sandbox's record;
// task_view.go makes a types.Task of the two.

// Task is what RunTask has decided. Nothing in it changes but Tags. What the
// sandbox's spec says as well (environment, labels, ports) is only there.
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
	StartedBy     string `json:",omitempty"`
	ReferenceID   string `json:",omitempty"`
	LaunchType    types.LaunchType
	Provider      string `json:",omitempty"` // capacity provider, when it was a strategy that chose
	Platform      string // 1.4.0
	Architecture  string // x86_64 or arm64
	CPU           string // units, after overrides
	Memory        string // MiB, after overrides
	StorageGiB    int32
	Overrides     *types.TaskOverride `json:",omitempty"` // as given
	Containers    []TaskContainer
	Interface     Interface
	TaskRole      string      `json:",omitempty"` // ARN, after overrides; "" when it has none
	Credentials   string      `json:",omitempty"` // UUID under which its containers find the role's credentials
	ExecEnabled   bool        `json:",omitempty"`
	FaultsEnabled bool        `json:",omitempty"`
	Tags          []types.Tag `json:",omitempty"`
	CreatedAt     time.Time
}

// TaskContainer is a container of a task.
type TaskContainer struct {
	Name, ARN, Image string
	CPU              string // units, "0" when unset
	Memory           string `json:",omitempty"` // MiB, "" when unset
	Reservation      string `json:",omitempty"` // MiB, "" when unset
	RuntimeID        string // <task id>-<10 digits>, as on Fargate
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
	Public     bool `json:",omitempty"`
}

var tasks = store.NewTable[Task]("ecs/task",
	store.By("cluster", func(_ string, t *Task) []string { return []string{t.Cluster} }),
	store.By("family", func(_ string, t *Task) []string { return []string{t.Cluster + " " + t.Family} }),
	store.By("startedBy", func(_ string, t *Task) []string {
		if t.StartedBy == "" {
			return nil
		}
		return []string{t.Cluster + " " + t.StartedBy}
	}),
	store.By("definition", func(_ string, t *Task) []string { return []string{t.Definition} }),
)

// familyRevision is the task definition as "family:revision".
func (t *Task) familyRevision() string { return t.Family + ":" + strconv.Itoa(int(t.Revision)) }

// look reads a task and its sandbox. Both are shared with all readers: nobody
// may write into them.
func look(tx *store.Tx, arn string) (*Task, *sandbox.Sandbox, error) {
	t, _, err := tasks.Peek(tx, arn)
	if err != nil {
		return nil, nil, err
	}
	s, err := sandbox.Get(tx, t.ID)
	return t, s, err
}

// pairOf reads a task, to be changed, together with its sandbox.
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

// taskARN is the ARN of a task of a cluster by its id.
func taskARN(call apiwire.Call, cluster, id string) string {
	return call.ARN("ecs", "task/"+cluster+"/"+id)
}

// isTask tells whether the owner of a sandbox is a task.
func isTask(owner string) bool { return strings.Contains(owner, ":task/") }

// Lengths of a task's id, in the format of today and in that of old.
const (
	taskIDLength    = 32
	oldTaskIDLength = 36
)

// checkTaskRef refuses what is neither the ARN of a task nor, by its length,
// a task's id.
func checkTaskRef(ref string) error {
	if !apiwire.IsARN(ref) {
		if len(ref) != taskIDLength && len(ref) != oldTaskIDLength {
			return invalid("taskId length should be one of [%d,%d]", taskIDLength, oldTaskIDLength)
		}
		return nil
	}
	arn, err := apiwire.ParseARN(ref)
	if err != nil || arn.Service != "ecs" || !strings.HasPrefix(arn.Resource, "task/") {
		return invalid("Invalid identifier: %s", ref)
	}
	return nil
}

// taskIn returns the ARN that a task argument (id or ARN) means within a
// cluster. An ARN of another cluster is an error; whether the task exists is
// not looked at.
func taskIn(call apiwire.Call, c *Cluster, ref string) (string, error) {
	if err := checkTaskRef(ref); err != nil {
		return "", err
	}
	name := aws.ToString(c.ClusterName)
	if !apiwire.IsARN(ref) {
		return taskARN(call, name, ref), nil
	}
	if of := strings.Split(ref, "/"); len(of) == 3 && of[1] != name {
		return "", invalid("Invalid identifier: Identifier is for cluster %s. Your cluster is %s", of[1], name)
	}
	return ref, nil
}
