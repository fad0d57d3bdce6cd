package pods

import (
	"context"
	"slices"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// object.go watches the ConfigMaps and Secrets that pods refer to, and no
// others: a cluster may hold many large ones that no pod reads.

// kind is what a reference is to.
type kind string

const (
	configMapKind kind = "configmap"
	secretKind    kind = "secret"
)

// objectRef names an object.
type objectRef struct {
	kind            kind
	namespace, name string
}

func (r objectRef) key() string { return string(r.kind) + "/" + r.namespace + "/" + r.name }

// references finds what a pod refers to, each once.
func references(pod *v1.Pod) []objectRef {
	var all []objectRef
	add := func(k kind, name string) {
		if r := (objectRef{k, pod.Namespace, name}); name != "" && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	for i := range pod.Spec.Volumes {
		volumeReferences(&pod.Spec.Volumes[i].VolumeSource, add)
	}
	for _, c := range allContainers(pod) {
		environmentReferences(c, add)
	}
	for _, s := range pod.Spec.ImagePullSecrets {
		add(secretKind, s.Name)
	}
	return all
}

func volumeReferences(v *v1.VolumeSource, add func(kind, string)) {
	switch {
	case v.ConfigMap != nil:
		add(configMapKind, v.ConfigMap.Name)
	case v.Secret != nil:
		add(secretKind, v.Secret.SecretName)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				add(configMapKind, s.ConfigMap.Name)
			}
			if s.Secret != nil {
				add(secretKind, s.Secret.Name)
			}
		}
	}
}

func environmentReferences(c *v1.Container, add func(kind, string)) {
	for _, e := range c.EnvFrom {
		if e.ConfigMapRef != nil {
			add(configMapKind, e.ConfigMapRef.Name)
		}
		if e.SecretRef != nil {
			add(secretKind, e.SecretRef.Name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom == nil {
			continue
		}
		if r := e.ValueFrom.ConfigMapKeyRef; r != nil {
			add(configMapKind, r.Name)
		}
		if r := e.ValueFrom.SecretKeyRef; r != nil {
			add(secretKind, r.Name)
		}
	}
}

// objects are the watched ones.
type objects struct {
	client  kubernetes.Interface
	changed func(objectRef)

	mu    sync.Mutex
	life  context.Context // nil before start
	used  map[string][]objectRef
	watch map[objectRef]*watched
}

// watched is one object that some pods use.
type watched struct {
	users    int
	informer cache.SharedIndexInformer
	cancel   context.CancelFunc
}

func newObjects(client kubernetes.Interface, changed func(objectRef)) *objects {
	return &objects{client: client, changed: changed, used: map[string][]objectRef{}, watch: map[objectRef]*watched{}}
}

// start begins to watch, until ctx ends.
func (o *objects) start(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.life = ctx
	for r, w := range o.watch {
		o.run(r, w)
	}
}

// use notes what a user refers to, in place of what it did before.
func (o *objects) use(user string, refs []objectRef) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.used[user]
	for _, r := range refs {
		if !slices.Contains(before, r) {
			o.retain(r)
		}
	}
	for _, r := range before {
		if !slices.Contains(refs, r) {
			o.release(r)
		}
	}
	if len(refs) == 0 {
		delete(o.used, user)
	} else {
		o.used[user] = refs
	}
}

func (o *objects) retain(r objectRef) {
	w := o.watch[r]
	if w == nil {
		w = &watched{}
		o.watch[r] = w
		if o.life != nil {
			o.run(r, w)
		}
	}
	w.users++
}

func (o *objects) release(r objectRef) {
	w := o.watch[r]
	if w.users--; w.users > 0 {
		return
	}
	delete(o.watch, r)
	if w.cancel != nil {
		w.cancel()
	}
}

// run watches one object.
func (o *objects) run(r objectRef, w *watched) {
	ctx, cancel := context.WithCancel(o.life)
	w.cancel = cancel
	w.informer = cache.NewSharedIndexInformer(o.lister(r), r.empty(), 0, nil)
	tell := func(any) { o.changed(r) }
	_, err := w.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: tell, DeleteFunc: tell,
		UpdateFunc: func(before, after any) {
			if !sameContent(before, after) {
				o.changed(r)
			}
		},
	})
	if err != nil { // only an informer that was stopped refuses handlers
		panic(err)
	}
	go w.informer.RunWithContext(ctx)
}

func sameContent(a, b any) bool {
	if x, ok := a.(*v1.ConfigMap); ok {
		y := b.(*v1.ConfigMap)
		return equality.Semantic.DeepEqual(x.Data, y.Data) && equality.Semantic.DeepEqual(x.BinaryData, y.BinaryData)
	}
	x, y := a.(*v1.Secret), b.(*v1.Secret)
	return x.Type == y.Type && equality.Semantic.DeepEqual(x.Data, y.Data)
}

func (r objectRef) empty() runtime.Object {
	if r.kind == secretKind {
		return &v1.Secret{}
	}
	return &v1.ConfigMap{}
}

// lister lists and watches one object.
func (o *objects) lister(r objectRef) cache.ListerWatcher {
	only := func(opts *metav1.ListOptions) {
		opts.FieldSelector = fields.OneTermEqualSelector("metadata.name", r.name).String()
	}
	api := o.client.CoreV1()
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, opts metav1.ListOptions) (runtime.Object, error) {
			only(&opts)
			if r.kind == secretKind {
				return api.Secrets(r.namespace).List(ctx, opts)
			}
			return api.ConfigMaps(r.namespace).List(ctx, opts)
		},
		WatchFuncWithContext: func(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error) {
			only(&opts)
			if r.kind == secretKind {
				return api.Secrets(r.namespace).Watch(ctx, opts)
			}
			return api.ConfigMaps(r.namespace).Watch(ctx, opts)
		},
	}, o.client)
}

// get reads an object: from the watch when that shows it, else from the API,
// as a watch may be a moment behind. An absent one is an apierrors.IsNotFound.
// Who asks is, as in the watches, the API server itself: these are there before
// the pod has a node, and the node authorizer may be a moment behind as well.
func (o *objects) get(ctx context.Context, r objectRef) (runtime.Object, error) {
	o.mu.Lock()
	w := o.watch[r]
	var informer cache.SharedIndexInformer
	if w != nil {
		informer = w.informer
	}
	o.mu.Unlock()
	if informer != nil && informer.HasSynced() {
		found, ok, err := informer.GetStore().GetByKey(r.namespace + "/" + r.name)
		if err == nil && ok {
			return found.(runtime.Object), nil
		}
	}
	ctx = identity.As(ctx, identity.User{})
	if r.kind == secretKind {
		return o.client.CoreV1().Secrets(r.namespace).Get(ctx, r.name, metav1.GetOptions{})
	}
	return o.client.CoreV1().ConfigMaps(r.namespace).Get(ctx, r.name, metav1.GetOptions{})
}

func (o *objects) configMap(ctx context.Context, namespace, name string) (*v1.ConfigMap, error) {
	found, err := o.get(ctx, objectRef{configMapKind, namespace, name})
	if err != nil {
		return nil, err
	}
	if c, ok := found.(*v1.ConfigMap); ok {
		return c, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("configmaps"), name)
}

func (o *objects) secret(ctx context.Context, namespace, name string) (*v1.Secret, error) {
	found, err := o.get(ctx, objectRef{secretKind, namespace, name})
	if err != nil {
		return nil, err
	}
	if s, ok := found.(*v1.Secret); ok {
		return s, nil
	}
	return nil, apierrors.NewNotFound(v1.Resource("secrets"), name)
}
