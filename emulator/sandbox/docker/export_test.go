package docker

import (
	"context"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/neargate/neargate/emulator/addressbook"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// Abandon ends what r does without cleaning up, as a killed process would.
func Abandon(r *Runtime) {
	r.ending.Lock()
	r.end()
	r.ending.Unlock()
	r.running.Wait()
	r.mu.Lock()
	var all []*box
	for _, b := range r.boxes {
		all = append(all, b)
	}
	for _, p := range r.warm {
		p.idle.Stop()
		p.calm.Stop()
		all = append(all, p.ready...)
	}
	r.mu.Unlock()
	for _, b := range all {
		r.letGo(b)
	}
	r.closing.Do(func() { _ = r.daemon.Close() })
}

// Limit sets how long the Engine may take to answer about one container.
func Limit(r *Runtime, d time.Duration) { r.daemon.limit = d }

// Warm tells how many sandboxes are ready.
func Warm(r *Runtime) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.warm {
		for _, b := range p.ready {
			if b.link != nil && b.link.now() != nil {
				n++
			}
		}
	}
	return n
}

// Idle is what happens when nothing was started for as long as ready sandboxes
// wait.
func Idle(r *Runtime) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.warm {
		p.idle.Reset(0)
	}
}

// Calm is what happens a while after the last use of ready sandboxes.
func Calm(r *Runtime) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.warm {
		p.calm.Reset(0)
	}
}

// Making tells how many are being made.
func Making(r *Runtime) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, p := range r.warm {
		n += p.making
	}
	return n
}

// LateDigest tells what is remembered of an image that changes before the
// answer of what it was has been noted, and of one that does not.
func LateDigest() (changed, unchanged string) {
	var p pulls
	p.trust(true)
	_, changes := p.digest("ref")
	p.forget()
	p.remember("ref", "before", changes)
	changed, changes = p.digest("ref")
	p.remember("ref", "now", changes)
	unchanged, _ = p.digest("ref")
	return changed, unchanged
}

// Fronts are the public addresses that a sandbox tries, in order.
func Fronts(id string) []string {
	var all []string
	for _, a := range addressbook.Candidates(ownerKind+id, addressbook.Default) {
		all = append(all, a.String())
	}
	return all
}

// ReserveOnly is Reserve of a sandbox that is new, as far as it goes before the
// start.
func ReserveOnly(ctx context.Context, r *Runtime, s *sandbox.Spec) (netip.Addr, error) {
	w, err := parseNetwork(s.Network)
	if err != nil {
		return netip.Addr{}, err
	}
	if err := r.ready(ctx); err != nil {
		return netip.Addr{}, err
	}
	b, err := r.obtainPlace(ctx, s, w, r.reserveBoxAt)
	if err != nil {
		return netip.Addr{}, err
	}
	r.assign(b, s.ID)
	return b.place.ip, nil
}

// Settings are what a sandbox is told.
func Settings(s *sandbox.Spec, ip netip.Addr) (tunnel.Network, error) { return settings(s, ip) }

// Observed is a container of the Engine's in the runtime's words.
func Observed(c container.InspectResponse) sandbox.ObservedContainer { return observed(c) }

// TableOf is a table in the tunnel's words.
func TableOf(t sandbox.ServiceTable) tunnel.Services { return tableOf(t) }
