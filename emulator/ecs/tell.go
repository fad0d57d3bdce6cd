package ecs

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file puts a change of the feed into words, for `neargate why`.

// Tell says what a change did, in a few words each. Changes of kinds that it
// does not know are told by the members that differ.
func Tell(c store.Change) []string {
	switch {
	case c.After == nil:
		return []string{"removed"}
	case c.Kind == sandbox.Sandboxes.Kind():
		return tellOf(c, tellSandbox)
	case c.Kind == tasks.Kind():
		return tellOf(c, tellTask)
	case c.Kind == clusters.Kind():
		return tellOf(c, tellCluster)
	case c.Kind == taskDefinitions.Kind():
		return tellOf(c, tellDefinition)
	}
	return tellMembers(c)
}

// tellOf decodes both sides of a change; before is nil for a new record.
func tellOf[T any](c store.Change, tell func(before, after *T) []string) []string {
	var before, after *T
	if c.Before != nil {
		before = new(T)
		if json.Unmarshal(c.Before, before) != nil {
			return tellMembers(c)
		}
	}
	after = new(T)
	if json.Unmarshal(c.After, after) != nil {
		return tellMembers(c)
	}
	if words := tell(before, after); len(words) > 0 {
		return words
	}
	return tellMembers(c)
}

func tellSandbox(before, after *sandbox.Sandbox) []string {
	if before == nil {
		return []string{sandbox.LastStatus(after)}
	}
	var words []string
	if was, is := sandbox.LastStatus(before), sandbox.LastStatus(after); was != is {
		words = append(words, is)
	}
	if after.Desired.Stopped && !before.Desired.Stopped {
		words = append(words, fmt.Sprintf("to be stopped: %s (%s)", after.Desired.Reason, after.Desired.Code))
	}
	if a := after.Status.Address; a != nil && before.Status.Address == nil {
		words = append(words, "address "+a.IP)
		if a.Public != "" {
			words = append(words, "public address "+a.Public)
		}
	}
	words = append(words, tellTrouble(&before.Status, &after.Status)...)
	for _, n := range after.Status.Notes {
		if !slices.Contains(before.Status.Notes, n) {
			words = append(words, "note: "+n)
		}
	}
	return append(words, tellContainers(before, after)...)
}

func tellTrouble(before, after *sandbox.Status) []string {
	switch {
	case after.Trouble == "" && before.Trouble != "":
		return []string{"no trouble any more"}
	case after.Trouble != "" && after.Trouble != before.Trouble:
		return []string{"trouble: " + after.Trouble}
	case after.Trouble != "" && after.Tries != before.Tries:
		return []string{fmt.Sprintf("the same trouble at try %d", after.Tries)}
	}
	return nil
}

func tellContainers(before, after *sandbox.Sandbox) []string {
	var words []string
	for i := range after.Status.Containers {
		is := &after.Status.Containers[i]
		was := &sandbox.ContainerStatus{}
		if found := containerStatus(before, is.Name); found != nil {
			was = found
		}
		if was.State != is.State && is.State != "" {
			words = append(words, tellState(is))
		}
		if was.Health != is.Health && is.Health != "" && is.Health != sandbox.HealthUnknown {
			words = append(words, is.Name+" "+string(is.Health))
		}
	}
	return words
}

func tellState(c *sandbox.ContainerStatus) string {
	words := c.Name + " " + string(c.State)
	if c.State == sandbox.ContainerStopped && c.ExitCode != nil {
		words += fmt.Sprintf(" (exit code %d)", *c.ExitCode)
	}
	if c.Reason != "" {
		words += ": " + c.Reason
	}
	return words
}

func tellTask(before, after *Task) []string {
	if before == nil {
		return []string{fmt.Sprintf("task of %s in %s", after.familyRevision(), after.Interface.Subnet)}
	}
	return []string{fmt.Sprintf("%d tags", len(after.Tags))}
}

func tellCluster(before, after *Cluster) []string {
	if before == nil || aws.ToString(before.Status) != aws.ToString(after.Status) {
		return []string{"cluster " + aws.ToString(after.Status)}
	}
	return nil
}

func tellDefinition(before, after *TaskDefinition) []string {
	if before == nil || before.Definition.Status != after.Definition.Status {
		return []string{"task definition " + string(after.Definition.Status)}
	}
	return nil
}

// tellMembers names the members of the record that differ, those that came and
// went included, by name.
func tellMembers(c store.Change) []string {
	if c.Before == nil {
		return []string{"created"}
	}
	var before, after map[string]any
	if json.Unmarshal(c.Before, &before) != nil || json.Unmarshal(c.After, &after) != nil {
		return []string{"changed"}
	}
	names := map[string]bool{}
	for name, value := range after {
		if was, ok := before[name]; !ok || !reflect.DeepEqual(was, value) {
			names[name] = true
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			names[name] = true
		}
	}
	return []string{"changed " + strings.Join(slices.Sorted(maps.Keys(names)), ", ")}
}
