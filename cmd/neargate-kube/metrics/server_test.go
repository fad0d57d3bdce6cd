package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/neargate/neargate/cmd/neargate-kube/metrics"
	"github.com/neargate/neargate/emulator/sandbox"
)

// reader has containers that use half a core and 100 MiB, of which 20 are
// cache.
type reader struct {
	mu    sync.Mutex
	looks map[string]int
	start time.Time
	pods  cache.Indexer
}

func (r *reader) Stats(_ context.Context, id string) (sandbox.Stats, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks[id]++
	if id == "dead" {
		return sandbox.Stats{}, errors.New("it cannot be read")
	}
	return sandbox.Stats{At: time.Now(), Containers: map[string]sandbox.ContainerStats{
		"c": {CPU: time.Since(r.start) / 2, Memory: 100 << 20, MemoryCache: 20 << 20},
	}}, nil
}

func (r *reader) total() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range r.looks {
		n += l
	}
	return n
}

func pod(namespace, name, node, uid string, phase corev1.PodPhase) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(uid), Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Name: "c"}}}, Status: corev1.PodStatus{Phase: phase},
	}
}

func serve(t *testing.T) (*metrics.Server, *reader) {
	t.Helper()
	pods, nodes := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}), cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, p := range []*corev1.Pod{
		pod("a", "web", "n1", "1", corev1.PodRunning), pod("a", "db", "n2", "2", corev1.PodRunning), pod("b", "web", "n2", "3", corev1.PodRunning),
		pod("a", "done", "n3", "4", corev1.PodSucceeded), pod("a", "dead", "n4", "dead", corev1.PodRunning),
	} {
		if err := pods.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"n1", "n2", "n3", "n4"} {
		if err := nodes.Add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
			t.Fatal(err)
		}
	}
	r := &reader{looks: map[string]int{}, start: time.Now(), pods: pods}
	return metrics.New(listers.NewPodLister(pods), listers.NewNodeLister(nodes), r), r
}

const base = "/apis/metrics.k8s.io/v1beta1"

func get(t *testing.T, s *metrics.Server, path string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%s: %v: %s", path, err, w.Body)
	}
	return w.Code
}

// names lists pods with their usage.
func names(list v1beta1.PodMetricsList) string {
	var all []string
	for _, m := range list.Items {
		u := m.Containers[0].Usage
		all = append(all, m.Namespace+"/"+m.Name+" "+u.Cpu().String()+" "+u.Memory().String())
	}
	return strings.Join(all, ", ")
}

func TestPods(t *testing.T) {
	for _, row := range []struct{ path, want string }{
		{"/pods", "a/db 500m 80Mi, a/web 500m 80Mi, b/web 500m 80Mi"},
		{"/namespaces/a/pods", "a/db 500m 80Mi, a/web 500m 80Mi"},
		{"/pods?labelSelector=app%3Dweb", "a/web 500m 80Mi, b/web 500m 80Mi"},
		{"/pods?fieldSelector=spec.nodeName%3Dn2", "a/db 500m 80Mi, b/web 500m 80Mi"},
		{"/namespaces/c/pods", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := serve(t)
			var list v1beta1.PodMetricsList
			if code := get(t, s, base+row.path, &list); code != 200 || names(list) != row.want || list.Items == nil {
				t.Errorf("%s: %d %s", row.path, code, names(list))
			}
		})
	}
}

func TestOne(t *testing.T) {
	for _, row := range []struct {
		path, want string
		code       int
	}{
		{"/namespaces/a/pods/web", "", 200},
		{"/namespaces/a/pods/done", `pods.metrics.k8s.io "a/done" not found`, 404},
		{"/namespaces/a/pods/dead", `pods.metrics.k8s.io "a/dead" not found`, 404},
		{"/namespaces/a/pods/none", `pods.metrics.k8s.io "a/none" not found`, 404},
		{"/nodes/n1", "", 200},
		{"/nodes/n4", `nodes.metrics.k8s.io "n4" not found`, 404},
		{"/nodes/none", `nodes.metrics.k8s.io "none" not found`, 404},
		{"/pods?labelSelector=%21%21", "found '!', expected: identifier", 400},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := serve(t)
			var status metav1.Status
			if code := get(t, s, base+row.path, &status); code != row.code || !strings.Contains(status.Message, row.want) {
				t.Errorf("%s: %d %q", row.path, code, status.Message)
			}
		})
	}
}

