package eks_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

const (
	webARN = arnPrefix + "cluster/web"

	// ids of sandboxes
	pod1      = "11111111111111111111111111111111"
	pod2      = "22222222222222222222222222222222"
	elsewhere = "33333333333333333333333333333333"
	task      = "44444444444444444444444444444444"
)

// TestWaiters goes through a cluster's life as Terraform and the CLI do.
func TestWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run()()
		w.planes.hold()
		must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
		time.AfterFunc(time.Minute, w.planes.release)
		cluster := &sdk.DescribeClusterInput{Name: aws.String("web")}
		if err := sdk.NewClusterActiveWaiter(w.Client).Wait(w.ctx, cluster, 20*time.Minute); err != nil {
			t.Fatal(err)
		}
		must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
		profile := &sdk.DescribeFargateProfileInput{ClusterName: aws.String("web"), FargateProfileName: aws.String("fp")}
		if err := sdk.NewFargateProfileActiveWaiter(w.Client).Wait(w.ctx, profile, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		must[*sdk.DeleteFargateProfileOutput](t)(w.deleteProfile("web", "fp"))
		if err := sdk.NewFargateProfileDeletedWaiter(w.Client).Wait(w.ctx, profile, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		w.pod(t, pod1, webARN)
		must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
		time.AfterFunc(time.Minute, func() { w.podStops(t, pod1) })
		if err := sdk.NewClusterDeletedWaiter(w.Client).Wait(w.ctx, cluster, 20*time.Minute); err != nil {
			t.Fatal(err)
		}
		w.nothingLeft(t)
	})
}

// TestClusterGoesUnderway: what is gone while the controller acts is no failure,
// and leaves no control plane.
func TestClusterGoesUnderway(t *testing.T) {
	w := newWorld(t)
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
	w.planes.ensured = func() {
		if err := w.st.Reset(w.ctx, "test"); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.clusters.Reconcile(w.ctx, webARN); err != nil {
		t.Error(err)
	}
	if _, known := w.planes.Status(webARN); known {
		t.Error("the control plane is left")
	}
}

func TestFailedClusterFailsItsWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run()()
		w.planes.hold()
		must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
		synctest.Wait()
		w.planes.becomes(webARN, func(s *link.Status) {
			s.Phase, s.Error = link.Failed, "neargate-kube is not installed beside neargate: make build-kube"
		})
		err := sdk.NewClusterActiveWaiter(w.Client).Wait(w.ctx, &sdk.DescribeClusterInput{Name: aws.String("web")}, 20*time.Minute)
		if err == nil {
			t.Fatal("the cluster is ACTIVE")
		}
		c := w.describe("web")
		want := []types.ClusterIssue{{
			Code: types.ClusterIssueCodeInternalFailure, Message: aws.String("neargate-kube is not installed beside neargate: make build-kube"), ResourceIds: []string{}}}
		if d := cmp.Diff(want, c.Health.Issues, smithyEqual); c.Status != types.ClusterStatusFailed || c.Endpoint != nil || d != "" {
			t.Errorf("%s: %s", c.Status, d)
		}
		must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
		synctest.Wait()
		w.nothingLeft(t)
	})
}

