package translate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Labels that kubelet's runtimes put on containers.
const (
	labelPodName       = "io.kubernetes.pod.name"
	labelPodNamespace  = "io.kubernetes.pod.namespace"
	labelPodUID        = "io.kubernetes.pod.uid"
	labelContainerName = "io.kubernetes.container.name"
)

// Pod translates a bound pod whose sandbox has its address. The error is
// [Errors], all there are. A container of which it cannot be told at the moment
// what it is started with is no error: it is asked about when its turn comes,
// which [Container] answers. So is one that waits for init containers, which
// may take long and change what it depends on.
func Pod(ctx context.Context, pod *v1.Pod, s Source, e Environment) (*Result, error) {
	t := newTranslation(pod, s, e)
	errs := t.refusals()
	c, bad := t.completion(ctx)
	if errs = append(errs, bad...); len(errs) > 0 {
		slices.SortStableFunc(errs, func(a, b *Error) int { return cmp.Compare(rank(a), rank(b)) })
		return nil, errs
	}
	t.tellIneffective()
	t.tellLogging()
	return &Result{Completion: c, Updates: t.updates, Events: t.events, Notes: t.notes}, nil
}

// rank puts first what kubelet stumbles over first.
func rank(e *Error) int {
	if e.Rejected {
		return 0
	}
	return 1
}

// translation is one call of Pod, Volume or Ephemeral.
type translation struct {
	pod     *v1.Pod
	source  Source
	env     Environment
	objects objects
	updates []Update
	events  []Event
	notes   []string
}

func newTranslation(pod *v1.Pod, s Source, e Environment) *translation {
	return &translation{pod: pod, source: s, env: e, objects: newObjects(s, pod.Namespace)}
}

func (t *translation) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(t.notes, text) {
		t.notes = append(t.notes, text)
	}
}

// warn records an event of type Warning, once.
func (t *translation) warn(reason, message string) {
	e := Event{Type: v1.EventTypeWarning, Reason: reason, Message: message}
	if !slices.Contains(t.events, e) {
		t.events = append(t.events, e)
	}
}

func (t *translation) completion(ctx context.Context) (link.Completion, Errors) {
	var c link.Completion
	var errs Errors
	for i := range t.pod.Spec.Volumes {
		v, u, err := t.volume(ctx, &t.pod.Spec.Volumes[i])
		if err != nil {
			errs = append(errs, badVolume(t.pod.Spec.Volumes[i].Name, err))
			continue
		}
		c.Volumes = append(c.Volumes, v)
		if u.changes() {
			t.updates = append(t.updates, u)
		}
	}
	c.Containers = t.containers(ctx)
	c.Registries = t.registries(ctx)
	c.Labels = map[string]string{labelPodName: t.pod.Name, labelPodNamespace: t.pod.Namespace, labelPodUID: string(t.pod.UID)}
	return c, errs
}

// containers gives the init containers, each of which needs the one before it,
// and then the others, which need the last of those.
func (t *translation) containers(ctx context.Context) []sandbox.Container {
	var all []sandbox.Container
	var needs []sandbox.Need
	add := func(c *v1.Container, restart sandbox.Restart) *sandbox.Container {
		out, err := t.container(ctx, c)
		out.Told = err == nil && len(needs) == 0
		out.Needs, out.Restart = needs, restart
		all = append(all, out)
		return &all[len(all)-1]
	}
	for i := range t.pod.Spec.InitContainers {
		c := &t.pod.Spec.InitContainers[i]
		add(c, t.restartInit(c)).Init = true
		condition := sandbox.Success
		if isSidecar(c) {
			condition = sandbox.Start
		}
		needs = []sandbox.Need{{Container: c.Name, Condition: condition}}
	}
	for i := range t.pod.Spec.Containers {
		c := &t.pod.Spec.Containers[i]
		add(c, t.restart(c))
	}
	return all
}

// isSidecar tells whether an init container is one that keeps running.
func isSidecar(c *v1.Container) bool {
	return ptr.Deref(c.RestartPolicy, "") == v1.ContainerRestartPolicyAlways
}

// describe names the pod as kubelet's messages do: web_default(UID).
func (t *translation) describe() string {
	return fmt.Sprintf("%s_%s(%s)", t.pod.Name, t.pod.Namespace, t.pod.UID)
}

// Hostname computes the host name of a pod and, when it has a subdomain, the
// domain that it is in. Names that are longer than the kernel takes are cut.
func Hostname(pod *v1.Pod, clusterDomain string) (host, domain string) {
	if o := ptr.Deref(pod.Spec.HostnameOverride, ""); o != "" {
		return cut(o), ""
	}
	host = cut(cmp.Or(pod.Spec.Hostname, pod.Name))
	if pod.Spec.Subdomain != "" {
		domain = pod.Spec.Subdomain + "." + pod.Namespace + ".svc." + cmp.Or(clusterDomain, "cluster.local")
	}
	if ptr.Deref(pod.Spec.SetHostnameAsFQDN, false) && domain != "" {
		host += "." + domain
	}
	return host, domain
}

// maxHostname is what the kernel takes, without the final zero.
const maxHostname = 63

func cut(name string) string {
	if len(name) > maxHostname {
		name = strings.TrimRight(name[:maxHostname], "-.")
	}
	return name
}
