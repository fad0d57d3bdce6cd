package ecs

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of a task definition and how one is found. Making
// one is in task_definition_register.go, showing in task_definition_read.go,
// its end in task_definition_delete.go.

// TaskDefinition is one revision of a family, whole, as it was registered and
// with AWS's defaults filled in.
type TaskDefinition struct {
	Definition types.TaskDefinition
	Tags       []types.Tag
	Scope      string // account/region
}

var taskDefinitions = store.NewTable[TaskDefinition]("ecs/task-definition",
	store.By("family", func(_ string, d *TaskDefinition) []string {
		return []string{familyKey(d.Scope, aws.ToString(d.Definition.Family))}
	}),
	store.By("familyStatus", func(_ string, d *TaskDefinition) []string {
		return []string{familyKey(d.Scope, aws.ToString(d.Definition.Family)) + " " + string(d.Definition.Status)}
	}),
	store.By("status", func(_ string, d *TaskDefinition) []string {
		return []string{d.Scope + " " + string(d.Definition.Status)}
	}),
	store.By("deleting", func(_ string, d *TaskDefinition) []string {
		if d.Definition.Status != types.TaskDefinitionStatusDeleteInProgress {
			return nil
		}
		return []string{"yes"}
	}),
)

// Family remembers the last revision of a family, for ever: numbers of deleted
// revisions are never given again.
type Family struct {
	Scope    string // account/region
	Name     string
	Revision int32
}

var families = store.NewTable[Family]("ecs/task-definition-family")

func familyKey(scope, family string) string { return scope + " " + family }

// taskDefinition finds a revision by "family" (the newest ACTIVE one),
// "family:revision" or ARN, whatever its status. It returns errNoTaskDefinition
// when there is none and InvalidParameterException for a revision that is not
// a number.
func (a *API) taskDefinition(tx *store.Tx, call apiwire.Call, ref string) (*TaskDefinition, error) {
	d, err := a.lookDefinition(tx, call, ref)
	if err != nil {
		return nil, err
	}
	r, err := taskDefinitions.Get(tx, *d.Definition.TaskDefinitionArn)
	return &r.Value, err
}

// lookDefinition is taskDefinition for whoever only reads: what it returns is
// shared with all readers, and nobody may write into it.
func (a *API) lookDefinition(tx *store.Tx, call apiwire.Call, ref string) (*TaskDefinition, error) {
	f, err := parseFamily(call, ref)
	if err != nil {
		return nil, err
	}
	arn := definitionARN(call, f.family, f.revision)
	if f.revision == 0 {
		if arn, err = newestActive(tx, call, f.family); err != nil {
			return nil, err
		}
	}
	d, _, err := taskDefinitions.Peek(tx, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoTaskDefinition
	}
	return d, err
}

// familyRef is a reference to a task definition; revision 0 means the newest.
type familyRef struct {
	family   string
	revision int32
}

func parseFamily(call apiwire.Call, ref string) (familyRef, error) {
	name, err := nameOf(call, "task-definition", ref)
	if err != nil {
		return familyRef{}, err
	}
	family, number, numbered := strings.Cut(name, ":")
	if !numbered {
		return familyRef{family: family}, nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return familyRef{}, invalid("Invalid revision number. Number: %s", number)
	}
	return familyRef{family, int32(n)}, nil
}

func definitionARN(call apiwire.Call, family string, revision int32) string {
	return call.ARN("ecs", "task-definition/"+family+":"+strconv.Itoa(int(revision)))
}

// revisionOf is the number at the end of a task definition's ARN.
func revisionOf(arn string) int {
	n, err := strconv.Atoi(arn[strings.LastIndexByte(arn, ':')+1:])
	if err != nil {
		return 0
	}
	return n
}

// familyOf is the family in a task definition's ARN.
func familyOf(arn string) string {
	return arn[strings.LastIndexByte(arn, '/')+1 : strings.LastIndexByte(arn, ':')]
}

// newestActive finds the ARN of a family's ACTIVE revision with the highest
// number.
func newestActive(tx *store.Tx, call apiwire.Call, family string) (string, error) {
	newest := ""
	value := familyKey(call.Scope(), family) + " " + string(types.TaskDefinitionStatusActive)
	for arn, err := range taskDefinitions.Keys(tx, "familyStatus", value, store.Range{}) {
		if err != nil {
			return "", err
		}
		if newest == "" || revisionOf(arn) > revisionOf(newest) {
			newest = arn
		}
	}
	if newest == "" {
		return "", errNoTaskDefinition
	}
	return newest, nil
}
