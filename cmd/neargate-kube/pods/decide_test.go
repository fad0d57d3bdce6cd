package pods_test

import (
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/neargate/neargate/emulator/sandbox"

	"github.com/neargate/neargate/cmd/neargate-kube/pods"
)

func TestDecide(t *testing.T) {
	open := func() *sandbox.Sandbox { b := box(); b.Spec.Open = true; return b }
	deleted := func(grace int64) *v1.Pod {
		p := pod("a")
		p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &metav1.Time{Time: now}, &grace
		return p
	}
	going := func(d time.Duration) *sandbox.Sandbox {
		b := box(runs("a"))
		b.Desired = sandbox.Desired{Stopped: true, Grace: &d}
		return b
	}
	unbound := pod("a")
	unbound.Spec.NodeName = ""
	unboundDeleted := deleted(30)
	unboundDeleted.Spec.NodeName = ""
	done := pod("a")
	done.Status.Phase = v1.PodSucceeded
	limited := func(seconds int64) *v1.Pod {
		p := pod("a")
		p.Spec.ActiveDeadlineSeconds, p.Status.StartTime = &seconds, &metav1.Time{Time: start}
		return p
	}
	for name, x := range map[string]struct {
		pod             *v1.Pod
		box             *sandbox.Sandbox
		deleted, placed bool
		does, code      string
		grace, again    time.Duration
	}{
		"nothing is there":               {does: "forget"},
		"an orphan":                      {box: box(runs("a")), does: "stop", code: "UserInitiated", grace: time.Second},
		"an orphan that stops slowly":    {box: going(30 * time.Second), does: "stop", code: "UserInitiated", grace: time.Second},
		"an orphan that stops":           {box: going(time.Second)},
		"an orphan that has stopped":     {box: stopped(box(), ""), does: "remove"},
		"not bound":                      {pod: unbound, box: open()},
		"bound, no address yet":          {pod: pod("a"), box: with(open(), func(b *sandbox.Sandbox) { b.Status.Address = nil })},
		"bound":                          {pod: pod("a"), box: open(), does: "complete"},
		"complete":                       {pod: pod("a"), box: box(runs("a")), does: "tend"},
		"falls by itself":                {pod: pod("a"), box: stopped(box(ended("a", 0)), sandbox.CodeEssential)},
		"has time":                       {pod: limited(90), box: box(runs("a")), does: "tend", again: 30 * time.Second},
		"has no time left":               {pod: limited(60), box: box(runs("a")), does: "stop", code: "DeadlineExceeded"},
		"late, and stops already":        {pod: limited(60), box: going(time.Second)},
		"is done, a container goes on":   {pod: done, box: box(runs("a")), does: "stop", code: "PodFinished"},
		"is done":                        {pod: done, box: stopped(box(ended("a", 0)), "")},
		"is done, its data is lost":      {pod: done},
		"is lost":                        {pod: pod("a"), does: "lose"},
		"put on a node by name":          {pod: pod("a"), placed: true},
		"deleted":                        {pod: deleted(30), box: box(runs("a")), does: "stop", code: "UserInitiated", grace: 30 * time.Second},
		"deleted, at once":               {pod: deleted(0), box: box(runs("a")), does: "stop", code: "UserInitiated", grace: time.Second},
		"deleted before it was complete": {pod: deleted(30), box: open(), does: "stop", code: "UserInitiated", grace: 30 * time.Second},
		"deleted, stops":                 {pod: deleted(30), box: going(30 * time.Second)},
		"deleted again, in a hurry":      {pod: deleted(1), box: going(30 * time.Second), does: "stop", code: "UserInitiated", grace: time.Second},
		"deleted, not bound":             {pod: unboundDeleted, box: stopped(box(), "")},
		"deleted, not bound, going":      {pod: unboundDeleted, box: box(), does: "stop", code: "UserInitiated", grace: 30 * time.Second},
		"deleted, has stopped":           {pod: deleted(30), box: stopped(box(ended("a", 0)), ""), does: "finish"},
		"deleted, there is nothing":      {pod: deleted(30), does: "finish"},
		"deleted, finalizers keep it":    {pod: deleted(30), box: stopped(box(ended("a", 0)), ""), deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			does, code, grace, again := pods.Decide(x.pod, x.box, now, x.deleted, x.placed)
			var g time.Duration
			if grace != nil {
				g = *grace
			}
			if does != x.does || code != x.code || g != x.grace || again != x.again {
				t.Errorf("%s %s %v %v", does, code, g, again)
			}
		})
	}
}
