package eks

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks/link"
)

// This test is within the package, since what it tests is nobody else's: the
// decisions about statuses, without a store.

func TestNextCluster(t *testing.T) {
	at := func(phase link.Phase, version string, settled bool) seen {
		return seen{status: link.Status{Phase: phase, Version: version}, settled: settled}
	}
	for _, row := range []struct {
		name   string
		status types.ClusterStatus
		target string
		seen   seen
		want   move
	}{
		{"nothing known", types.ClusterStatusCreating, "", seen{}, stays},
		{"starting", types.ClusterStatusCreating, "", at(link.Starting, "", false), stays},
		{"ready without the settings", types.ClusterStatusCreating, "", at(link.Ready, "v1.35.0", false), stays},
		{"ready", types.ClusterStatusCreating, "", at(link.Ready, "v1.35.0", true), becomesActive},
		{"cannot be", types.ClusterStatusCreating, "", at(link.Failed, "", false), becomesFailed},
		{"records", types.ClusterStatusCreating, "", seen{settled: true, records: true}, becomesActive},
		{"well", types.ClusterStatusActive, "", at(link.Ready, "v1.35.0", true), stays},
		{"dead", types.ClusterStatusActive, "", at(link.Failed, "", false), stays},
		{"change not in force", types.ClusterStatusUpdating, "", at(link.Ready, "v1.35.0", false), stays},
		{"change in force", types.ClusterStatusUpdating, "", at(link.Ready, "v1.35.0", true), updateDone},
		{"still the old version", types.ClusterStatusUpdating, "1.36", at(link.Ready, "v1.35.0-eks-x", true), stays},
		{"a version that begins alike", types.ClusterStatusUpdating, "1.3", at(link.Ready, "v1.36.0-eks-x", true), stays},
		{"the new version", types.ClusterStatusUpdating, "1.36", at(link.Ready, "v1.36.0-eks-x", true), updateDone},
		{"no new version", types.ClusterStatusUpdating, "1.36", at(link.Failed, "", false), updateFailed},
		{"version of a record", types.ClusterStatusUpdating, "1.36", seen{settled: true, records: true}, updateDone},
		{"on its way out", types.ClusterStatusDeleting, "", at(link.Ready, "v1.35.0", true), stays},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := nextCluster(row.status, row.target, row.seen); got != row.want {
				t.Errorf("move %d, want %d", got, row.want)
			}
		})
	}
}

func TestNextProfile(t *testing.T) {
	settled := seen{settled: true, status: link.Status{Phase: link.Ready}}
	draining := seen{settled: true, status: link.Status{Phase: link.Ready, Draining: map[string]int{"fargateprofile/fp": 1}}}
	failed := seen{status: link.Status{Phase: link.Failed}}
	for _, row := range []struct {
		name   string
		status types.FargateProfileStatus
		seen   seen
		want   types.FargateProfileStatus
		gone   bool
	}{
		{"not followed yet", types.FargateProfileStatusCreating, seen{}, types.FargateProfileStatusCreating, false},
		{"followed", types.FargateProfileStatusCreating, settled, types.FargateProfileStatusActive, false},
		{"nobody to follow it", types.FargateProfileStatusCreating, failed, types.FargateProfileStatusCreateFailed, false},
		{"active", types.FargateProfileStatusActive, failed, types.FargateProfileStatusActive, false},
		{"deletion not heard yet", types.FargateProfileStatusDeleting, seen{}, types.FargateProfileStatusDeleting, false},
		{"pods left", types.FargateProfileStatusDeleting, draining, types.FargateProfileStatusDeleting, false},
		{"no pods left", types.FargateProfileStatusDeleting, settled, "", true},
		{"nobody to stop them", types.FargateProfileStatusDeleting, failed, types.FargateProfileStatusDeleteFailed, false},
		{"failed before", types.FargateProfileStatusCreateFailed, settled, types.FargateProfileStatusCreateFailed, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, gone := nextProfile(row.status, "fp", row.seen); got != row.want || gone != row.gone {
				t.Errorf("%s, %t", got, gone)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	const arn = "arn:aws:eks:us-east-1:111122223333:cluster/web"
	for key, want := range map[string]string{
		arn: arn, arn + "/fp": arn, arn + "/arn:aws:iam::1:role/a/b": arn, "odd": "odd",
	} {
		if got := clusterOf(key); got != want {
			t.Errorf("%s is of %s", key, got)
		}
	}
	if got := partARN(arn, "addon", "coredns/u"); got != "arn:aws:eks:us-east-1:111122223333:addon/web/coredns/u" {
		t.Errorf("ARN is %s", got)
	}
}
