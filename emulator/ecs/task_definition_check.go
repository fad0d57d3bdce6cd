package ecs

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file lists, in order, everything that RegisterTaskDefinition refuses,
// and holds the rules about the definition as a whole. Those about containers
// are in the container_definition_*.go files, about volumes in
// task_definition_volume.go, about Fargate in task_definition_fargate.go.

// definitionRule looks at one thing of a definition and returns ECS's refusal,
// nil when all is well. Defaults are not filled in yet.
type definitionRule func(d *types.TaskDefinition) error

// containerRule does so for one of its containers. c has a name and an image.
type containerRule func(d *types.TaskDefinition, c *types.ContainerDefinition) error

// Rules further down may rely on those before them.
var definitionRules = []definitionRule{
	ruleFamily, ruleContainerCount, ruleContainerNames, ruleTaskEnums, ruleUniqueContainers, ruleEssential,
	ruleTaskCPU, ruleTaskMemory, ruleTaskStorage, ruleConstraints,
	ruleFargate, ruleOtherLaunchTypes,
	ruleVolumes, eachContainer, ruleLaunchVolumes,
	ruleUniquePorts, ruleUniquePortNames, ruleDependencyCycle, ruleOneRouter, ruleProxy, ruleFaultInjection,
	ruleSumOfCPU, ruleDocumentSize,
}

// checkDefinition returns the first refusal of a definition.
func checkDefinition(d *types.TaskDefinition) error {
	for _, rule := range definitionRules {
		if err := rule(d); err != nil {
			return err
		}
	}
	return nil
}

