package controlplane_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

// Who watches keeps nobody from ending, and is let go in peace.
func TestEndWithWatchers(t *testing.T) {
	heavy(t)
	c, _ := cluster(t, controlplane.Versions[len(controlplane.Versions)-1])
	p := start(t, c)
	p.ready(t)
	w, err := p.client(t, admin).CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	failed := make(chan bool)
	go func() {
		bad := false
		for e := range w.ResultChan() {
			bad = bad || e.Type == watch.Error
		}
		failed <- bad
	}()
	took := p.end(t)
	t.Logf("ending took %v", took)
	if <-failed {
		t.Error("the watch ends with an error")
	}
	if took > 5*time.Second { // half a second where nothing else goes on
		t.Errorf("ending took %v", took)
	}
}
