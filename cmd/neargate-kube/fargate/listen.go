package fargate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/fit"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/emulator/eks/link"
)

// listen.go says what makes which key dirty. Nothing is decided here.

// Indexes of pods.
const (
	byNode    = "fargate/node"    // spec.nodeName, "" for those that wait
	bySandbox = "fargate/sandbox" // sandbox ID
	byProfile = "fargate/profile" // the profile's label
)

// The chores.
const (
	choreGroups = "node groups"
	choreDrain  = "draining"
)

// listen puts hooks and indexes in place.
func (c *Compute) listen() error {
	core := c.Informers.Core().V1()
	pods, nodes, claims := core.Pods(), core.Nodes(), core.PersistentVolumeClaims()
	c.pods, c.nodes, c.claims, c.index = pods.Lister(), nodes.Lister(), claims.Lister(), pods.Informer().GetIndexer()
	if err := pods.Informer().AddIndexers(indexers()); err != nil {
		return fmt.Errorf("indexes of pods: %w", err)
	}
	for _, h := range []struct {
		informer cache.SharedIndexInformer
		handler  cache.ResourceEventHandler
	}{{pods.Informer(), c.podHandler()}, {nodes.Informer(), c.nodeHandler()}, {claims.Informer(), c.claimHandler()}} {
		r, err := h.informer.AddEventHandler(h.handler)
		if err != nil {
			return fmt.Errorf("hook in an informer: %w", err)
		}
		c.synced = append(c.synced, r.HasSynced)
	}
	c.Boxes.OnChange(c.boxChanged)
	c.Boxes.OnFreed(c.addressFreed)
	c.Boxes.OnNode(func(id string) {
		c.choreQueue.Add(choreGroups)
		box, _ := c.Boxes.Node(id)
		c.sighted(id, box)
	})
	if c.OnSettings != nil {
		c.OnSettings(c.settingsChanged)
	}
	return nil
}

func indexers() cache.Indexers {
	one := func(f func(*corev1.Pod) string) cache.IndexFunc {
		return func(o any) ([]string, error) {
			p, ok := o.(*corev1.Pod)
			if !ok {
				return nil, nil
			}
			return []string{f(p)}, nil
		}
	}
	return cache.Indexers{
		byNode:    one(func(p *corev1.Pod) string { return p.Spec.NodeName }),
		bySandbox: one(func(p *corev1.Pod) string { return boxes.ID(p.UID) }),
		byProfile: one(func(p *corev1.Pod) string { return p.Labels[rules.ProfileLabel] }),
	}
}

func (c *Compute) podHandler() cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { c.podChanged(o.(*corev1.Pod), true) },
		UpdateFunc: func(o, n any) {
			was, is := o.(*corev1.Pod), n.(*corev1.Pod)
			if was.UID != is.UID { // gone and there again while nobody watched
				c.podGone(was)
			}
			moved := was.UID != is.UID || was.Spec.NodeName != is.Spec.NodeName || isOver(was) != isOver(is)
			if moved || is.Spec.NodeName == "" && wishes(was, is) {
				c.podChanged(is, moved)
			}
		},
		DeleteFunc: func(o any) {
			if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = d.Obj
			}
			if p, ok := o.(*corev1.Pod); ok {
				c.podGone(p)
			}
		},
	}
}

// wishes tells whether something in a pod has changed that its place may depend
// on. Statuses do not count: most are written here.
func wishes(was, is *corev1.Pod) bool {
	return !equality.Semantic.DeepEqual(was.Spec, is.Spec) || !maps.Equal(was.Labels, is.Labels) ||
		!maps.Equal(was.Annotations, is.Annotations) || was.DeletionTimestamp.IsZero() != is.DeletionTimestamp.IsZero()
}

// podChanged queues what a pod has to do with. moved: its place is new, or it
// has given it up.
func (c *Compute) podChanged(p *corev1.Pod, moved bool) {
	c.podQueue.Add(key(p))
	if !moved {
		return
	}
	if p.Spec.NodeName != "" {
		c.nodeQueue.Add(p.Spec.NodeName)
		if isOver(p) {
			c.makesRoom(p)
		}
	}
	c.choreQueue.Add(choreDrain)
}

// podGone queues what a pod leaves behind.
func (c *Compute) podGone(p *corev1.Pod) {
	id := boxes.ID(p.UID)
	c.told.forget(p.UID)
	c.assumed.release(id)
	c.subnets.forget(id)
	c.bound.forget(id)
	c.strayQueue.Add(id)
	c.podQueue.Add(key(p))
	for _, n := range c.nodesOf(id) {
		c.nodeQueue.Add(n.Name)
	}
	if p.Spec.NodeName != "" {
		c.nodeQueue.Add(p.Spec.NodeName)
		c.makesRoom(p)
	}
	c.choreQueue.Add(choreDrain)
}

// makesRoom queues those who wait for what a pod has used of a node group's
// node.
func (c *Compute) makesRoom(p *corev1.Pod) {
	if !strings.HasPrefix(p.Spec.NodeName, nodePrefix) {
		c.choreQueue.Add(choreGroups)
		c.waiting(nil)
	}
}

