package controlplane

import (
	"io"

	"github.com/rs/zerolog"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// NewLines is what upstream's log output goes to.
func NewLines(log zerolog.Logger, component string) io.Writer {
	return &lines{log: log, component: component}
}

// Ring is a ring.
type Ring struct{ ring }

// NewRing returns an empty one.
func NewRing() *Ring { return &Ring{} }

// Dump writes what is kept.
func (r *Ring) Dump(w io.Writer) error { return r.writeTo(w) }

// NodeOf finds the node that an instance is.
func NodeOf(nodes corelisters.NodeLister, instance string) string {
	p := &plane{}
	p.known.Store(&known{nodes: nodes})
	return p.nodeOf(instance)
}

// NewKeeper is how the database is kept honest.
var NewKeeper = newKeeper
