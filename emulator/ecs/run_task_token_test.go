package ecs_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// retain runs the retention controller until the test ends.
func (w *world) retain(t *testing.T) {
	r := ecs.NewRetention(w.st)
	done := make(chan error, 1)
	ctx := t.Context()
	go func() {
		done <- reconcile.Run(ctx, w.st, r, reconcile.Options{Name: "ecs-retention", Kinds: r.Kinds(), Keys: r.Dirty, List: r.List, Resync: time.Hour})
	}()
	t.Cleanup(func() { // the context has ended by now
		if err := <-done; !errors.Is(err, ctx.Err()) {
			t.Error(err)
		}
	})
}

func (w *world) records(t *testing.T, kind string) int {
	t.Helper()
	changes, err := w.st.History(w.ctx, store.HistoryQuery{Kind: kind})
	if err != nil {
		t.Fatal(err)
	}
	alive := map[string]bool{}
	for _, c := range changes {
		alive[c.Key] = c.After != nil
	}
	n := 0
	for _, there := range alive {
		if there {
			n++
		}
	}
	return n
}

// TestRetention: a stopped task can be described for an hour, whether the
// controller saw it stop or found it so; a token works for a day. Then nothing
// of them is left. Sandboxes of others are none of its business.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.register(fargateDefinition("web"))
		in := launch("web")
		in.ClientToken, in.Count = aws.String("once"), aws.Int32(2)
		list := w.run(in)
		w.stopped(idOf(list[0].TaskArn))
		err := w.st.Update(w.ctx, "test", func(tx *store.Tx) error {
			id := "00000000000000000000000000000001"
			err := sandbox.Create(tx, sandbox.Spec{ID: id, Owner: "a pod", Steps: 2, Containers: []sandbox.Container{{Name: "c"}}})
			if err != nil {
				return err
			}
			r, err := sandbox.Sandboxes.Get(tx, id)
			r.Value.Status.Falling = true
			return errors.Join(err, sandbox.Sandboxes.Replace(tx, r))
		})
		if err != nil {
			t.Fatal(err)
		}
		w.retain(t)
		time.Sleep(30 * time.Minute)
		w.stopped(idOf(list[1].TaskArn))
		for _, c := range []struct {
			after           time.Duration
			tasks, failures int
		}{{29 * time.Minute, 2, 0}, {2 * time.Minute, 1, 1}, {30 * time.Minute, 0, 2}} {
			time.Sleep(c.after)
			synctest.Wait()
			out, err := w.RunTask(w.ctx, in)
			if err != nil || len(out.Tasks) != c.tasks || len(out.Failures) != c.failures {
				t.Fatalf("the same request %v later: %+v, %v", c.after, out, err)
			}
		}
		if n := w.records(t, "ecs/task"); n != 0 {
			t.Errorf("%d tasks are left", n)
		}
		if n := w.records(t, "sandbox"); n != 1 {
			t.Errorf("%d sandboxes are left, not the pod's only", n)
		}
		time.Sleep(21 * time.Hour)
		synctest.Wait()
		if n := w.records(t, "ecs/run-token"); n != 1 {
			t.Errorf("%d tokens after less than a day", n)
		}
		time.Sleep(4 * time.Hour)
		synctest.Wait()
		if n := w.records(t, "ecs/run-token"); n != 0 {
			t.Errorf("%d tokens after more than a day", n)
		}
		if fresh := w.run(in); *fresh[0].TaskArn == *list[0].TaskArn {
			t.Error("a token of yesterday still works")
		}
	})
}

// TestExpiredToken: a token's day ends on time, not when it is swept away.
func TestExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.register(fargateDefinition("web"))
		in := launch("web")
		in.ClientToken = aws.String("once")
		first := *w.run(in)[0].TaskArn
		time.Sleep(24*time.Hour - time.Millisecond)
		if again := *w.run(in)[0].TaskArn; again != first {
			t.Errorf("another task within a day: %s, %s", first, again)
		}
		time.Sleep(time.Millisecond)
		if again := *w.run(in)[0].TaskArn; again == first {
			t.Error("the same task after a day")
		}
	})
}

// TestTokensAreOfACluster: what another cluster was asked for does not matter,
// nor does the way in which one is named.
func TestTokensAreOfACluster(t *testing.T) {
	w := newWorld(t)
	w.register(fargateDefinition("web"))
	if _, err := w.CreateCluster(w.ctx, &sdk.CreateClusterInput{ClusterName: aws.String("other")}); err != nil {
		t.Fatal(err)
	}
	in := launch("web")
	in.ClientToken = aws.String("once")
	first := w.run(in)[0]
	in.Cluster = aws.String("other")
	if other := w.run(in)[0]; *other.TaskArn == *first.TaskArn {
		t.Error("a token of another cluster was taken for this one's")
	}
	in.Cluster, in.Count = nil, aws.Int32(2)
	_, err := w.RunTask(w.ctx, in)
	var conflict *types.ConflictException
	if !errors.As(err, &conflict) || len(conflict.ResourceIds) != 1 || conflict.ResourceIds[0] != *first.TaskArn {
		t.Errorf("the same token for something else: %v", err)
	}
}
