package controlplane_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

func TestNodeOf(t *testing.T) {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for name, id := range map[string]string{"a": "aws:///us-east-1a/i-1", "b": "aws:///us-east-1a/i-11"} {
		if err := index.Add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{ProviderID: id}}); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"i-1": "a", "i-11": "b", "i-2": "", "": ""} {
		if got := controlplane.NodeOf(corelisters.NewNodeLister(index), id); got != want {
			t.Errorf("%s is %q", id, got)
		}
	}
}
