package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
)

// Server answers metrics.k8s.io/v1beta1. The API server stands before it and
// has done what there is to authorize.
type Server struct {
	pods    listers.PodLister
	nodes   listers.NodeLister
	sampler *sampler
	mux     *http.ServeMux
}

// New returns a Server.
func New(pods listers.PodLister, nodes listers.NodeLister, r Reader) *Server {
	s := &Server{pods: pods, nodes: nodes, mux: http.NewServeMux()}
	s.sampler = newSampler(r, s.running)
	const base = "/apis/metrics.k8s.io/v1beta1"
	s.mux.HandleFunc("GET /apis", s.fixed(groups()))
	s.mux.HandleFunc("GET /apis/metrics.k8s.io", s.fixed(groups().Groups[0]))
	// The aggregator asks for these again and again where there are none.
	s.mux.HandleFunc("GET /openapi/v2", s.fixed(map[string]any{"swagger": "2.0", "info": map[string]string{"title": groupVersion.Group, "version": groupVersion.Version}, "paths": map[string]any{}}))
	s.mux.HandleFunc("GET /openapi/v3", s.fixed(map[string]any{"paths": map[string]any{}}))
	s.mux.HandleFunc("GET "+base, s.fixed(resources()))
	s.mux.HandleFunc("GET "+base+"/pods", s.listPods)
	s.mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods", s.listPods)
	s.mux.HandleFunc("GET "+base+"/namespaces/{namespace}/pods/{name}", s.getPod)
	s.mux.HandleFunc("GET "+base+"/nodes", s.listNodes)
	s.mux.HandleFunc("GET "+base+"/nodes/{name}", s.getNode)
	return s
}

// Run reads usage while there is interest, until ctx ends.
func (s *Server) Run(ctx context.Context) { s.sampler.run(ctx) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

var groupVersion = v1beta1.SchemeGroupVersion

func groups() *metav1.APIGroupList {
	v := metav1.GroupVersionForDiscovery{GroupVersion: groupVersion.String(), Version: groupVersion.Version}
	return &metav1.APIGroupList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"},
		Groups: []metav1.APIGroup{{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroup", APIVersion: "v1"},
			Name:     groupVersion.Group, Versions: []metav1.GroupVersionForDiscovery{v}, PreferredVersion: v,
		}},
	}
}

func resources() *metav1.APIResourceList {
	return &metav1.APIResourceList{
		TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: groupVersion.String(),
		APIResources: []metav1.APIResource{
			{Name: "nodes", Kind: "NodeMetrics", Verbs: metav1.Verbs{"get", "list"}},
			{Name: "pods", Kind: "PodMetrics", Namespaced: true, Verbs: metav1.Verbs{"get", "list"}},
		},
	}
}

func (s *Server) fixed(body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { write(w, http.StatusOK, body) }
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the reader may be gone
}

func refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	body := err.ErrStatus
	body.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	write(w, int(body.Code), body)
}

// running are the pods that use anything.
func (s *Server) running() []*corev1.Pod {
	all, err := s.pods.List(labels.Everything())
	if err != nil {
		return nil // a lister over a cache has no errors
	}
	return slices.DeleteFunc(slices.Clone(all), func(p *corev1.Pod) bool { return p.Status.Phase != corev1.PodRunning })
}

// choose returns the running pods that a request is about.
func (s *Server) choose(r *http.Request) ([]*corev1.Pod, *apierrors.StatusError) {
	label, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	field, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	namespace := r.PathValue("namespace")
	all := slices.DeleteFunc(s.running(), func(p *corev1.Pod) bool {
		return namespace != "" && p.Namespace != namespace || !label.Matches(labels.Set(p.Labels)) ||
			!field.Matches(fields.Set{"metadata.name": p.Name, "metadata.namespace": p.Namespace, "spec.nodeName": p.Spec.NodeName})
	})
	slices.SortFunc(all, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

// measure makes sure that there is usage to tell.
func (s *Server) measure(ctx context.Context, all []*corev1.Pod) {
	ids := make([]string, len(all))
	for i, p := range all {
		ids[i] = boxes.ID(p.UID)
	}
	s.sampler.ask(ctx, ids)
}

func (s *Server) listPods(w http.ResponseWriter, r *http.Request) {
	all, bad := s.choose(r)
	if bad != nil {
		refuse(w, bad)
		return
	}
	s.measure(r.Context(), all)
	list := v1beta1.PodMetricsList{
		TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: groupVersion.String()}, Items: []v1beta1.PodMetrics{},
	}
	for _, p := range all {
		if m, ok := s.pod(p); ok {
			list.Items = append(list.Items, m)
		}
	}
	write(w, http.StatusOK, list)
}

func (s *Server) getPod(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	missing := apierrors.NewNotFound(schema.GroupResource{Group: groupVersion.Group, Resource: "pods"}, r.PathValue("namespace")+"/"+name)
	p, err := s.pods.Pods(r.PathValue("namespace")).Get(name)
	if err != nil || p.Status.Phase != corev1.PodRunning {
		refuse(w, missing)
		return
	}
	s.measure(r.Context(), []*corev1.Pod{p})
	m, ok := s.pod(p)
	if !ok {
		refuse(w, missing)
		return
	}
	write(w, http.StatusOK, m)
}

func (s *Server) pod(p *corev1.Pod) (m v1beta1.PodMetrics, ok bool) {
	u, ok := s.sampler.usage(boxes.ID(p.UID))
	if !ok {
		return m, false
	}
	m = v1beta1.PodMetrics{
		TypeMeta:   metav1.TypeMeta{Kind: "PodMetrics", APIVersion: groupVersion.String()},
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: p.Namespace, Labels: p.Labels, CreationTimestamp: metav1.Now()},
		Timestamp:  metav1.NewTime(u.At), Window: metav1.Duration{Duration: u.Window}, Containers: []v1beta1.ContainerMetrics{},
	}
	for _, c := range p.Spec.Containers {
		if of, ok := u.Containers[c.Name]; ok {
			m.Containers = append(m.Containers, v1beta1.ContainerMetrics{Name: c.Name, Usage: list(of)})
		}
	}
	return m, true
}

func list(u Usage) corev1.ResourceList {
	return corev1.ResourceList{
		corev1.ResourceCPU:    *resource.NewScaledQuantity(int64(math.Ceil(u.CPU*1e9)), resource.Nano),
		corev1.ResourceMemory: *resource.NewQuantity(int64(u.Memory), resource.BinarySI),
	}
}
