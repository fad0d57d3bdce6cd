package kubelet_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/kubelet"
	"github.com/neargate/neargate/emulator/sandbox"
)

// inner is a sandbox that does what a test says.
type inner struct {
	lines  []sandbox.LogLine
	failed error // reading, after the lines
	asked  sandbox.LogsOptions
	argv   []string
	run    func(ctx context.Context, s sandbox.Streams) (int, error)
	dial   func(address string) (net.Conn, error)
}

func (i *inner) Logs(_ context.Context, _, _ string, o sandbox.LogsOptions) iter.Seq2[sandbox.LogLine, error] {
	i.asked = o
	return func(yield func(sandbox.LogLine, error) bool) {
		for _, l := range i.lines {
			if !yield(l, nil) {
				return
			}
		}
		if i.failed != nil {
			yield(sandbox.LogLine{}, i.failed)
		}
	}
}

func (i *inner) Exec(ctx context.Context, id, container string, argv []string, s sandbox.Streams) (int, error) {
	if id != "0123" || container != "c" {
		return 0, errors.New("another container was meant: " + id + " " + container)
	}
	i.argv = argv
	return i.run(ctx, s)
}

func (i *inner) Attach(ctx context.Context, _, _ string, s sandbox.Streams) error {
	_, err := i.run(ctx, s)
	return err
}

func (i *inner) Dial(_ context.Context, _, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, errors.New("not " + network)
	}
	return i.dial(address)
}

type boxes map[string]*sandbox.Sandbox

func (b boxes) Get(id string) (*sandbox.Sandbox, bool) { s, ok := b[id]; return s, ok }

// serve is the kubelet of the pods a/p, whose container c runs and
// whose containers waiting and ended do not, and a/new, which has no sandbox yet.
func serve(t *testing.T, i *inner) *httptest.Server {
	t.Helper()
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for name, uid := range map[string]string{"p": "01-23", "new": "4"} {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: name, UID: types.UID(uid)}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "waiting", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "Back-off pulling image"}},
		}}
		if err := index.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	box := &sandbox.Sandbox{Spec: sandbox.Spec{ID: "0123"}, Status: sandbox.Status{Height: 2, Address: &sandbox.Address{IP: "10.0.0.1"}, Containers: []sandbox.ContainerStatus{
		{Name: "c", State: sandbox.ContainerRunning, StartedAt: now, LastExit: &sandbox.Exit{}},
		{Name: "waiting", State: sandbox.ContainerPulling},
		{Name: "ended", State: sandbox.ContainerStopped, StartedAt: now, ExitCode: new(0)},
	}}}
	s := httptest.NewServer(kubelet.New(kubelet.Config{Pods: listers.NewPodLister(index), Boxes: boxes{"0123": box}, Inner: i, Log: zerolog.Nop()}))
	t.Cleanup(s.Close)
	return s
}