func (c *Compute) nodeHandler() cache.ResourceEventHandler {
	changed := func(n *corev1.Node) {
		c.nodeQueue.Add(n.Name)
		c.waiting(n)
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { changed(o.(*corev1.Node)) },
		UpdateFunc: func(_, o any) { changed(o.(*corev1.Node)) },
		DeleteFunc: func(o any) {
			if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = d.Obj
			}
			if n, ok := o.(*corev1.Node); ok {
				c.leases.drop(n.Name)
				c.nodeQueue.Add(n.Name)
				c.choreQueue.Add(choreGroups)
				c.choreQueue.Add(choreDrain)
			}
		},
	}
}

// waiting queues the default scheduler's pods that have no node: all of them,
// or those that a node which has changed would suit.
func (c *Compute) waiting(n *corev1.Node) {
	if n != nil && n.Labels[groupLabel] == "" {
		return
	}
	for _, p := range c.podsBy(byNode, "") {
		if p.Spec.SchedulerName != corev1.DefaultSchedulerName || isOver(p) {
			continue
		}
		if n != nil {
			if name, _ := fit.Choose(p, []fit.Node{{Node: n}}, c.minor); name == "" {
				continue
			}
		}
		c.podQueue.Add(key(p))
	}
}

func (c *Compute) claimHandler() cache.ResourceEventHandler {
	changed := func(o any) {
		if d, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = d.Obj
		}
		claim, ok := o.(*corev1.PersistentVolumeClaim)
		if !ok {
			return
		}
		for _, p := range c.podsBy(byNode, "") {
			if p.Namespace == claim.Namespace && claims(p, claim.Name) {
				c.podQueue.Add(key(p))
			}
		}
	}
	return cache.ResourceEventHandlerFuncs{AddFunc: changed, UpdateFunc: func(_, o any) { changed(o) }, DeleteFunc: changed}
}

func claims(p *corev1.Pod, name string) bool {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == name {
			return true
		}
	}
	return false
}

// boxChanged queues the pod of a sandbox, or the sandbox itself when it has
// none.
func (c *Compute) boxChanged(id string) {
	box, _ := c.Boxes.Get(id)
	c.sighted(id, box)
	pods := c.podsBy(bySandbox, id)
	if len(pods) == 0 {
		c.strayQueue.Add(id)
		return
	}
	for _, p := range pods {
		if p.Spec.NodeName == "" {
			c.podQueue.Add(key(p))
			c.choreQueue.Add(choreDrain)
			for _, n := range c.nodesOf(id) { // its address may be another one now
				c.nodeQueue.Add(n.Name)
			}
		}
	}
}

// addressFreed queues the pod that may take an address of a subnet that somebody
// has given back.
func (c *Compute) addressFreed(subnet string) {
	reaches := func(id string) bool {
		return slices.ContainsFunc(c.podsBy(bySandbox, id), func(p *corev1.Pod) bool { return c.mayUse(p, subnet) })
	}
	for _, p := range c.podsBy(bySandbox, c.subnets.free(subnet, time.Now(), reaches)) {
		c.podQueue.Add(key(p))
	}
}

// mayUse tells whether a pod waits for Fargate and its profile has a subnet.
func (c *Compute) mayUse(p *corev1.Pod, subnet string) bool {
	return p.Spec.NodeName == "" && isFargate(p) && slices.ContainsFunc(c.Settings().FargateProfiles, func(f link.FargateProfile) bool {
		return f.Name == p.Labels[rules.ProfileLabel] &&
			slices.ContainsFunc(rules.Subnets(p, c.Cluster.Region, f), func(s link.Subnet) bool { return s.ID == subnet })
	})
}

func (c *Compute) settingsChanged() {
	c.choreQueue.Add(choreGroups)
	c.choreQueue.Add(choreDrain)
	for _, p := range c.podsBy(byNode, "") {
		c.podQueue.Add(key(p))
	}
}

// everything makes all keys dirty once: the hooks' first calls have seen the
// pods and the nodes, but not the sandboxes without either.
func (c *Compute) everything() {
	for _, id := range c.Boxes.IDs() {
		c.boxChanged(id)
	}
	c.choreQueue.Add(choreGroups)
	c.choreQueue.Add(choreDrain)
}

func key(p *corev1.Pod) string { return p.Namespace + "/" + p.Name }

// isOver tells whether a pod has come to its end and uses nothing of a node.
func isOver(p *corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// podsBy looks an index up. An index that does not exist is a mistake of this
// package, which its tests would meet.
func (c *Compute) podsBy(index, value string) []*corev1.Pod {
	found, err := c.index.ByIndex(index, value)
	if err != nil {
		c.Log.Error().Err(err).Msg("an index of pods is missing")
	}
	pods := make([]*corev1.Pod, 0, len(found))
	for _, o := range found {
		if p, ok := o.(*corev1.Pod); ok {
			pods = append(pods, p)
		}
	}
	return pods
}
