package docker

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// What the Engine holds of ours, read into memory: at the first contact, and
// after each time that the Engine was away.

// ready makes sure that the Engine answers and that its state is known.
func (r *Runtime) ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	unlock, err := r.state.lock(ctx, "")
	if err != nil {
		return err
	}
	defer unlock()
	if r.synced {
		return nil
	}
	if _, err := r.daemon.facts(ctx); err != nil {
		return err
	}
	if err := r.sync(ctx); err != nil {
		return err
	}
	r.synced = true
	return nil
}

// enter makes ready, and keeps others from acting on a sandbox until unlock is
// called.
func (r *Runtime) enter(ctx context.Context, id string) (unlock func(), err error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	return r.locks.lock(ctx, id)
}

// stale makes the next call of ready read everything afresh.
func (r *Runtime) stale() {
	r.daemon.forget()
	r.forgetBinary()
	unlock, err := r.state.lock(r.life, "")
	if err != nil {
		return // Close
	}
	defer unlock()
	r.synced = false
}

func (r *Runtime) ours() client.Filters {
	return client.Filters{}.Add("label", labelInstance+"="+r.options.Instance)
}

// listing is one look at all that is ours.
type listing struct {
	boxes     map[string]container.Summary   // sandbox containers by sandbox id
	warm      []container.Summary            //
	workloads map[string][]container.Summary // by sandbox id
	errands   []container.Summary
	networks  map[string]string // Docker's id by VPC
}

func (r *Runtime) look(ctx context.Context) (listing, error) {
	l := listing{boxes: map[string]container.Summary{}, workloads: map[string][]container.Summary{}, networks: map[string]string{}}
	nets, err := r.daemon.NetworkList(ctx, client.NetworkListOptions{Filters: r.ours()})
	if err != nil {
		return l, err
	}
	for _, n := range nets.Items {
		r.seeNetwork(n.Labels[labelVPC], n.Labels[labelCIDR], n.ID, subnetsOf(n))
		l.networks[n.Labels[labelVPC]] = n.ID
	}
	all, err := r.daemon.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.ours()})
	if err != nil {
		return l, err
	}
	for _, c := range all.Items {
		l.sort(c, r.names.sandboxOf(nameOf(c)))
	}
	return l, nil
}

func (l *listing) sort(c container.Summary, sandbox string) {
	switch c.Labels[labelRole] {
	case roleSandbox:
		if sandbox == "" {
			l.warm = append(l.warm, c)
		} else {
			l.boxes[sandbox] = c
		}
	case roleWorkload:
		id := c.Labels[labelSandbox]
		l.workloads[id] = append(l.workloads[id], c)
	case roleErrand:
		l.errands = append(l.errands, c)
	}
}

func nameOf(c container.Summary) string {
	if len(c.Names) == 0 {
		return ""
	}
	return c.Names[0]
}

// sync takes over what the Engine holds; r.state is held.
func (r *Runtime) sync(ctx context.Context) error {
	was := r.remembered()
	l, err := r.look(ctx)
	if err != nil {
		return err
	}
	r.forgetAbsent(was, l)
	for id, c := range l.boxes {
		r.adopt(id, c, l.networks[c.Labels[labelVPC]], l.workloads[id])
	}
	if r.pruned {
		return nil
	}
	if err := r.prune(ctx, l); err != nil {
		return err
	}
	r.pruned = true
	return nil
}

// prune removes what an earlier process has left and nobody owns. Its warm
// sandboxes are not adopted: they may be of another release, and new ones cost
// less than finding out.
func (r *Runtime) prune(ctx context.Context, l listing) error {
	if err := r.removeAll(ctx, append(l.warm, l.errands...)); err != nil {
		return err
	}
	there := map[string]bool{}
	for _, c := range l.boxes {
		there[keptBy(c)] = true
	}
	if err := r.dropSpareKept(ctx, there); err != nil {
		r.log.Warn().Err(err).Msg("volumes of an earlier process stay behind")
	}
	if err := r.dropNetworks(ctx); err != nil {
		return err
	}
	r.options.Addresses.Retain(ownerKind, func(id string) bool { return r.box(id) != nil })
	if err := r.pruneImages(ctx); err != nil {
		r.log.Warn().Err(err).Msg("images of earlier releases stay behind")
	}
	return nil
}

// memory is what was believed before a look. What calls in flight make during
// the look is not in it, and so not taken for lost.
type memory struct {
	boxes    []*box
	warm     []string          // containers
	networks map[string]string // Docker's id by VPC
}

func (r *Runtime) remembered() memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := memory{boxes: slices.Collect(maps.Values(r.boxes)), networks: map[string]string{}}
	for _, p := range r.warm {
		for _, b := range p.ready {
			m.warm = append(m.warm, b.container)
		}
	}
	for name, v := range r.vpcs {
		m.networks[name] = v.id
	}
	return m
}

// forgetAbsent drops what was removed while nobody watched.
func (r *Runtime) forgetAbsent(was memory, l listing) {
	there := map[string]bool{}
	for _, c := range l.boxes {
		there[c.ID] = true
	}
	for _, c := range l.warm {
		there[c.ID] = c.State == container.StateRunning
	}
	r.mu.Lock()
	for name, v := range r.vpcs {
		if l.networks[name] == "" && v.id == was.networks[name] {
			v.id = ""
		}
	}
	clear(r.inspects)
	r.mu.Unlock()
	for _, b := range was.boxes {
		if !there[b.container] {
			r.forget(b)
		}
	}
	for _, id := range was.warm {
		if !there[id] {
			r.lostWarm(id)
		}
	}
}

// adopt makes a box of a sandbox container that an earlier process has made,
// or brings the box that this one has up to date.
func (r *Runtime) adopt(id string, c container.Summary, network string, workloads []container.Summary) {
	b := r.box(id)
	if b == nil {
		unlock, free := r.locks.try(id)
		if !free {
			return // a call is making it at this moment
		}
		defer unlock()
		if b = boxOf(c, network); b == nil {
			r.log.Warn().Str("container", nameOf(c)).Msg("a sandbox container without a readable address")
			return
		}
		r.assign(b, id)
		r.mu.Lock()
		r.vpcLocked(b.place.vpc).used[b.place.ip] = true
		r.mu.Unlock()
	}
	r.mu.Lock()
	for _, w := range workloads {
		name := w.Labels[labelContainer]
		if n, ok := r.names.attempt(id, name, nameOf(w)); ok && n >= b.newest[name] {
			b.newest[name] = n
		}
	}
	r.mu.Unlock()
	r.mu.Lock()
	starts := b.start != nil
	r.mu.Unlock()
	if c.State != container.StateRunning || starts {
		return
	}
	if l := r.linkOf(b); l == nil || l.isEnded() {
		r.attach(b, nil)
	}
	r.republish(b, workloads)
}

func (r *Runtime) seeNetwork(name, cidr, id string, pools []netip.Prefix) bool {
	wish, err := netip.ParsePrefix(cidr)
	if err != nil || len(pools) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.vpcLocked(name)
	v.id, v.wish, v.pool, v.gateway = id, wish, pools[0], firstHost(pools[0])
	return true
}
