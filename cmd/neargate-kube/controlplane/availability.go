package controlplane

import (
	"context"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// metricsAPI is the name of the APIService that metrics_api.go makes.
const metricsAPI = "v1beta1.metrics.k8s.io"

// availability follows what the aggregator thinks of metrics.k8s.io.
type availability struct {
	informer cache.SharedIndexInformer
	changed  func()

	mu    sync.Mutex
	known bool
	why   string
}

// newAvailability has changed called whenever now may tell something new.
func newAvailability(server *apiServer, changed func()) (*availability, error) {
	apis, err := aggregator.NewForConfig(server.client)
	if err != nil {
		return nil, err
	}
	lw := cache.NewListWatchFromClient(apis.ApiregistrationV1().RESTClient(), "apiservices", metav1.NamespaceNone, fields.OneTermEqualSelector("metadata.name", metricsAPI))
	a := &availability{informer: cache.NewSharedIndexInformer(lw, &apiregistrationv1.APIService{}, 0, nil), changed: changed}
	_, err = a.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: a.see, UpdateFunc: func(_, now any) { a.see(now) },
		DeleteFunc: func(any) {
			a.set("the APIService " + metricsAPI + " is not there; it is made anew when the control plane starts")
		},
	})
	return a, err
}

func (a *availability) follow(ctx context.Context) { a.informer.RunWithContext(ctx) }

// see reads the condition Available; before the aggregator has one there is
// nothing to tell.
func (a *availability) see(o any) {
	s, ok := o.(*apiregistrationv1.APIService)
	if !ok {
		return
	}
	for _, c := range s.Status.Conditions {
		switch {
		case c.Type != apiregistrationv1.Available:
		case c.Status == apiregistrationv1.ConditionTrue:
			a.set("")
		default:
			a.set("the APIService " + metricsAPI + " is not available: " + c.Message)
		}
	}
}

func (a *availability) set(why string) {
	a.mu.Lock()
	a.known, a.why = true, why
	a.mu.Unlock()
	a.changed()
}

func (a *availability) now() (why string, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.why, a.known
}