// pod makes the record of a sandbox that belongs to a group.
func (w *world) pod(t *testing.T, id, group string) {
	t.Helper()
	err := w.st.Update(w.ctx, "test", func(tx *store.Tx) error {
		return sandbox.Create(tx, sandbox.Spec{ID: id, Owner: group + "/default/" + id, Group: group, Steps: 2, Open: true})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) sandbox(id string) (s *sandbox.Sandbox, err error) {
	err = w.st.View(w.ctx, func(tx *store.Tx) (err error) {
		s, err = sandbox.Get(tx, id)
		return err
	})
	return s, err
}

// podStops is what the engine would write of one that is to stop.
func (w *world) podStops(t *testing.T, id string) {
	t.Helper()
	err := w.st.Update(w.ctx, "controller/sandbox", func(tx *store.Tx) error {
		r, err := sandbox.Sandboxes.Get(tx, id)
		if err != nil {
			return err
		}
		if !r.Value.Desired.Stopped {
			t.Errorf("%s was not to stop", id)
		}
		r.Value.Status.Height, r.Value.Status.Falling = 0, true
		return sandbox.Sandboxes.Replace(tx, r)
	})
	if err != nil {
		t.Error(err)
	}
}

// nothingLeft checks that no record of EKS, no pod, no group and no control
// plane is left.
func (w *world) nothingLeft(t *testing.T) {
	t.Helper()
	changes, err := w.st.History(w.ctx, store.HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, c := range changes {
		there[c.Kind+" "+c.Key] = c.After != nil
	}
	for record, left := range there {
		if left {
			t.Errorf("left: %s", record)
		}
	}
	if groups, planes := w.network.left(), w.planes.left(); groups+planes != 0 {
		t.Errorf("left: %d groups, %d control planes", groups, planes)
	}
}

func TestDeletionTakesEverythingInItsOrder(t *testing.T) {
	w := newWorld(t)
	w.create("web", types.AuthenticationModeApi)
	w.create("other", "")
	w.pod(t, pod1, webARN)
	w.pod(t, pod2, webARN)
	w.pod(t, elsewhere, arnPrefix+"cluster/other")
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
	w.reconcile()
	if _, known := w.planes.Status(webARN); known {
		t.Error("the control plane can still make pods")
	}
	s, err := w.sandbox(pod1)
	if err != nil || !s.Desired.Stopped {
		t.Errorf("pod1: %+v, %v", s, err)
	}
	if s, err = w.sandbox(elsewhere); err != nil || s.Desired.Stopped {
		t.Errorf("a pod of another cluster: %+v, %v", s, err)
	}
	w.podStops(t, pod1)
	w.reconcile()
	if _, err := w.sandbox(pod1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("pod1 has stopped: %v", err)
	}
	if c := w.describe("web"); c.Status != types.ClusterStatusDeleting {
		t.Errorf("cluster is %s while a pod runs", c.Status)
	}
	w.podStops(t, pod2)
	w.reconcile()
	_, err = w.DescribeCluster(w.ctx, &sdk.DescribeClusterInput{Name: aws.String("web")})
	refused(t, err, "ResourceNotFoundException: No cluster found for name: web.")
	if c := w.create("web", ""); c.Status != types.ClusterStatusActive {
		t.Errorf("a new one of that name is %s", c.Status)
	}
}

func TestStoppedPodsQueueTheirCluster(t *testing.T) {
	w := newWorld(t)
	w.pod(t, pod1, webARN)
	w.pod(t, task, "arn:aws:ecs:eu-west-1:1:cluster/web")
	for _, id := range []string{pod1, task} {
		err := w.st.Update(w.ctx, "test", func(tx *store.Tx) error { return sandbox.Stop(tx, id, sandbox.Desired{Code: "c"}) })
		if err != nil {
			t.Fatal(err)
		}
		w.podStops(t, id)
	}
	changes, err := w.st.History(w.ctx, store.HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var dirty []string
	for _, c := range changes {
		dirty = append(dirty, w.clusters.Dirty(c)...)
	}
	if d := cmp.Diff([]string{web}, dirty); d != "" {
		t.Error(d)
	}
}

// TestRestart ends the emulator in the middle, once with control planes that
// have to be started anew.
func TestRestart(t *testing.T) {
	path := storeFile(t)
	open := func() *world { return openWorld(t, path, newPlanes()) }
	w := open()
	w.planes.hold()
	w.create("web", "")
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("late")))
	id := w.planes.all[webARN].config.ID
	w.close(t)

	w = open()
	w.reconcile()
	if c := w.describe("web"); c.Status != types.ClusterStatusActive || w.planes.all[webARN].config.ID != id {
		t.Errorf("web is %s with the id %s, was %s", c.Status, w.planes.all[webARN].config.ID, id)
	}
	if c := w.describe("late"); c.Status != types.ClusterStatusActive {
		t.Errorf("late is %s", c.Status)
	}
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	w.reconcile()
	before := w.planes.told(webARN)
	w.close(t)

	w = open()
	w.planes.hold()
	if c := w.describe("web"); c.Status != types.ClusterStatusActive || len(c.Health.Issues) != 1 {
		t.Errorf("web, whose control plane has not been started yet, is %s: %+v", c.Status, c.Health)
	}
	w.reconcile()
	if c := w.describe("web"); len(c.Health.Issues) != 1 || *c.Health.Issues[0].Message != "The control plane is being started: starting the API server" {
		t.Errorf("while it starts: %+v", c.Health)
	}
	w.planes.release()
	w.reconcile()
	if d := cmp.Diff(before, w.planes.told(webARN)); d != "" {
		t.Errorf("the settings have changed by a restart: %s", d)
	}
	w.pod(t, pod1, arnPrefix+"cluster/late")
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("late")}))
	w.reconcile()
	w.close(t)

	w = open()
	w.podStops(t, pod1)
	w.reconcile()
	out := must[*sdk.ListClustersOutput](t)(w.ListClusters(w.ctx, &sdk.ListClustersInput{}))
	if d := cmp.Diff([]string{"web"}, out.Clusters); d != "" {
		t.Error(d)
	}
}

