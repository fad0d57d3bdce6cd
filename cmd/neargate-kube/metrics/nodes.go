package metrics

import (
	"cmp"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
)

// nodes.go answers for nodes; server.go does for pods.

func (s *Server) listNodes(w http.ResponseWriter, r *http.Request) {
	label, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	all, err := s.nodes.List(label)
	if err != nil {
		refuse(w, apierrors.NewInternalError(err))
		return
	}
	pods := s.running()
	s.measure(r.Context(), pods)
	out := v1beta1.NodeMetricsList{
		TypeMeta: metav1.TypeMeta{Kind: "NodeMetricsList", APIVersion: groupVersion.String()}, Items: []v1beta1.NodeMetrics{},
	}
	for _, n := range slices.SortedFunc(slices.Values(all), func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) }) {
		if m, ok := s.node(n, pods); ok {
			out.Items = append(out.Items, m)
		}
	}
	write(w, http.StatusOK, out)
}

func (s *Server) getNode(w http.ResponseWriter, r *http.Request) {
	missing := apierrors.NewNotFound(schema.GroupResource{Group: groupVersion.Group, Resource: "nodes"}, r.PathValue("name"))
	n, err := s.nodes.Get(r.PathValue("name"))
	if err != nil {
		refuse(w, missing)
		return
	}
	pods := slices.DeleteFunc(s.running(), func(p *corev1.Pod) bool { return p.Spec.NodeName != n.Name })
	s.measure(r.Context(), pods)
	m, ok := s.node(n, pods)
	if !ok {
		refuse(w, missing)
		return
	}
	write(w, http.StatusOK, m)
}

// node sums up the usage of a node's pods: it has nothing else to run. Of one
// whose pods have not been measured nothing can be told.
func (s *Server) node(n *corev1.Node, pods []*corev1.Pod) (v1beta1.NodeMetrics, bool) {
	m := v1beta1.NodeMetrics{
		TypeMeta:   metav1.TypeMeta{Kind: "NodeMetrics", APIVersion: groupVersion.String()},
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels, CreationTimestamp: metav1.Now()},
		Timestamp:  metav1.Now(), Window: metav1.Duration{Duration: resolution},
	}
	var sum Usage
	all, measured := 0, 0
	for _, p := range pods {
		if p.Spec.NodeName != n.Name {
			continue
		}
		all++
		if u, ok := s.sampler.usage(boxes.ID(p.UID)); ok {
			measured++
			m.Timestamp, m.Window = metav1.NewTime(u.At), metav1.Duration{Duration: u.Window}
			for _, c := range u.Containers {
				sum.CPU += c.CPU
				sum.Memory += c.Memory
			}
		}
	}
	m.Usage = list(sum)
	return m, all == 0 || measured > 0
}
