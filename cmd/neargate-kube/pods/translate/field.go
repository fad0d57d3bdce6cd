package translate

import (
	"fmt"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kubernetes/pkg/fieldpath"
)

// field.go is the downward API: what a pod is told of itself.

// field gives the value of a fieldRef for a variable.
func (t *translation) field(path string) (string, error) {
	switch path {
	case "spec.nodeName":
		return t.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return t.pod.Spec.ServiceAccountName, nil
	case "status.podIP":
		return first(t.env.PodIPs), nil
	case "status.podIPs":
		return strings.Join(t.env.PodIPs, ","), nil
	case "status.hostIP":
		return first(t.env.HostIPs), nil
	case "status.hostIPs":
		return strings.Join(t.env.HostIPs, ","), nil
	}
	return fieldpath.ExtractFieldPathAsString(t.pod, path)
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// resource gives the value of a resourceFieldRef in units of its divisor,
// rounded up. A limit that the container does not have is the node's.
func (t *translation) resource(r *v1.ResourceFieldSelector, c *v1.Container) (string, error) {
	if r.ContainerName != "" {
		if c = t.find(r.ContainerName); c == nil {
			return "", fmt.Errorf("container %s not found", r.ContainerName)
		}
	}
	kind, name, _ := strings.Cut(r.Resource, ".")
	q, err := t.quantity(kind, v1.ResourceName(name), c)
	if err != nil {
		return "", err
	}
	divisor := r.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if v1.ResourceName(name) == v1.ResourceCPU {
		return strconv.FormatInt(ceil(q.MilliValue(), divisor.MilliValue()), 10), nil
	}
	return strconv.FormatInt(ceil(q.Value(), divisor.Value()), 10), nil
}

func (t *translation) quantity(kind string, name v1.ResourceName, c *v1.Container) (resource.Quantity, error) {
	switch {
	case kind != "limits" && kind != "requests",
		name != v1.ResourceCPU && name != v1.ResourceMemory && name != v1.ResourceEphemeralStorage && !strings.HasPrefix(string(name), v1.ResourceHugePagesPrefix):
		return resource.Quantity{}, fmt.Errorf("unsupported container resource : %v.%v", kind, name)
	case kind == "requests":
		return c.Resources.Requests[name], nil
	}
	q := c.Resources.Limits[name]
	if q.IsZero() && t.pod.Spec.Resources != nil {
		q = t.pod.Spec.Resources.Limits[name]
	}
	if q.IsZero() && !strings.HasPrefix(string(name), v1.ResourceHugePagesPrefix) {
		q = t.env.Allocatable[name]
	}
	return q, nil
}

func (t *translation) find(name string) *v1.Container {
	for _, list := range [][]v1.Container{t.pod.Spec.Containers, t.pod.Spec.InitContainers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}

func ceil(a, b int64) int64 {
	if b <= 0 {
		return a
	}
	n := a / b
	if a%b > 0 {
		n++
	}
	return n
}