func (w *world) close(t *testing.T) {
	t.Helper()
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestHealthOfARunningCluster(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	w.planes.hold()
	for _, row := range []struct {
		name   string
		status link.Status
		want   string
	}{
		{"dies", link.Status{Phase: link.Starting, Error: "signal: killed"}, "The control plane is being started anew. It ended: signal: killed"},
		{"hangs", link.Status{Phase: link.Ready, Error: "It has not answered."}, "The control plane does not answer. It has not answered."},
		{"starts", link.Status{Phase: link.Starting, Progress: "waiting for the API server"}, "The control plane is being started: waiting for the API server"},
		{"keeps nothing", link.Status{Phase: link.Ready, Unkept: "its disk is full"}, "its disk is full"},
		{"fails", link.Status{Phase: link.Failed, Error: "its disk is full"}, "its disk is full"},
		{"fails in silence", link.Status{Phase: link.Failed}, "The control plane failed and did not say why; see its log."},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.planes.becomes(webARN, func(s *link.Status) { *s = row.status })
			w.reconcile()
			c := w.describe("web")
			if c.Status != types.ClusterStatusActive || len(c.Health.Issues) != 1 || *c.Health.Issues[0].Message != row.want {
				t.Errorf("%s: %+v", c.Status, c.Health)
			}
		})
	}
	w.planes.release()
	if c := w.describe("web"); len(c.Health.Issues) != 0 {
		t.Errorf("well again: %+v", c.Health)
	}
}

func TestEndpointFollowsItsControlPlane(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	w.planes.becomes(webARN, func(s *link.Status) { s.Address = "127.0.0.1:50000" })
	w.reconcile()
	if c := w.describe("web"); *c.Endpoint != "https://127.0.0.1:50000" {
		t.Errorf("endpoint is %s", *c.Endpoint)
	}
}

func TestResetLeavesNoControlPlane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer w.run()()
		must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
		synctest.Wait()
		if c := w.describe("web"); c.Status != types.ClusterStatusActive {
			t.Fatalf("cluster is %s", c.Status)
		}
		if err := w.st.Reset(w.ctx, "test"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w.planes.left() != 0 {
			t.Error("the control plane runs on")
		}
	})
}

func TestSettingsAreNumberedOnce(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	for range 3 {
		w.reconcile()
	}
	if s := w.planes.told(webARN); s.Revision != 1 {
		t.Errorf("revision %d though nothing changed", s.Revision)
	}
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	w.reconcile()
	if s := w.planes.told(webARN); s.Revision != 2 || len(s.FargateProfiles) != 1 {
		t.Errorf("settings are %+v", s)
	}
}

func TestClusterQuota(t *testing.T) {
	w := recordsWorld(t)
	for i := range 100 {
		must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster(fmt.Sprint("c", i))))
	}
	_, err := w.CreateCluster(w.ctx, newCluster("more"))
	refused(t, err, "ResourceLimitExceededException: Cluster limit exceeded: an account can have 100 clusters in a region.")
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("more"), func(o *sdk.Options) { o.Region = "eu-central-1" }))
}

func TestHintsWithoutControlPlanes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range recordsWorld(t).clusters.Hints(ctx) {
		t.Error("a hint")
	}
}

func TestTell(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	w.updated(t, &sdk.UpdateClusterConfigInput{Name: aws.String("web"), DeletionProtection: aws.Bool(true)})
	changes, err := w.st.History(w.ctx, store.HistoryQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range changes {
		words = append(words, eks.Tell(c)...)
	}
	want := []string{"cluster CREATING", "cluster ACTIVE", "cluster UPDATING", "update DeletionProtectionUpdate InProgress",
		"update DeletionProtectionUpdate Successful", "cluster ACTIVE"}
	if d := cmp.Diff(want, words); d != "" {
		t.Error(d)
	}
	err = w.st.View(w.ctx, func(tx *store.Tx) error {
		if _, err := eks.Find(tx, webARN+"2"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("found: %v", err)
		}
		c, err := eks.Find(tx, webARN)
		if err == nil && *c.Name != "web" {
			t.Errorf("found %s", *c.Name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if words := eks.Tell(store.Change{Kind: "ecs/cluster"}); words != nil {
		t.Errorf("of ECS: %v", words)
	}
}
