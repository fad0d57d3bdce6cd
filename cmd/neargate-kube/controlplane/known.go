package controlplane

import (
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// known is what the hooks of the API server read of the cluster; it is there
// once the API server answers.
type known struct{ nodes corelisters.NodeLister }

// nodeOf finds the node that an EC2 instance is, by its id.
func (p *plane) nodeOf(instance string) string {
	k := p.known.Load()
	if k == nil || instance == "" {
		return ""
	}
	all, err := k.nodes.List(labels.Everything())
	if err != nil {
		return "" // a lister over a cache has no errors
	}
	for _, n := range all {
		if strings.HasSuffix(n.Spec.ProviderID, "/"+instance) {
			return n.Name
		}
	}
	return ""
}
