package boxes

import (
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// ID is the ID of a pod's sandbox: the pod's UID without its dashes.
func ID(pod types.UID) string { return strings.ReplaceAll(string(pod), "-", "") }