// eachContainer applies the rules about containers.
func eachContainer(d *types.TaskDefinition) error {
	for i := range d.ContainerDefinitions {
		for _, rule := range containerRules {
			if err := rule(d, &d.ContainerDefinitions[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	maxContainers  = 10
	maxDefinition  = 65536 // bytes of JSON
	maxExpression  = 2000  // characters of a placement constraint
	minTaskCPU     = 128   // units, on EC2; Fargate's least is 256
	maxTaskCPU     = 196608
	minStorageGiB  = 21
	maxStorageGiB  = 200
	textSizeAdvice = "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
)

func ruleFamily(d *types.TaskDefinition) error {
	switch family := aws.ToString(d.Family); {
	case family == "":
		return client("Family should not be null or empty.")
	case !isName(family):
		return client("Family contains invalid characters.")
	}
	return nil
}

func ruleContainerCount(d *types.TaskDefinition) error {
	switch n := len(d.ContainerDefinitions); {
	case n == 0:
		return client("Container list cannot be empty.")
	case n > maxContainers:
		return client("The maximum number of containers was exceeded. Specify ten or less and try again.")
	}
	return nil
}

func ruleContainerNames(d *types.TaskDefinition) error {
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		switch name, image := aws.ToString(c.Name), aws.ToString(c.Image); {
		case name == "":
			return client("Container.name should not be null or empty.")
		case !isName(name):
			return client("Container.name contains invalid characters.")
		case strings.TrimSpace(image) == "":
			return client("Container.image should not be null or empty.")
		case !isImage(image):
			return client("Container.image contains invalid characters.")
		}
	}
	return nil
}

func ruleTaskEnums(d *types.TaskDefinition) error {
	if oneOf(client, "", d.NetworkMode, d.NetworkMode.Values()) != nil {
		return client("Invalid network mode.")
	}
	for _, c := range d.RequiresCompatibilities {
		if err := oneOf(client, "requiresCompatibilities", c, c.Values()); err != nil {
			return err
		}
	}
	for _, err := range []error{
		oneOf(client, "pidMode", d.PidMode, d.PidMode.Values()),
		oneOf(client, "ipcMode", d.IpcMode, d.IpcMode.Values()),
	} {
		if err != nil {
			return err
		}
	}
	if p := d.RuntimePlatform; p != nil {
		if err := oneOf(client, "operatingSystemFamily", p.OperatingSystemFamily, p.OperatingSystemFamily.Values()); err != nil {
			return err
		}
		return oneOf(client, "cpuArchitecture", p.CpuArchitecture, p.CpuArchitecture.Values())
	}
	return nil
}

func ruleUniqueContainers(d *types.TaskDefinition) error {
	if _, twice := firstTwice(d.ContainerDefinitions, func(c types.ContainerDefinition) string { return *c.Name }); twice {
		return client("Container names must be unique within a task definition.")
	}
	return nil
}

// firstTwice finds the first key that occurs a second time; "" does not count.
func firstTwice[T any](items []T, key func(T) string) (string, bool) {
	seen := map[string]bool{}
	for _, item := range items {
		k := key(item)
		if k != "" && seen[k] {
			return k, true
		}
		seen[k] = true
	}
	return "", false
}

func ruleEssential(d *types.TaskDefinition) error {
	for i := range d.ContainerDefinitions {
		if isEssential(&d.ContainerDefinitions[i]) {
			return nil
		}
	}
	return client("Task definition doesn't have any essential container")
}

// isEssential: a container is, unless it says otherwise.
func isEssential(c *types.ContainerDefinition) bool { return c.Essential == nil || *c.Essential }

func ruleTaskCPU(d *types.TaskDefinition) error {
	if d.Cpu == nil {
		return nil
	}
	if n, ok := sizeNumber(*d.Cpu); !ok || n < minTaskCPU || n > maxTaskCPU {
		return invalid("Invalid 'cpu' setting for task. %s", textSizeAdvice)
	}
	return nil
}

func ruleTaskMemory(d *types.TaskDefinition) error {
	if d.Memory == nil {
		return nil
	}
	if n, ok := sizeNumber(*d.Memory); !ok || n == 0 {
		return invalid("Invalid 'memory' setting for task. %s", textSizeAdvice)
	}
	return nil
}

func ruleTaskStorage(d *types.TaskDefinition) error {
	if d.EphemeralStorage == nil {
		return nil
	}
	switch n := d.EphemeralStorage.SizeInGiB; {
	case n < minStorageGiB:
		return client("EphemeralStorage size should be at least %d", minStorageGiB)
	case n > maxStorageGiB:
		return client("EphemeralStorage size should be at most %d", maxStorageGiB)
	case requires(d, types.CompatibilityEc2) && !requires(d, types.CompatibilityFargate):
		return client("Tasks using the EC2 launch type do not support EphemeralStorage.")
	}
	return nil
}

func ruleConstraints(d *types.TaskDefinition) error {
	if len(d.PlacementConstraints) > maxConstraints {
		return client("The maximum number of placement constraints was exceeded. Specify ten or less and try again.")
	}
	for _, c := range d.PlacementConstraints {
		if err := oneOf(client, "placement constraint type", c.Type, c.Type.Values()); err != nil {
			return err
		}
		if e := aws.ToString(c.Expression); e == "" || len(e) > maxExpression {
			return client("Invalid placement constraint expression: it must have between 1 and %d characters.", maxExpression)
		}
	}
	return nil
}

// ruleFaultInjection: faults are made in a network namespace that belongs to
// the task, or to the host.
func ruleFaultInjection(d *types.TaskDefinition) error {
	if aws.ToBool(d.EnableFaultInjection) && d.NetworkMode != types.NetworkModeAwsvpc && d.NetworkMode != types.NetworkModeHost {
		return client("Fault injection is only supported in networkMode=awsvpc and networkMode=host.")
	}
	return nil
}

func ruleSumOfCPU(d *types.TaskDefinition) error {
	limit, ok := sizeNumber(aws.ToString(d.Cpu))
	if !ok {
		return nil
	}
	sum := 0
	for _, c := range d.ContainerDefinitions {
		sum += int(c.Cpu)
	}
	if sum > limit {
		return client("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")
	}
	return nil
}

func ruleDocumentSize(d *types.TaskDefinition) error {
	n, err := documentSize(d)
	if err != nil {
		return err
	}
	if n > maxDefinition {
		return client("Actual length: '%d'. Max allowed length is '%d' bytes.", n, maxDefinition)
	}
	return nil
}

// documentSize is the length of the definition as JSON without what is not
// given. Go's member names are as long as the wire's.
func documentSize(d *types.TaskDefinition) (int, error) {
	body, err := json.Marshal(TaskDefinition{Definition: *d})
	if err != nil {
		return 0, err
	}
	var record map[string]any
	if err := json.Unmarshal(body, &record); err != nil {
		return 0, err
	}
	body, err = json.Marshal(pruned(record["Definition"]))
	return len(body), err
}

// pruned takes everything out of a JSON value that says nothing.
func pruned(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, member := range v {
			if member = pruned(member); member == nil || member == "" || member == 0.0 || member == false {
				delete(v, k)
			} else {
				v[k] = member
			}
		}
	case []any:
		for i := range v {
			v[i] = pruned(v[i])
		}
	}
	return v
}

// requires tells whether the definition asks to be checked for a launch type.
func requires(d *types.TaskDefinition, c types.Compatibility) bool {
	for _, r := range d.RequiresCompatibilities {
		if r == c {
			return true
		}
	}
	return false
}
