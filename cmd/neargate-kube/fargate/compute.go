package fargate

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
)

// Config is what Compute works with.
type Config struct {
	Client kubernetes.Interface
	// Informers are shared with the rest of the process, which starts them
	// after New.
	Informers informers.SharedInformerFactory
	Parent    link.Sandboxes
	Boxes     *boxes.Boxes
	Cluster   link.Config
	// Settings are those in force; OnSettings has a function called whenever
	// they have changed.
	Settings   func() link.Settings
	OnSettings func(func())
	// Version is what the nodes' kubelets tell: "v1.35.0-eks-neargate".
	Version string
	// CheckLogging says why the ConfigMap aws-logging is not good; nil takes
	// every one.
	CheckLogging func(*corev1.ConfigMap) error
	// Changed is called when Status may tell something new. It must not block.
	Changed func()
	// Recorder makes the recorder of a component's events; nil for one that
	// writes them to Client.
	Recorder func(component string) record.EventRecorder
	Log      zerolog.Logger
}

// How many pods, and nodes, are worked on at once.
const (
	podWorkers  = 16
	nodeWorkers = 4
)

// Compute is Fargate and the node groups of one cluster.
type Compute struct {
	Config
	minor int // of the Kubernetes version

	pods   listers.PodLister
	nodes  listers.NodeLister
	claims listers.PersistentVolumeClaimLister
	index  cache.Indexer // of pods
	synced []cache.InformerSynced

	podQueue   workqueue.TypedRateLimitingInterface[string] // namespace/name
	nodeQueue  workqueue.TypedRateLimitingInterface[string] // name
	strayQueue workqueue.TypedRateLimitingInterface[string] // sandbox ID
	choreQueue workqueue.TypedRateLimitingInterface[string] // choreGroups, choreDrain

	broadcaster record.EventBroadcaster // nil when the recorders are not ours
	fargate     record.EventRecorder
	standard    record.EventRecorder // the default scheduler's

	told     told
	subnets  subnets
	assumed  assumed
	bound    bound
	leases   leases
	sight    sight
	statusMu sync.Mutex
	last     Status
}

// New returns a Compute that has its hooks in the informers and in Boxes, and
// does nothing until Run.
func New(c Config) (*Compute, error) {
	if _, err := netip.ParsePrefix(c.Cluster.ServiceCIDR); err != nil {
		return nil, fmt.Errorf("the cluster's service range: %w", err)
	}
	_, minor, _ := strings.Cut(c.Cluster.Version, ".")
	n, err := strconv.Atoi(minor)
	if err != nil {
		return nil, fmt.Errorf("the cluster's version %q: %w", c.Cluster.Version, err)
	}
	f := &Compute{Config: c, minor: n, told: newTold(), subnets: newSubnets(), assumed: newAssumed(), bound: bound{all: map[string]bool{}}, leases: newLeases(), sight: newSight()}
	f.podQueue, f.nodeQueue, f.strayQueue, f.choreQueue = newQueue(), newQueue(), newQueue(), newQueue()
	f.recorders()
	if err := f.listen(); err != nil {
		return nil, err
	}
	return f, nil
}

// newQueue tries again after 100 ms, and doubles that up to half a minute.
func newQueue() workqueue.TypedRateLimitingInterface[string] {
	return workqueue.NewTypedRateLimitingQueue(
		workqueue.NewTypedItemExponentialFailureRateLimiter[string](100*time.Millisecond, 30*time.Second))
}

func (c *Compute) recorders() {
	make := c.Recorder
	if make == nil {
		c.broadcaster = record.NewBroadcaster()
		make = func(component string) record.EventRecorder {
			return c.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: component})
		}
	}
	c.fargate, c.standard = make(rules.SchedulerName), make(corev1.DefaultSchedulerName)
}

// Run works until ctx ends. The informers must have been started, and Boxes be
// running; Run waits until both know everything.
func (c *Compute) Run(ctx context.Context) error {
	if c.broadcaster != nil {
		c.broadcaster.StartRecordingToSink(identity.Sink(c.Client.CoreV1()))
		defer c.broadcaster.Shutdown()
	}
	if !cache.WaitForCacheSync(ctx.Done(), c.synced...) {
		return ctx.Err()
	}
	select {
	case <-c.Boxes.Synced():
	case <-ctx.Done():
		return ctx.Err()
	}
	c.everything()
	var wg sync.WaitGroup
	c.start(ctx, &wg, "pod", c.podQueue, podWorkers, c.reconcilePod)
	c.start(ctx, &wg, "node", c.nodeQueue, nodeWorkers, c.reconcileNode)
	c.start(ctx, &wg, "sandbox", c.strayQueue, 1, c.reconcileStray)
	c.start(ctx, &wg, "chore", c.choreQueue, 1, c.reconcileChore)
	wg.Go(func() { c.renewLeases(ctx) })
	<-ctx.Done()
	wg.Wait()
	return ctx.Err()
}

// start runs workers of a queue until ctx ends.
func (c *Compute) start(ctx context.Context, wg *sync.WaitGroup, kind string, q workqueue.TypedRateLimitingInterface[string], workers int,
	reconcile func(context.Context, string) error) {
	context.AfterFunc(ctx, q.ShutDown)
	for range workers {
		wg.Go(func() {
			for {
				key, down := q.Get()
				if down {
					return
				}
				err := reconcile(ctx, key)
				if err != nil && ctx.Err() == nil {
					c.Log.Warn().Err(err).Str("kind", kind).Str("key", key).Int("tries", q.NumRequeues(key)+1).Msg("will be tried again")
					q.AddRateLimited(key)
				} else {
					q.Forget(key)
				}
				q.Done(key)
			}
		})
	}
}
