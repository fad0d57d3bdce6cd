package pods

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"
	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Boxes are the cluster's sandboxes: package boxes.
type Boxes interface {
	Get(id string) (*sandbox.Sandbox, bool)
	IDs() []string
	Synced() <-chan struct{}
	OnChange(f func(id string))
}

// Parent is the emulator, whose the sandboxes are.
type Parent interface {
	link.Sandboxes
	link.Containers
}

// Config is what the worker needs.
type Config struct {
	Client    kubernetes.Interface
	Informers informers.SharedInformerFactory // not started yet
	Boxes     Boxes
	Parent    Parent
	Cluster   link.Config
	Settings  func() link.Settings
	Log       zerolog.Logger
	// Translator is nil for the one of package translate.
	Translator Translator
}

// workers is how many pods are worked on at once.
const workers = 16

// The waits between tries after an error, doubled with each.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 15 * time.Second
)

// Indexes of the pods' informer.
const (
	byBox    = "neargate-sandbox"
	byObject = "neargate-object"
)

// Worker works for all pods that are bound to the cluster's nodes.
type Worker struct {
	Config
	pods    cache.Indexer
	nodes   corelisters.NodeLister
	synced  []cache.InformerSynced
	objects *objects
	queue   workqueue.TypedRateLimitingInterface[string] // ids of sandboxes
	record  func(*v1.Pod, event)
	events  *recorder

	mu       sync.Mutex
	memories map[string]*memory // by id of the sandbox
	stale    map[string]bool    // those whose volumes may have to change
}

// New makes a worker and registers it with informers and boxes. It does nothing
// before Run.
func New(c Config) (*Worker, error) {
	w := &Worker{
		Config:   c,
		memories: map[string]*memory{},
		stale:    map[string]bool{},
		queue:    workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](firstRetry, lastRetry)),
		events:   newRecorder(c.Client),
	}
	w.record = w.events.record
	w.objects = newObjects(c.Client, w.objectChanged)
	pods := c.Informers.Core().V1().Pods().Informer()
	if err := pods.AddIndexers(cache.Indexers{byBox: boxIndex, byObject: objectIndex}); err != nil {
		return nil, err
	}
	w.pods = pods.GetIndexer()
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: w.podAdded, UpdateFunc: w.podUpdated, DeleteFunc: w.podDeleted}); err != nil {
		return nil, err
	}
	nodes := c.Informers.Core().V1().Nodes()
	services := c.Informers.Core().V1().Services()
	w.nodes = nodes.Lister()
	w.synced = []cache.InformerSynced{pods.HasSynced, nodes.Informer().HasSynced, services.Informer().HasSynced}
	if w.Translator == nil {
		w.Translator = newTranslator(w, services.Lister())
	}
	c.Boxes.OnChange(w.queue.Add)
	return w, nil
}

// Run works until ctx ends. The informers and boxes are run by others. Nothing
// is done before all of them are complete: what runs is adopted as it is.
func (w *Worker) Run(ctx context.Context) error {
	defer w.queue.ShutDown()
	stopEvents := w.events.start()
	defer stopEvents()
	w.objects.start(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), w.synced...) {
		return ctx.Err()
	}
	select {
	case <-w.Boxes.Synced():
	case <-ctx.Done():
		return ctx.Err()
	}
	w.adopt()
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for w.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	w.queue.ShutDown()
	running.Wait()
	return ctx.Err()
}

// adopt takes what there is for told, so that no event is told twice, and has
// everything looked at: also sandboxes whose pod is gone.
func (w *Worker) adopt() {
	for _, id := range w.Boxes.IDs() {
		box, _ := w.Boxes.Get(id)
		m := w.memory(id)
		m.seen = box
		w.queue.Add(id)
	}
}

// next works on one pod.
func (w *Worker) next(ctx context.Context) bool {
	id, stop := w.queue.Get()
	if stop {
		return false
	}
	defer w.queue.Done(id)
	again, err := w.sync(ctx, id)
	switch {
	case err == nil:
		w.queue.Forget(id)
		if again > 0 {
			w.queue.AddAfter(id, again)
		}
	case ctx.Err() != nil:
	default:
		if !errors.Is(err, errStale) {
			w.Log.Warn().Err(err).Str("sandbox", id).Msg("a pod is tried again")
		}
		w.queue.AddRateLimited(id)
	}
	return true
}

// pod finds the pod of a sandbox; nil when there is none.
func (w *Worker) pod(id string) (*v1.Pod, error) {
	found, err := w.pods.ByIndex(byBox, id)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0].(*v1.Pod), nil
}

func (w *Worker) podAdded(o any) { w.touch(o) }

func (w *Worker) podUpdated(before, after any) {
	a, b := before.(*v1.Pod), after.(*v1.Pod)
	if a.UID != b.UID { // it was deleted and made again while nobody watched
		w.podDeleted(a)
	} else if volumesMayDiffer(a, b) {
		w.dirty(boxes.ID(b.UID))
	}
	w.touch(after)
}

func (w *Worker) podDeleted(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	if pod, ok := o.(*v1.Pod); ok {
		w.objects.use(boxes.ID(pod.UID), nil)
		if t, ok := w.Translator.(*translator); ok {
			t.forget(pod.UID)
		}
		w.queue.Add(boxes.ID(pod.UID))
	}
}

// touch has a pod looked at, and what it refers to watched: also before it is
// bound, so that all is at hand then.
func (w *Worker) touch(o any) {
	pod, ok := o.(*v1.Pod)
	if !ok {
		return
	}
	id := boxes.ID(pod.UID)
	if isTerminal(pod.Status.Phase) {
		w.objects.use(id, nil)
	} else {
		w.objects.use(id, references(pod))
	}
	if pod.Spec.NodeName != "" {
		w.queue.Add(id)
	}
}

// objectChanged has the pods looked at that refer to a ConfigMap or a Secret.
func (w *Worker) objectChanged(r objectRef) {
	found, err := w.pods.ByIndex(byObject, r.key())
	if err != nil {
		w.Log.Error().Err(err).Msg("find the pods of an object")
		return
	}
	for _, o := range found {
		pod := o.(*v1.Pod)
		w.dirty(boxes.ID(pod.UID))
		if pod.Spec.NodeName != "" {
			w.queue.Add(boxes.ID(pod.UID))
		}
	}
}

func boxIndex(o any) ([]string, error) {
	pod, ok := o.(*v1.Pod)
	if !ok {
		return nil, nil
	}
	return []string{boxes.ID(pod.UID)}, nil
}

func objectIndex(o any) ([]string, error) {
	pod, ok := o.(*v1.Pod)
	if !ok {
		return nil, nil
	}
	var keys []string
	for _, r := range references(pod) {
		keys = append(keys, r.key())
	}
	return keys, nil
}
