package translate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// The annotation in which admission says whether a pod's output is logged:
// changes of the ConfigMap count for new pods alone.
const (
	annotationLogging = "Logging"
	loggingEnabled    = "LoggingEnabled"
)

// logged tells whether admission has enabled logging for the pod.
func (t *translation) logged() bool {
	return strings.HasPrefix(t.pod.Annotations[annotationLogging], loggingEnabled)
}

// tellLogging notes what of the configuration has no effect, for a pod that it
// is for.
func (t *translation) tellLogging() {
	if t.env.Outputs == nil || !t.logged() {
		return
	}
	for _, n := range t.env.Outputs.Notes {
		t.note("%s/%s: %s", LoggingNamespace, LoggingName, n)
	}
}

// log finds where a container's output goes: to the first CloudWatch output
// that its tag fits. A container has one log stream.
func (t *translation) log(container string) sandbox.Log {
	o := t.env.Outputs
	tag := logTag(t.pod, container)
	m := &metadata{pod: t.pod, container: container, tag: tag, known: o.kubernetes}
	var log sandbox.Log
	for i := range o.greps {
		if !o.greps[i].keeps(m) {
			return log
		}
	}
	for i := range o.outputs {
		s := &o.outputs[i]
		if !isCloudWatch(s) || !matches(s.get("Match"), tag) {
			continue
		}
		if log.Driver != "" {
			t.note("container %s: its output goes to the first [OUTPUT] that matches, not to log group %s as well", container, s.get("log_group_name"))
			continue
		}
		var err error
		if log, err = t.target(s, m); err != nil {
			t.note("container %s: [OUTPUT] %s: %v; its output goes nowhere", container, s.get("Name"), err)
		}
	}
	return log
}

// target translates an output into options of the awslogs driver.
func (t *translation) target(s *section, m *metadata) (sandbox.Log, error) {
	group := m.name(s.get("log_group_template"), s.get("log_group_name"), s.get("default_log_group_name"))
	if group == "" {
		return sandbox.Log{}, fmt.Errorf("it has no log_group_name")
	}
	stream := m.name(s.get("log_stream_template"), s.get("log_stream_name"), "")
	if prefix := m.expand(s.get("log_stream_prefix")); stream == "" && prefix != "" {
		stream = prefix + m.tag
	}
	if stream == "" {
		stream = m.name(s.get("default_log_stream_name"), "", "")
	}
	if stream == "" {
		return sandbox.Log{}, fmt.Errorf("it has neither log_stream_prefix nor log_stream_name")
	}
	options := map[string]string{"awslogs-group": group, "awslogs-stream": stream, "awslogs-region": s.get("region")}
	if options["awslogs-region"] == "" {
		options["awslogs-region"] = t.env.Region
	}
	switch strings.ToLower(s.get("auto_create_group")) {
	case "true", "on", "yes":
		options["awslogs-create-group"] = "true"
	}
	return sandbox.Log{Driver: "awslogs", Options: options}, nil
}

// logTag is Fluent Bit's tag of a container's log file on the node.
func logTag(pod *v1.Pod, container string) string {
	return fmt.Sprintf("kube.var.log.containers.%s_%s_%s-%s.log", pod.Name, pod.Namespace, container, logID(pod, container))
}

// logID stands where the container's id is in the name of its log file. The
// name has to be known before the container is made, and to stay when it
// restarts.
func logID(pod *v1.Pod, container string) string {
	sum := sha256.Sum256([]byte(string(pod.UID) + "/" + container))
	return hex.EncodeToString(sum[:])
}

// metadata is what the filter kubernetes knows of a container.
type metadata struct {
	pod            *v1.Pod
	container, tag string
	known          bool
}

// reference is the use of metadata in a name: $(kubernetes['namespace_name'])
// of the plugin cloudwatch, $kubernetes['namespace_name'] of cloudwatch_logs.
var reference = regexp.MustCompile(`\$\(kubernetes((?:\['[^']*'\])+)\)|\$kubernetes((?:\['[^']*'\])+)|\$\(tag\)|\$TAG`)

// name gives the first of the names that can be expanded.
func (m *metadata) name(names ...string) string {
	for _, name := range names {
		if text := m.expand(name); text != "" {
			return text
		}
	}
	return ""
}

// expand replaces what a name says of the container; "" when that is not known.
func (m *metadata) expand(name string) string {
	whole := true
	text := reference.ReplaceAllStringFunc(name, func(r string) string {
		if r == "$(tag)" || r == "$TAG" {
			return m.tag
		}
		value, ok := m.field(r)
		whole = whole && ok
		return value
	})
	if !whole {
		return ""
	}
	return text
}

var subscript = regexp.MustCompile(`\['([^']*)'\]`)

func (m *metadata) field(r string) (string, bool) {
	path := subscript.FindAllStringSubmatch(r, -1)
	if !m.known || len(path) == 0 {
		return "", false
	}
	switch path[0][1] {
	case "namespace_name":
		return m.pod.Namespace, true
	case "pod_name":
		return m.pod.Name, true
	case "pod_id":
		return string(m.pod.UID), true
	case "container_name":
		return m.container, true
	case "host":
		return m.pod.Spec.NodeName, m.pod.Spec.NodeName != ""
	}
	if len(path) < 2 {
		return "", false
	}
	switch path[0][1] {
	case "labels":
		value, ok := m.pod.Labels[path[1][1]]
		return value, ok
	case "annotations":
		value, ok := m.pod.Annotations[path[1][1]]
		return value, ok
	}
	return "", false
}