func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serve(t)
		var list v1beta1.NodeMetricsList
		get(t, s, base+"/nodes", &list)
		var all []string
		for _, m := range list.Items {
			all = append(all, m.Name+" "+m.Usage.Cpu().String()+" "+m.Usage.Memory().String())
		}
		// n3 has nothing that runs; of n4 nothing is known.
		if got := strings.Join(all, ", "); got != "n1 500m 80Mi, n2 1 160Mi, n3 0 0" {
			t.Error(got)
		}
	})
}

func TestReadingEndsWithTheInterest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := serve(t)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); s.Run(ctx) }()
		time.Sleep(time.Hour)
		if n := r.total(); n > 0 {
			t.Errorf("%d looks though nobody asked", n)
		}
		var list v1beta1.PodMetricsList
		get(t, s, base+"/pods", &list)
		time.Sleep(time.Minute)
		r.mu.Lock()
		looks := r.looks["1"]
		r.mu.Unlock()
		if looks < 4 || looks > 8 {
			t.Errorf("%d looks in the minute after the question", looks)
		}
		time.Sleep(10 * time.Minute)
		n := r.total()
		time.Sleep(time.Hour)
		if r.total() != n {
			t.Errorf("%d looks long after the last question", r.total()-n)
		}
		cancel()
		<-done
	})
}

// Of a pod that has begun a moment ago one look tells all: it has used nothing
// before. Of others, and after a long silence, a window is made first.
func TestFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := serve(t)
		began := time.Now()
		since := func(restarts int32) {
			p := pod("a", "new", "n1", "5", corev1.PodRunning)
			p.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: "c", RestartCount: restarts, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(began)}},
			}}
			if err := r.pods.Add(p); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(what string, looks int, wait time.Duration) {
			t.Helper()
			r.mu.Lock()
			clear(r.looks)
			r.mu.Unlock()
			at := time.Now()
			var m v1beta1.PodMetrics
			code := get(t, s, base+"/namespaces/a/pods/new", &m)
			if code != 200 || len(m.Containers) != 1 || m.Containers[0].Usage.Cpu().String() != "500m" {
				t.Fatalf("%s: %d %+v", what, code, m)
			}
			if took := time.Since(at); took != wait || r.looks["5"] != looks || time.Since(m.Timestamp.Time) > 10*time.Second {
				t.Errorf("%s: %d looks in %v, of %v", what, r.looks["5"], took, m.Timestamp)
			}
		}
		since(0)
		time.Sleep(10 * time.Second)
		ask("a young pod", 1, 0)
		time.Sleep(5 * time.Second)
		ask("it is asked again", 0, 0)
		time.Sleep(time.Hour)
		ask("after an hour", 2, time.Second)
		time.Sleep(time.Hour)
		began = time.Now()
		since(1)
		time.Sleep(10 * time.Second)
		ask("one that was started anew", 2, time.Second)
	})
}

func TestBetween(t *testing.T) {
	at := time.Unix(100, 0)
	was := sandbox.Stats{At: at, Containers: map[string]sandbox.ContainerStats{"c": {CPU: time.Second}, "again": {CPU: time.Minute}}}
	is := sandbox.Stats{At: at.Add(2 * time.Second), Containers: map[string]sandbox.ContainerStats{
		"c": {CPU: 2 * time.Second, Memory: 5, MemoryCache: 9}, "again": {CPU: time.Second}, "new": {CPU: time.Second},
	}}
	u, ok := metrics.Between(was, is)
	if !ok || len(u.Containers) != 1 || u.Containers["c"] != (metrics.Usage{CPU: 0.5, Memory: 5}) || u.Window != 2*time.Second {
		t.Errorf("%+v %t", u, ok)
	}
	if _, ok := metrics.Between(is, is); ok {
		t.Error("usage without a window")
	}
}

func TestDiscovery(t *testing.T) {
	s, _ := serve(t)
	var list metav1.APIResourceList
	if code := get(t, s, base, &list); code != 200 || len(list.APIResources) != 2 || list.GroupVersion != "metrics.k8s.io/v1beta1" {
		t.Errorf("%d %+v", code, list)
	}
	var groups metav1.APIGroupList
	if code := get(t, s, "/apis", &groups); code != 200 || groups.Groups[0].PreferredVersion.Version != "v1beta1" {
		t.Errorf("%d %+v", code, groups)
	}
	var spec map[string]any
	if code := get(t, s, "/openapi/v2", &spec); code != 200 || spec["swagger"] != "2.0" {
		t.Errorf("%d %+v", code, spec)
	}
}
