package docker

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/moby/moby/api/types/container"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// box is a sandbox container and what this process keeps for it. All of it can
// be had again from names and labels, see sync.go.
type box struct {
	sandbox   atomic.Pointer[string] // the id of the sandbox it serves; nil while it is warm
	container string                 // Docker's id
	place     place
	hostname  string // that its container was made with; "": after its address
	kept      string // the volume with the volumes that PID 1 keeps; "": none

	// The following are guarded by Runtime.mu.
	link    *link     // nil while the container does not run
	start   *starting // nil when none goes on in the background
	pause   pausing
	front   *front
	ceiling *ceiling // nil while it is not known
	newest  map[string]int
	notes   []string
	dns     []string // what is in resolv.conf
	// warnings are those of the sandbox about what it was told last.
	warnings []string
	// keptFolder is where the Engine has the kept volumes; "" while it is not
	// known.
	keptFolder string
	served     *tunnel.Session // see serveCluster
	given      given
}

func newBox(container string, p place) *box {
	return &box{container: container, place: p, dns: []string{vpcResolver}, newest: map[string]int{}}
}

// keeps tells whether the box has a place for volumes.
func (b *box) keeps() bool { return b.kept != "" }

// id is "" while the box is warm.
func (b *box) id() string {
	if p := b.sandbox.Load(); p != nil {
		return *p
	}
	return ""
}

func (r *Runtime) box(id string) *box {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.boxes[id]
}

func (r *Runtime) linkOf(b *box) *link {
	r.mu.Lock()
	defer r.mu.Unlock()
	return b.link
}

// attach makes the box's link, ending the one before.
func (r *Runtime) attach(b *box, first *stdio) *link {
	var h http.Handler
	if r.options.Metadata != nil {
		h = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			id := b.id()
			if id == "" {
				http.Error(w, "no task yet", http.StatusServiceUnavailable)
				return
			}
			r.options.Metadata(id).ServeHTTP(w, req)
		})
	}
	l := r.connect(b.container, h, first, func(t *tunnel.Session) {
		if cluster := t.Hello().Cluster; cluster != "" {
			r.serveCluster(b, t, cluster)
		}
	})
	r.mu.Lock()
	old := b.link
	b.link = l
	r.mu.Unlock()
	if old != nil {
		old.close()
	}
	return l
}

// letGo ends what this process does for the box; the container runs on.
func (r *Runtime) letGo(b *box) {
	r.mu.Lock()
	l, f := b.link, b.front
	b.link, b.front = nil, nil
	r.mu.Unlock()
	if f != nil {
		f.close()
	}
	if l != nil {
		l.close()
	}
}

// address is what describes the box's place to its owner.
func (r *Runtime) address(b *box) sandbox.Address {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := sandbox.Address{IP: b.place.ip.String(), Prefix: b.place.bits, MAC: mac(b.place.ip).String(), DNS: b.dns}
	if v := r.vpcs[b.place.vpc]; v != nil {
		a.Gateway = v.gateway.String()
	}
	if b.front != nil {
		a.Public, a.PublicPorts = b.front.address.String(), b.front.moved()
	}
	return a
}

// notesOf collects what could not be given as asked.
func (r *Runtime) notesOf(b *box) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	if v := r.vpcs[b.place.vpc]; v != nil && v.note() != "" {
		all = append(all, v.note())
	}
	if b.ceiling != nil {
		all = append(all, b.ceiling.notes...)
	}
	if b.front != nil {
		all = append(all, b.front.notes...)
	}
	if b.link != nil {
		if t := b.link.now(); t != nil {
			all = append(all, t.Hello().Warnings...)
		}
	}
	for _, w := range b.warnings {
		if !slices.Contains(all, w) { // a hello of a later session tells them too
			all = append(all, w)
		}
	}
	return append(all, b.notes...)
}

// linkTo returns the link to a sandbox that is up.
func (r *Runtime) linkTo(ctx context.Context, id string) (*link, error) {
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	b := r.box(id)
	if b == nil {
		return nil, errNoSandbox
	}
	l := r.linkOf(b)
	if l == nil {
		return nil, errNoSandbox
	}
	return l, nil
}

// placeLabels are those of a sandbox container: its place, which is chosen
// before it, and its host name, which listings do not tell.
func (r *Runtime) placeLabels(p place, wish boxWish) map[string]string {
	return map[string]string{
		labelInstance: r.options.Instance, labelRole: roleSandbox,
		labelVPC: p.vpc, labelSubnet: p.subnet, labelAddress: p.ip.String() + "/" + strconv.Itoa(p.bits),
		labelHost: wish.hostname,
	}
}

// boxOf reads a sandbox container back from a listing; nil when its labels
// make no sense, which no container of ours can be.
func boxOf(c container.Summary, network string) *box {
	p, err := netip.ParsePrefix(c.Labels[labelAddress])
	if err != nil {
		return nil
	}
	b := newBox(c.ID, place{vpc: c.Labels[labelVPC], subnet: c.Labels[labelSubnet], ip: p.Addr(), bits: p.Bits(), network: network})
	b.hostname, b.kept = c.Labels[labelHost], keptBy(c)
	return b
}

// keptBy names the volume that a sandbox container has mounted; "" for none.
func keptBy(c container.Summary) string {
	i := slices.IndexFunc(c.Mounts, func(m container.MountPoint) bool { return m.Destination == keptRoot })
	if i < 0 {
		return ""
	}
	return c.Mounts[i].Name
}
