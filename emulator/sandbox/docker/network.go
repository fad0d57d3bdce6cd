package docker

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// VPCs as Docker networks: made on first need, removed after the last sandbox,
// which is the matter of rest.go.
// Which addresses there are is address.go's matter.

// vpc is a VPC's network.
type vpc struct {
	name    string     // vpc-…
	make    sync.Mutex // held while the network is made or removed
	id      string     // Docker's; "" when there is none
	wish    netip.Prefix
	pool    netip.Prefix // what it really has
	gateway netip.Addr
	used    map[netip.Addr]bool // true: by us; false: by somebody else's container
	cursors map[netip.Prefix]uint32
	rest    *time.Timer // removes the network when nobody has used it again
}

// place is an address in a VPC.
type place struct {
	vpc, subnet string
	ip          netip.Addr
	bits        int    // of the subnet
	network     string // Docker's id
}

func (r *Runtime) vpcOf(name string) *vpc {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.vpcLocked(name)
}

// vpcLocked is vpcOf for callers that hold Runtime.mu.
func (r *Runtime) vpcLocked(name string) *vpc {
	v := r.vpcs[name]
	if v == nil {
		v = &vpc{name: name, used: map[netip.Addr]bool{}, cursors: map[netip.Prefix]uint32{}}
		r.vpcs[name] = v
	}
	return v
}

// claim takes a free address of the wanted subnet, making the VPC's network if
// there is none. It fails with a StopError when the subnet has no address left,
// or no more than are to be spared.
func (r *Runtime) claim(ctx context.Context, n sandbox.Network, w wanted, spared int) (place, error) {
	v := r.vpcOf(w.vpc)
	v.make.Lock()
	defer v.make.Unlock()
	if v.id == "" {
		if err := r.makeNetwork(ctx, v, w); err != nil {
			return place{}, err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	subnet := v.subnet(w)
	ip, cursor, ok := pick(subnet, v.cursors[subnet], v.isUsed)
	if !ok || v.free(subnet) <= spared {
		return place{}, noAddress(n)
	}
	v.cursors[subnet] = cursor
	v.used[ip] = true
	return place{vpc: w.vpc, subnet: w.subnet, ip: ip, bits: subnet.Bits(), network: v.id}, nil
}

// makeNetwork tries the VPC's own CIDR and then others. Whether one can be had
// only the Engine knows, by trying.
func (r *Runtime) makeNetwork(ctx context.Context, v *vpc, w wanted) error {
	if found, err := r.findNetwork(ctx, v); found || err != nil {
		return err
	}
	r.dropResting(ctx, v, w.cidr)
	candidates := append([]netip.Prefix{w.cidr}, pools(w.vpc, w.cidr)...)
	foreign := r.hostPrefixes()
	var refusal error
	for _, pool := range candidates {
		if p, taken := overlap(pool, foreign); taken {
			refusal = fmt.Errorf("this host has a route to %s", p)
			continue
		}
		err := r.tryPool(ctx, v, w.cidr, pool)
		if err == nil {
			if pool != w.cidr {
				r.log.Warn().Str("vpc", w.vpc).Stringer("wanted", w.cidr).Stringer("got", pool).AnErr("because", refusal).Msg("another pool stands in for the VPC's addresses")
			}
			return nil
		}
		if !isOverlap(err) {
			return fmt.Errorf("network of %s: %w", w.vpc, err)
		}
		refusal = err
	}
	return fmt.Errorf("network of %s: no free pool: %w", w.vpc, refusal)
}

// findNetwork takes up a network that an earlier call has made without hearing
// so.
func (r *Runtime) findNetwork(ctx context.Context, v *vpc) (bool, error) {
	l, err := r.daemon.NetworkList(ctx, client.NetworkListOptions{Filters: r.ours().Add("label", labelVPC+"="+v.name)})
	if err != nil || len(l.Items) == 0 {
		return false, err
	}
	n := l.Items[0]
	return r.seeNetwork(v.name, n.Labels[labelCIDR], n.ID, subnetsOf(n)), nil
}

func (r *Runtime) tryPool(ctx context.Context, v *vpc, wish, pool netip.Prefix) error {
	// The Engine finishes what it has begun, whoever listens; so its answer is
	// waited for.
	ctx, cancel := cleanup(ctx)
	defer cancel()
	on := true
	result, err := r.daemon.NetworkCreate(ctx, r.names.network(v.name), client.NetworkCreateOptions{
		Driver:     "bridge",
		EnableIPv4: &on,
		IPAM:       &network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: pool, Gateway: firstHost(pool)}}},
		Options: map[string]string{
			"com.docker.network.bridge.enable_icc":           "true",
			"com.docker.network.bridge.enable_ip_masquerade": "true",
		},
		Labels: map[string]string{labelInstance: r.options.Instance, labelVPC: v.name, labelCIDR: wish.String()},
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	v.id, v.wish, v.pool, v.gateway = result.ID, wish, pool, firstHost(pool)
	return nil
}

// isOverlap recognises the Engine's refusals of a pool: libnetwork's address
// management, its bridge driver, and the bridge driver of version 28.
func isOverlap(err error) bool {
	text := strings.ToLower(err.Error())
	for _, sign := range []string{"overlaps with other one", "overlapping ipv4", "networks have same bridge", "conflicts with network", "is already allocated"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

func subnetsOf(n network.Summary) []netip.Prefix {
	var all []netip.Prefix
	for _, c := range n.IPAM.Config {
		if c.Subnet.IsValid() {
			all = append(all, c.Subnet)
		}
	}
	return all
}

func overlap(p netip.Prefix, all []netip.Prefix) (netip.Prefix, bool) {
	for _, q := range all {
		if p.Overlaps(q) {
			return q, true
		}
	}
	return netip.Prefix{}, false
}

// subnet returns where the wished subnet really is.
func (v *vpc) subnet(w wanted) netip.Prefix {
	if v.pool == w.cidr {
		return w.part
	}
	return translate(w.part, w.cidr, v.pool)
}

func (v *vpc) isUsed(a netip.Addr) bool {
	_, used := v.used[a]
	return used
}

// busy reports whether a sandbox of ours has an address.
func (v *vpc) busy() bool {
	for _, ours := range v.used {
		if ours {
			return true
		}
	}
	return false
}

// free counts the addresses of a subnet that nobody has.
func (v *vpc) free(subnet netip.Prefix) int {
	n := max(int(size(subnet))-reservedFirst-reservedLast, 0)
	for a := range v.used {
		if subnet.Contains(a) {
			n--
		}
	}
	return n
}

// note says in a sentence when addresses are not those that were asked for.
func (v *vpc) note() string {
	if v.pool == v.wish {
		return ""
	}
	return fmt.Sprintf("addresses of %s are from %s: another network of this host has %s", v.name, v.pool, v.wish)
}

// leave keeps an address from being tried again: the Engine says that it is
// somebody else's.
func (r *Runtime) leave(p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.vpcLocked(p.vpc).used[p.ip] = false
}

func (r *Runtime) release(p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.vpcs[p.vpc]; v != nil {
		delete(v.used, p.ip)
	}
}

// networkLost forgets a network that is not there any more: somebody has
// removed it.
func (r *Runtime) networkLost(p place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := r.vpcs[p.vpc]; v != nil && v.id == p.network {
		v.id = ""
	}
}
