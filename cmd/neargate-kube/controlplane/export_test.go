package controlplane

import (
	"io"

	"github.com/rs/zerolog"
	corelisters "k8s.io/client-go/listers/core/v1"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"

	rbacv1 "k8s.io/api/rbac/v1"
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

// Rules are those that a ClusterRole has, put together.
func Rules(roles rbaclisters.ClusterRoleLister, name string) ([]rbacv1.PolicyRule, error) {
	return (&known{roles: roles}).rules(name, aggregation)
}

// NodeOf finds the node that an instance is.
func NodeOf(nodes corelisters.NodeLister, instance string) string {
	p := &plane{}
	p.known.Store(&known{nodes: nodes})
	return p.nodeOf(instance)
}
