package docker

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"
)

// The way down. Everything that a sandbox may have is looked for by name and
// label, so that what was built halfway goes too.

// Down implements [sandbox.Runtime].
func (r *Runtime) Down(ctx context.Context, id string) error {
	unlock, err := r.enter(ctx, id)
	if err != nil {
		return err
	}
	defer unlock()
	if b := r.box(id); b != nil {
		if err := r.endStart(ctx, b); err != nil {
			return err
		}
	}
	own, others, err := r.containersOf(ctx, id)
	if err != nil {
		return err
	}
	// Only what may have processes has to go before its control group does.
	first, rest := running(others)
	if err := r.removeAll(ctx, first); err != nil {
		return err
	}
	b := r.box(id)
	var l *link
	if b != nil {
		l = r.linkOf(b)
	}
	hadGroup := b != nil || len(own) > 0
	if hadGroup {
		if err := r.dropCeiling(ctx, id, l); err != nil {
			return fmt.Errorf("ceiling: %w", err)
		}
	}
	if b != nil {
		r.letGo(b) // or its link would look for another way in
	}
	g, gctx := errgroup.WithContext(ctx)
	var volumes []string
	g.Go(func() error { return r.removeAll(gctx, append(own, rest...)) })
	g.Go(func() (err error) {
		volumes, err = r.volumesOf(gctx, id)
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	volumes = append(volumes, r.spareKept(b, own)...)
	if err := r.dropVolumes(ctx, volumes); err != nil {
		return err
	}
	if b == nil {
		return nil
	}
	r.forget(b)
	r.restNetwork(r.vpcOf(b.place.vpc))
	return nil
}

// spareKept names the volume that came with a warm sandbox, which has no label
// that tells whose it is.
func (r *Runtime) spareKept(b *box, own []container.Summary) []string {
	var all []string
	if b != nil && r.names.isSpare(b.kept) {
		all = append(all, b.kept)
	}
	for _, c := range own {
		if kept := keptBy(c); r.names.isSpare(kept) && (b == nil || kept != b.kept) {
			all = append(all, kept)
		}
	}
	return all
}

// running divides containers into those of the workload that may have
// processes and all others. One that was made may be starting, when somebody
// has not waited for it.
func running(all []container.Summary) (running, others []container.Summary) {
	for _, c := range all {
		if c.Labels[labelRole] != roleWorkload || c.State == container.StateExited || c.State == container.StateDead {
			others = append(others, c)
		} else {
			running = append(running, c)
		}
	}
	return running, others
}

// containersOf lists the sandbox's own containers apart from all others. The
// sandbox container has no label that names it.
func (r *Runtime) containersOf(ctx context.Context, id string) (own, others []container.Summary, err error) {
	l, err := r.daemon.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.ours().Add("name", r.names.pattern(id))})
	if err != nil {
		return nil, nil, err
	}
	for _, c := range l.Items {
		if c.Labels[labelRole] == roleSandbox {
			own = append(own, c)
		} else {
			others = append(others, c)
		}
	}
	return own, others, nil
}

func (r *Runtime) removeAll(ctx context.Context, all []container.Summary) error {
	g, gctx := errgroup.WithContext(ctx)
	for _, c := range all {
		g.Go(func() error {
			err := r.removeContainer(gctx, c.ID)
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.inspects, c.ID)
			delete(r.attempts, c.ID)
			return err
		})
	}
	return g.Wait()
}

// Purge removes everything of this instance: sandboxes, warm ones, networks,
// volumes, images. The runtime can be used afterwards.
func (r *Runtime) Purge(ctx context.Context) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	ids, err := r.List(ctx)
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, id := range ids {
		g.Go(func() error { return r.Down(gctx, id) })
	}
	err = errors.Join(g.Wait(), r.dropWarm(ctx), r.removeRest(ctx))
	return errors.Join(err, r.dropNetworks(ctx), r.removeImages(ctx, ""))
}

// removeRest removes containers that belong to no sandbox: warm ones of an
// earlier process, helpers.
func (r *Runtime) removeRest(ctx context.Context) error {
	l, err := r.daemon.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: r.ours()})
	if err != nil {
		return err
	}
	return errors.Join(r.removeAll(ctx, l.Items), r.dropSpareKept(ctx, nil))
}

// pruneImages removes sandbox images of other releases. Without any there is
// no need to know this release's.
func (r *Runtime) pruneImages(ctx context.Context) error {
	l, err := r.daemon.ImageList(ctx, client.ImageListOptions{Filters: r.ours()})
	if err != nil || len(l.Items) == 0 {
		return err
	}
	r.image.mu.Lock()
	keep, err := r.binaryRef(ctx)
	r.image.mu.Unlock()
	if err != nil {
		return err
	}
	return r.removeImages(ctx, keep)
}

// removeImages removes the instance's images but one. What a container still
// uses stays.
func (r *Runtime) removeImages(ctx context.Context, keep string) error {
	l, err := r.daemon.ImageList(ctx, client.ImageListOptions{Filters: r.ours()})
	if err != nil {
		return err
	}
	for _, i := range l.Items {
		for _, tag := range i.RepoTags {
			if tag == keep {
				continue
			}
			_, err := r.daemon.ImageRemove(ctx, tag, client.ImageRemoveOptions{PruneChildren: true})
			if err != nil && !errdefs.IsNotFound(err) && !errdefs.IsConflict(err) {
				return fmt.Errorf("image %s: %w", tag, err)
			}
		}
	}
	if keep == "" {
		r.forgetBinary()
	}
	return nil
}
