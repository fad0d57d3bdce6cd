package controlplane

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/neargate/neargate/cmd/neargate-kube/access/irsa"
)

// why.go answers `neargate why`.

// whyOf tells of a pod, "namespace/name", or with "" of the cluster.
func (p *plane) whyOf(q *parts) func(ctx context.Context, pod string) []string {
	return func(ctx context.Context, pod string) []string {
		if pod == "" {
			return p.whyCluster(ctx, q)
		}
		return p.whyPod(ctx, q, pod)
	}
}

func (p *plane) whyCluster(ctx context.Context, q *parts) []string {
	var all []string
	if err := p.issuer.Why(); err != nil {
		all = append(all, "Tokens of the associated identity provider are not taken: "+err.Error())
	}
	addons := p.provided(q)
	for _, name := range providedNames {
		if why := addons[name]; why != "" {
			all = append(all, fmt.Sprintf("%s: %s", name, why))
		}
	}
	return slices.Concat(all, q.publisher.Why(ctx, ""))
}

func (p *plane) whyPod(ctx context.Context, q *parts, pod string) []string {
	namespace, name, ok := strings.Cut(pod, "/")
	if !ok {
		return []string{fmt.Sprintf("%q is not of the form namespace/name.", pod)}
	}
	found, err := q.factory.Core().V1().Pods().Lister().Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return []string{fmt.Sprintf("There is no pod %s in namespace %s.", name, namespace)}
	}
	if err != nil {
		return []string{err.Error()}
	}
	var identity []string
	if a, ok := p.settings.association(namespace, found.Spec.ServiceAccountName); ok {
		identity = irsa.Why(found, a)
	}
	return slices.Concat(q.compute.Why(found), q.worker.Why(found), identity, q.publisher.Why(ctx, namespace))
}
