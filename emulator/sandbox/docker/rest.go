package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// The end of networks. network.go is about their beginning.

// networkRest is how long a VPC's network stays after its last sandbox. The
// next one often comes soon, and making and removing a network costs the Engine
// as much as a sandbox does.
const networkRest = 15 * time.Second

// restNetwork has the VPC's network removed after a while, if nobody uses it.
func (r *Runtime) restNetwork(v *vpc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case v.id == "" || v.busy():
	case v.rest != nil:
		v.rest.Reset(networkRest)
	default:
		v.rest = time.AfterFunc(networkRest, func() {
			r.background(func(ctx context.Context) {
				if err := r.dropNetwork(ctx, v); err != nil && ctx.Err() == nil {
					r.log.Warn().Err(err).Msg("a network stays behind")
				}
			})
		})
	}
}

// dropResting removes networks that nobody uses and whose addresses are wanted
// for another VPC.
func (r *Runtime) dropResting(ctx context.Context, wanting *vpc, cidr netip.Prefix) {
	r.mu.Lock()
	var resting []*vpc
	for _, v := range r.vpcs {
		if v != wanting && v.id != "" && !v.busy() && v.pool.Overlaps(cidr) {
			resting = append(resting, v)
		}
	}
	r.mu.Unlock()
	for _, v := range resting {
		// One that is just wanted too is left alone: its maker may be
		// waiting for this one.
		if !v.make.TryLock() {
			continue
		}
		if err := r.dropUnused(ctx, v); err != nil {
			r.log.Debug().Err(err).Msg("a network cannot make room")
		}
		v.make.Unlock()
	}
}

// dropNetwork removes the VPC's network when nobody uses it any more. That
// somebody else's container is still attached to it is no error: it is tried
// again after the next sandbox and at the next start.
func (r *Runtime) dropNetwork(ctx context.Context, v *vpc) error {
	v.make.Lock()
	defer v.make.Unlock()
	return r.dropUnused(ctx, v)
}

// dropUnused is dropNetwork for callers that hold v.make.
func (r *Runtime) dropUnused(ctx context.Context, v *vpc) error {
	r.mu.Lock()
	id, busy := v.id, v.busy()
	r.mu.Unlock()
	if id == "" || busy {
		return nil
	}
	_, err := r.daemon.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	if err != nil && !errdefs.IsNotFound(err) {
		if hasEndpoints(err) {
			return nil
		}
		return fmt.Errorf("network of %s: %w", v.name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v.id = ""
	clear(v.used)
	return nil
}

// dropNetworks does so for all VPCs.
func (r *Runtime) dropNetworks(ctx context.Context) error {
	r.mu.Lock()
	all := slices.Collect(maps.Values(r.vpcs))
	r.mu.Unlock()
	var errs []error
	for _, v := range all {
		errs = append(errs, r.dropNetwork(ctx, v))
	}
	return errors.Join(errs...)
}

func hasEndpoints(err error) bool { return strings.Contains(err.Error(), "active endpoints") }
