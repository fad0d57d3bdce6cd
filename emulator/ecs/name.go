package ecs

import (
	"strings"

	"github.com/neargate/neargate/apiwire"
)

// maxName is the longest name of a cluster, family, container or volume, in
// characters.
const maxName = 255

// isName tells whether s is 1 to 255 letters, digits, hyphens and underscores:
// ECS's rule for nearly everything that has a name.
func isName(s string) bool {
	return s != "" && len(s) <= maxName && strings.IndexFunc(s, notOfName) < 0
}

func notOfName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// nameOf returns what stands behind "kind/" in a reference that is either a
// bare name or an ARN of the caller's account and region. It returns "" for
// an ARN of another account or kind, which the caller cannot see, and
// InvalidParameterException for one of another region.
func nameOf(call apiwire.Call, kind, ref string) (string, error) {
	if !apiwire.IsARN(ref) {
		return ref, nil
	}
	arn, err := apiwire.ParseARN(ref)
	if err != nil {
		return "", invalid("Invalid arn syntax.")
	}
	if arn.Region != call.Region {
		return "", invalid("Invalid Region in ARN")
	}
	name, ok := strings.CutPrefix(arn.Resource, kind+"/")
	if !ok || arn.Service != "ecs" || arn.Account != call.Account || arn.Partition != call.Partition {
		return "", nil
	}
	return name, nil
}

// roleARN completes a role that was given by its bare name or path.
func roleARN(call apiwire.Call, role string) string {
	if apiwire.IsARN(role) {
		return role
	}
	name := strings.TrimPrefix(role, "/")
	return apiwire.ARN{Partition: call.Partition, Service: "iam", Account: call.Account, Resource: "role/" + name}.String()
}

// isReserved tells whether a capacity provider's name begins with a word that
// AWS keeps to itself.
func isReserved(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasPrefix(lower, "aws") || strings.HasPrefix(lower, "ecs") || strings.HasPrefix(lower, "fargate")
}
