package eks_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

func newGroup(name string) *sdk.CreateNodegroupInput {
	return &sdk.CreateNodegroupInput{ClusterName: aws.String("web"), NodegroupName: &name, NodeRole: aws.String(nodeRole), Subnets: []string{"subnet-a", "subnet-b"}}
}

func scaling(lowest, highest, desired int32) *types.NodegroupScalingConfig {
	return &types.NodegroupScalingConfig{MinSize: &lowest, MaxSize: &highest, DesiredSize: &desired}
}

func (w *world) group(t *testing.T, name string) *types.Nodegroup {
	t.Helper()
	return must[*sdk.DescribeNodegroupOutput](t)(w.DescribeNodegroup(w.ctx, &sdk.DescribeNodegroupInput{ClusterName: aws.String("web"), NodegroupName: &name})).Nodegroup
}

func (w *world) createGroup(t *testing.T, in *sdk.CreateNodegroupInput) *types.Nodegroup {
	t.Helper()
	return must[*sdk.CreateNodegroupOutput](t)(w.CreateNodegroup(w.ctx, in)).Nodegroup
}

func TestNodegroupDefaults(t *testing.T) {
	w := entryWorld(t)
	made := w.createGroup(t, newGroup("workers"))
	want := &types.Nodegroup{
		NodegroupName: aws.String("workers"), ClusterName: aws.String("web"), NodegroupArn: made.NodegroupArn, CreatedAt: made.CreatedAt, ModifiedAt: made.ModifiedAt,
		Version: aws.String("1.35"), ReleaseVersion: made.ReleaseVersion, Status: "CREATING", CapacityType: "ON_DEMAND", AmiType: "AL2023_x86_64_STANDARD",
		ScalingConfig: scaling(1, 2, 2), InstanceTypes: []string{"t3.medium"}, Subnets: []string{"subnet-a", "subnet-b"}, NodeRole: aws.String(nodeRole),
		Labels: map[string]string{}, Tags: map[string]string{}, DiskSize: aws.Int32(20), UpdateConfig: &types.NodegroupUpdateConfig{MaxUnavailable: aws.Int32(1)},
		Health: &types.NodegroupHealth{Issues: []types.Issue{}}, Resources: made.Resources,
	}
	if d := cmp.Diff(want, made, smithyEqual); d != "" {
		t.Error(d)
	}
	if !strings.HasPrefix(*made.NodegroupArn, arnPrefix+"nodegroup/web/workers/") || !regexp.MustCompile(`^1\.35\.\d+-\d{8}$`).MatchString(*made.ReleaseVersion) {
		t.Errorf("ARN %s, release %s", *made.NodegroupArn, *made.ReleaseVersion)
	}
	if e := w.entry(t, nodeRole); *e.Type != "EC2_LINUX" {
		t.Errorf("the role's entry is %s", *e.Type)
	}
}

func TestNodegroupIsActiveWhenItsNodesAreReady(t *testing.T) {
	w := entryWorld(t)
	w.planes.hold()
	in := newGroup("workers")
	in.ScalingConfig, in.InstanceTypes, in.Labels = scaling(0, 5, 3), []string{"m5.xlarge", "m5a.xlarge"}, map[string]string{"tier": "web"}
	in.Taints = []types.Taint{{Key: aws.String("only"), Value: aws.String("web"), Effect: types.TaintEffectNoExecute}}
	w.createGroup(t, in)
	w.reconcile()
	told := w.planes.told(web).Nodegroups[0]
	want := link.Nodegroup{
		Name: "workers", Labels: map[string]string{"tier": "web"}, Taints: []link.Taint{{Key: "only", Value: "web", Effect: "NoExecute"}},
		CapacityType: "ON_DEMAND", AMIType: "AL2023_x86_64_STANDARD", InstanceType: "m5.xlarge", CPU: 4096, Memory: 16 << 30, Version: "1.35",
		Release: told.Release, MaxUnavailable: 1, RoleARN: told.RoleARN, InstanceID: told.InstanceID, Desired: 3, Subnets: told.Subnets,
	}
	if d := cmp.Diff(want, told); d != "" || len(told.Subnets) != 2 || !strings.HasPrefix(told.Release, "1.35.") || !regexp.MustCompile(`^i-[0-9a-f]{17}$`).MatchString(told.InstanceID) {
		t.Errorf("%s\nsubnets %+v, instance %s", d, told.Subnets, told.InstanceID)
	}
	ready := func(n int) types.NodegroupStatus {
		w.planes.becomes(web, func(s *link.Status) {
			s.Settings, s.Nodegroups = w.planes.all[web].settings.Revision, map[string]int{"workers": n}
		})
		w.reconcile()
		return w.group(t, "workers").Status
	}
	if s := ready(2); s != "CREATING" {
		t.Errorf("with two of three nodes it is %s", s)
	}
	if s := ready(3); s != "ACTIVE" {
		t.Errorf("with all nodes it is %s", s)
	}
}

func TestRefusedNodegroups(t *testing.T) {
	w := entryWorld(t)
	w.createGroup(t, newGroup("workers"))
	with := func(change func(in *sdk.CreateNodegroupInput)) *sdk.CreateNodegroupInput {
		in := newGroup("more")
		change(in)
		return in
	}
	type input = sdk.CreateNodegroupInput
	for _, row := range []struct {
		name   string
		change func(in *input)
		want   string
	}{
		{"duplicate", func(in *input) { in.NodegroupName = aws.String("workers") },
			"ResourceInUseException: NodeGroup already exists with name workers and cluster name web"},
		{"long name", func(in *input) { in.NodegroupName = aws.String(strings.Repeat("n", 64)) }, "InvalidParameterException: nodeGroupName can't be longer than 63 characters!"},
		{"name", func(in *input) { in.NodegroupName = aws.String("a.b") },
			"InvalidParameterException: The nodegroup name parameter contains invalid characters. It should begin with letter or digit and can have any of the following characters: the set of Unicode letters, digits, hyphens and underscores."},
		{"desired", func(in *input) { in.ScalingConfig = scaling(1, 2, 3) }, "InvalidParameterException: desiredSize can't be greater than maxSize"},
		{"min", func(in *input) { in.ScalingConfig = scaling(2, 3, 1) }, "InvalidParameterException: minSize can't be greater than desiredSize"},
		{"disk in template", func(in *input) {
			in.LaunchTemplate, in.DiskSize = &types.LaunchTemplateSpecification{Name: aws.String("lt")}, aws.Int32(10)
		}, "InvalidParameterException: Disk size must be specified within the launch template."},
		{"access in template", func(in *input) {
			in.LaunchTemplate, in.RemoteAccess = &types.LaunchTemplateSpecification{Name: aws.String("lt")}, &types.RemoteAccessConfig{}
		}, "InvalidParameterException: Remote access configuration cannot be specified with a launch template."},
		{"template", func(in *input) { in.LaunchTemplate = &types.LaunchTemplateSpecification{Name: aws.String("lt")} },
			"InvalidParameterException: launchTemplate: Neargate has no EC2 launch templates. Give instanceTypes, amiType, labels and taints in the node group itself."},
		{"label", func(in *input) { in.Labels = map[string]string{"eks.amazonaws.com/x": "y"} },
			"InvalidParameterException: Label cannot start with reserved prefixes [kubernetes.io/, k8s.io/, eks.amazonaws.com/]"},
		{"two limits", func(in *input) {
			in.UpdateConfig = &types.NodegroupUpdateConfig{MaxUnavailable: aws.Int32(1), MaxUnavailablePercentage: aws.Int32(1)}
		}, "InvalidParameterException: Either provide max-unavailable or max-unavailable-percentage in the request."},
		{"no limit", func(in *input) { in.UpdateConfig = &types.NodegroupUpdateConfig{} }, "InvalidParameterException: UpdateConfig cannot be empty if set in the request."},
		{"instance type", func(in *input) { in.InstanceTypes = []string{"t3.medium", "z9.large"} },
			"InvalidParameterException: The following supplied instance types do not exist: [z9.large]"},
		{"size of a type", func(in *input) { in.InstanceTypes = []string{"m5.3xlarge"} }, "InvalidParameterException: The following supplied instance types do not exist: [m5.3xlarge]"},
		{"accelerator", func(in *input) { in.InstanceTypes = []string{"g5.xlarge"} },
			"InvalidParameterException: instanceTypes: g5.xlarge has an accelerator, which no node of Neargate has. Use a type without one."},
		{"architecture", func(in *input) { in.InstanceTypes = []string{"t4g.medium"} },
			"InvalidParameterException: [t4g.medium] is not a valid instance type for requested amiType AL2023_x86_64_STANDARD"},
		{"windows", func(in *input) { in.AmiType = "WINDOWS_CORE_2022_x86_64" }, "InvalidParameterException: amiType: Neargate has no Windows nodes: WINDOWS_CORE_2022_x86_64"},
		{"unknown subnet", func(in *input) { in.Subnets = []string{"subnet-x"} },
			"InvalidParameterException: The subnet ID 'subnet-x' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)"},
		{"foreign subnet", func(in *input) { in.Subnets = []string{"subnet-10a"} },
			"InvalidParameterException: Subnets specified must belong to the VPC vpc-1 of the cluster: subnet-10a does not"},
		{"unknown role", func(in *input) { in.NodeRole = aws.String("arn:aws:iam::" + testAccount + ":role/nobody") },
			"InvalidParameterException: The role with name nobody cannot be found."},
		{"role", func(in *input) { in.NodeRole = aws.String(podRole) },
			"InvalidParameterException: Following required service principals [ec2.amazonaws.com] were not found in the trust relationships of nodeRole " + podRole},
		{"newer", func(in *input) { in.Version = aws.String("1.36") }, "InvalidParameterException: Requested Nodegroup version 1.36 can't be newer than the cluster's version 1.35"},
		{"release", func(in *input) { in.ReleaseVersion = aws.String("1.34.1-20260101") },
			"InvalidParameterException: Requested release version 1.34.1-20260101 is not valid for kubernetes version 1.35."},
		{"size", func(in *input) { in.ScalingConfig = scaling(1, 451, 1) }, "ResourceLimitExceededException: A node group can have 450 nodes at most."},
		{"taint", func(in *input) {
			in.Taints = []types.Taint{{Effect: types.TaintEffectNoSchedule, Value: aws.String("x")}}
		}, "InvalidParameterException: Taint key can't be empty"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := w.CreateNodegroup(w.ctx, with(row.change))
			refused(t, err, row.want)
		})
	}
	_, err := w.DescribeNodegroup(w.ctx, &sdk.DescribeNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("nope")})
	refused(t, err, "ResourceNotFoundException: No node group found for name: nope.")
	wantStatus(t, err, 404)
}

func TestNodegroupsNeedAnActiveCluster(t *testing.T) {
	w := newWorld(t)
	w.planes.hold()
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
	_, err := w.CreateNodegroup(w.ctx, newGroup("workers"))
	refused(t, err, "InvalidRequestException: Cluster 'web' is not in ACTIVE status")
}

func TestUpdateNodegroupConfig(t *testing.T) {
	w := entryWorld(t)
	in := newGroup("workers")
	in.Labels = map[string]string{"a": "1", "b": "2"}
	in.Taints = []types.Taint{{Key: aws.String("x"), Value: aws.String("1"), Effect: "NO_SCHEDULE"}, {Key: aws.String("y"), Effect: "NO_EXECUTE"}}
	w.createGroup(t, in)
	change := &sdk.UpdateNodegroupConfigInput{
		ClusterName: aws.String("web"), NodegroupName: aws.String("workers"), ScalingConfig: &types.NodegroupScalingConfig{MaxSize: aws.Int32(4), DesiredSize: aws.Int32(4)},
		Labels: &types.UpdateLabelsPayload{AddOrUpdateLabels: map[string]string{"a": "3", "c": "4"}, RemoveLabels: []string{"b"}},
		Taints: &types.UpdateTaintsPayload{AddOrUpdateTaints: []types.Taint{{Key: aws.String("x"), Value: aws.String("2"), Effect: "NO_SCHEDULE"}},
			RemoveTaints: []types.Taint{{Key: aws.String("y"), Effect: "NO_EXECUTE"}}},
		UpdateConfig: &types.NodegroupUpdateConfig{MaxUnavailablePercentage: aws.Int32(50)},
	}
	_, err := w.UpdateNodegroupConfig(w.ctx, change)
	refused(t, err, "ResourceInUseException: Nodegroup cannot be updated as it is currently not in Active State")
	w.reconcile()
	w.planes.hold()
	change.ClientRequestToken = aws.String("once")
	u := must[*sdk.UpdateNodegroupConfigOutput](t)(w.UpdateNodegroupConfig(w.ctx, change)).Update
	if again := must[*sdk.UpdateNodegroupConfigOutput](t)(w.UpdateNodegroupConfig(w.ctx, change)).Update; *again.Id != *u.Id {
		t.Error("the same request began another update")
	}
	var params []string
	for _, p := range u.Params {
		params = append(params, string(p.Type)+"="+*p.Value)
	}
	want := []string{"MaxSize=4", "DesiredSize=4", `LabelsToAdd={"a":"3","c":"4"}`, `LabelsToRemove=["b"]`, `TaintsToAdd=[{"effect":"NO_SCHEDULE","key":"x","value":"2"}]`,
		`TaintsToRemove=[{"effect":"NO_EXECUTE","key":"y","value":""}]`, "MaxUnavailablePercentage=50"}
	if u.Type != "ConfigUpdate" || !slices.Equal(params, want) {
		t.Errorf("%s: %v", u.Type, params)
	}
	w.reconcile()
	if s := w.group(t, "workers").Status; s != "UPDATING" {
		t.Errorf("meanwhile it is %s", s)
	}
	w.planes.release()
	w.reconcile()
	if again := must[*sdk.UpdateNodegroupConfigOutput](t)(w.UpdateNodegroupConfig(w.ctx, change)).Update; *again.Id != *u.Id || again.Status != "Successful" {
		t.Errorf("the same request, much later, began another update: %+v", again)
	}
	n := w.group(t, "workers")
	if n.Status != "ACTIVE" || *n.ScalingConfig.MinSize != 1 || *n.ScalingConfig.DesiredSize != 4 || n.Labels["a"] != "3" || len(n.Labels) != 2 ||
		len(n.Taints) != 1 || *n.Taints[0].Value != "2" || n.UpdateConfig.MaxUnavailable != nil {
		t.Errorf("then: %+v", n)
	}
	done := must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), NodegroupName: aws.String("workers"), UpdateId: u.Id})).Update
	if done.Status != "Successful" {
		t.Errorf("the update is %s", done.Status)
	}
	change.ClientRequestToken, change.ScalingConfig = nil, scaling(3, 4, 1)
	_, err = w.UpdateNodegroupConfig(w.ctx, change)
	refused(t, err, "InvalidParameterException: minSize can't be greater than desiredSize")
}

func TestUpdateNodegroupVersion(t *testing.T) {
	w := entryWorld(t)
	in := newGroup("workers")
	in.Version = aws.String("1.34")
	w.createGroup(t, in)
	w.reconcile()
	update := func(version string) (*sdk.UpdateNodegroupVersionOutput, error) {
		return w.UpdateNodegroupVersion(w.ctx, &sdk.UpdateNodegroupVersionInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers"), Version: named(version)})
	}
	_, err := update("1.33")
	refused(t, err, "InvalidParameterException: Requested Nodegroup version 1.33 can't be older than the node group's version 1.34")
	_, err = update("1.36")
	refused(t, err, "InvalidParameterException: Requested Nodegroup version 1.36 can't be newer than the cluster's version 1.35")
	u := must[*sdk.UpdateNodegroupVersionOutput](t)(update("")).Update
	if u.Type != "VersionUpdate" || *u.Params[0].Value != "1.35" || !strings.HasPrefix(*u.Params[1].Value, "1.35.") {
		t.Errorf("update: %+v", u)
	}
	w.reconcile()
	if n := w.group(t, "workers"); n.Status != "ACTIVE" || *n.Version != "1.35" || w.planes.told(web).Nodegroups[0].Version != "1.35" {
		t.Errorf("then: %s %s", n.Status, *n.Version)
	}
}

// Pods that do not leave a node in time fail an update; the node group is of
// the version that it was.
func TestPodEvictionFailure(t *testing.T) {
	w := entryWorld(t)
	in := newGroup("workers")
	in.Version, in.UpdateConfig = aws.String("1.34"), &types.NodegroupUpdateConfig{MaxUnavailablePercentage: aws.Int32(50)}
	in.ScalingConfig = scaling(0, 5, 4)
	w.createGroup(t, in)
	w.reconcile()
	release := *w.group(t, "workers").ReleaseVersion
	w.planes.hold()
	begin := func(force bool) *types.Update {
		t.Helper()
		u := must[*sdk.UpdateNodegroupVersionOutput](t)(w.UpdateNodegroupVersion(w.ctx, &sdk.UpdateNodegroupVersionInput{
			ClusterName: aws.String("web"), NodegroupName: aws.String("workers"), Force: force,
		})).Update
		w.reconcile()
		if told := w.planes.told(web).Nodegroups[0]; told.Force != force || told.Version != "1.35" || told.MaxUnavailable != 2 {
			t.Errorf("it is told %+v", told)
		}
		return u
	}
	becomes := func(ready int, stuck ...string) {
		w.planes.becomes(web, func(s *link.Status) {
			s.Settings, s.Nodegroups, s.Stuck = w.planes.all[web].settings.Revision, map[string]int{"workers": ready}, map[string][]string{"workers": stuck}
		})
		w.reconcile()
	}
	ended := func(u *types.Update) *types.Update {
		return must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{
			Name: aws.String("web"), NodegroupName: aws.String("workers"), UpdateId: u.Id,
		})).Update
	}
	u := begin(false)
	becomes(3, "ip-10-0-1-10.ec2.internal")
	failed := ended(u)
	if failed.Status != "Failed" || len(failed.Errors) != 1 || failed.Errors[0].ErrorCode != "PodEvictionFailure" ||
		*failed.Errors[0].ErrorMessage != "Reached max retries while trying to evict pods from nodes in node group workers" ||
		!slices.Equal(failed.Errors[0].ResourceIds, []string{"ip-10-0-1-10.ec2.internal"}) {
		t.Errorf("%+v", failed)
	}
	w.reconcile()
	if n := w.group(t, "workers"); n.Status != "ACTIVE" || *n.Version != "1.34" || *n.ReleaseVersion != release || w.planes.told(web).Nodegroups[0].Version != "1.34" {
		t.Errorf("it is %s, of %s %s", n.Status, *n.Version, *n.ReleaseVersion)
	}
	becomes(4)
	u = begin(true)
	becomes(4)
	if n := w.group(t, "workers"); ended(u).Status != "Successful" || *n.Version != "1.35" || n.Status != "ACTIVE" {
		t.Errorf("with force: %+v, %s", ended(u), *n.Version)
	}
	w.reconcile()
	if w.planes.told(web).Nodegroups[0].Force {
		t.Error("force outlives the update")
	}
}

func TestNodegroupDrains(t *testing.T) {
	w := entryWorld(t)
	w.createGroup(t, newGroup("workers"))
	w.createGroup(t, newGroup("more"))
	w.reconcile()
	del := &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}
	w.planes.hold()
	for range 2 {
		if n := must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, del)).Nodegroup; n.Status != "DELETING" {
			t.Errorf("deleted: %s", n.Status)
		}
	}
	w.reconcile()
	if i := slices.IndexFunc(w.planes.told(web).Nodegroups, func(n link.Nodegroup) bool { return n.Name == "workers" }); !w.planes.told(web).Nodegroups[i].Deleting {
		t.Error("the control plane does not know that it goes")
	}
	draining := func(left map[string]int) {
		w.planes.becomes(web, func(s *link.Status) { s.Settings, s.Draining = w.planes.all[web].settings.Revision, left })
		w.reconcile()
	}
	draining(map[string]int{"nodegroup/workers": 1})
	if n := w.group(t, "workers"); n.Status != "DELETING" {
		t.Errorf("with a pod left it is %s", n.Status)
	}
	draining(nil)
	_, err := w.DescribeNodegroup(w.ctx, &sdk.DescribeNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")})
	refused(t, err, "ResourceNotFoundException: No node group found for name: workers.")
	w.entry(t, nodeRole)
	w.planes.release()
	del.NodegroupName = aws.String("more")
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, del))
	w.reconcile()
	_, err = w.DescribeAccessEntry(w.ctx, &sdk.DescribeAccessEntryInput{ClusterName: aws.String("web"), PrincipalArn: aws.String(nodeRole)})
	refused(t, err, "ResourceNotFoundException: The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.")
}

func TestNodegroupEntryMadeByHandStays(t *testing.T) {
	w := entryWorld(t)
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(nodeRole), Type: aws.String("EC2_LINUX")})
	w.createGroup(t, newGroup("workers"))
	w.reconcile()
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}))
	w.reconcile()
	w.entry(t, nodeRole)
}

func TestNodegroupWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := entryWorld(t)
		w.planes.hold()
		stop := w.run()
		defer stop()
		w.createGroup(t, newGroup("workers"))
		go func() {
			<-time.After(2 * time.Minute)
			w.planes.release()
		}()
		began := time.Now()
		describe := &sdk.DescribeNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}
		if err := sdk.NewNodegroupActiveWaiter(w).Wait(w.ctx, describe, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 2*time.Minute {
			t.Errorf("ACTIVE after %s", took)
		}
		must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}))
		if err := sdk.NewNodegroupDeletedWaiter(w).Wait(w.ctx, describe, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNodegroupsOnAControlPlaneThatFailed(t *testing.T) {
	w := entryWorld(t)
	w.createGroup(t, newGroup("old"))
	w.reconcile()
	w.planes.hold()
	w.createGroup(t, newGroup("young"))
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("old")}))
	w.planes.becomes(web, func(s *link.Status) { s.Phase, s.Error = link.Failed, "it died" })
	w.reconcile()
	young, old := w.group(t, "young"), w.group(t, "old")
	if young.Status != "CREATE_FAILED" || old.Status != "DELETE_FAILED" || *young.Health.Issues[0].Message != "it died" || young.Health.Issues[0].Code != "ClusterUnreachable" {
		t.Errorf("young is %s, old is %s: %+v", young.Status, old.Status, young.Health.Issues)
	}
}

func TestPartsWithoutControlPlanes(t *testing.T) {
	w := recordsWorld(t)
	w.create("web", types.AuthenticationModeApi)
	w.createGroup(t, newGroup("workers"))
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns")})
	w.reconcile()
	n, a := w.group(t, "workers"), w.addon(t, "coredns")
	if n.Status != "ACTIVE" || len(n.Health.Issues) != 1 || a.Status != "ACTIVE" || len(a.Health.Issues) != 1 || !strings.Contains(*a.Health.Issues[0].Message, "--eks=records") {
		t.Errorf("node group %s %+v, add-on %s %+v", n.Status, n.Health.Issues, a.Status, a.Health.Issues)
	}
	must[*sdk.UpdateNodegroupConfigOutput](t)(w.UpdateNodegroupConfig(w.ctx, &sdk.UpdateNodegroupConfigInput{
		ClusterName: aws.String("web"), NodegroupName: aws.String("workers"), ScalingConfig: scaling(1, 1, 1)}))
	must[*sdk.UpdateAddonOutput](t)(w.UpdateAddon(w.ctx, &sdk.UpdateAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns")}))
	w.reconcile()
	for _, u := range must[*sdk.ListUpdatesOutput](t)(w.ListUpdates(w.ctx, &sdk.ListUpdatesInput{Name: aws.String("web"), NodegroupName: aws.String("workers")})).UpdateIds {
		if got := must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), NodegroupName: aws.String("workers"), UpdateId: &u})); got.Update.Status != "Successful" {
			t.Errorf("update %s is %s", u, got.Update.Status)
		}
	}
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("workers")}))
	must[*sdk.DeleteAddonOutput](t)(w.DeleteAddon(w.ctx, &sdk.DeleteAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns")}))
	w.reconcile()
	groups := must[*sdk.ListNodegroupsOutput](t)(w.ListNodegroups(w.ctx, &sdk.ListNodegroupsInput{ClusterName: aws.String("web")})).Nodegroups
	if groups == nil || len(groups) > 0 {
		t.Errorf("left: %v", groups)
	}
}

func TestInstanceTypes(t *testing.T) {
	w := entryWorld(t)
	for name, want := range map[string]struct {
		ami         types.AMITypes
		cpus        float64
		memoryInGiB float64
	}{
		"t3.micro": {"", 2, 1}, "t3a.2xlarge": {"", 8, 32}, "t2.small": {"", 1, 2}, "m5.large": {"", 2, 8}, "m5.24xlarge": {"", 96, 384}, "m5.metal": {"", 96, 384},
		"m6i.32xlarge": {"", 128, 512}, "m7a.medium": {"", 1, 4}, "c5.9xlarge": {"", 36, 72}, "c5n.large": {"", 2, 5.25}, "c4.8xlarge": {"", 36, 60},
		"r5.xlarge": {"", 4, 32}, "r4.16xlarge": {"", 64, 488}, "m7i-flex.large": {"", 2, 8}, "t4g.medium": {"AL2023_ARM_64_STANDARD", 2, 4}, "c7g.medium": {"BOTTLEROCKET_ARM_64", 1, 2},
	} {
		in := newGroup("one")
		in.InstanceTypes, in.AmiType = []string{name}, want.ami
		w.createGroup(t, in)
		w.reconcile()
		if told := w.planes.told(web).Nodegroups[0]; float64(told.CPU)/1024 != want.cpus || float64(told.Memory)/(1<<30) != want.memoryInGiB {
			t.Errorf("%s has %d units and %d bytes", name, told.CPU, told.Memory)
		}
		must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("one")}))
		w.reconcile()
	}
}

func TestPartsGoOnAfterARestart(t *testing.T) {
	path, p := storeFile(t), newPlanes()
	w := openWorld(t, path, p)
	w.create("web", types.AuthenticationModeApi)
	w.createGroup(t, newGroup("going"))
	w.reconcile()
	p.hold()
	w.createGroup(t, newGroup("coming"))
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns")})
	must[*sdk.DeleteNodegroupOutput](t)(w.DeleteNodegroup(w.ctx, &sdk.DeleteNodegroupInput{ClusterName: aws.String("web"), NodegroupName: aws.String("going")}))
	if err := w.st.Close(); err != nil {
		t.Fatal(err)
	}
	w = openWorld(t, path, newPlanes())
	w.reconcile()
	groups := must[*sdk.ListNodegroupsOutput](t)(w.ListNodegroups(w.ctx, &sdk.ListNodegroupsInput{ClusterName: aws.String("web")})).Nodegroups
	if !slices.Equal(groups, []string{"coming"}) || w.group(t, "coming").Status != "ACTIVE" || w.addon(t, "coredns").Status != "ACTIVE" {
		t.Errorf("node groups %v, %s; add-on %s", groups, w.group(t, "coming").Status, w.addon(t, "coredns").Status)
	}
}

func TestNodegroupQuotaAndPages(t *testing.T) {
	w := entryWorld(t)
	for i := range 30 {
		w.createGroup(t, newGroup(fmt.Sprintf("g%02d", i)))
	}
	_, err := w.CreateNodegroup(w.ctx, newGroup("g30"))
	refused(t, err, "ResourceLimitExceededException: A cluster can have 30 node groups at most.")
	var names []string
	for p := sdk.NewListNodegroupsPaginator(w, &sdk.ListNodegroupsInput{ClusterName: aws.String("web"), MaxResults: aws.Int32(12)}); p.HasMorePages(); {
		names = append(names, must[*sdk.ListNodegroupsOutput](t)(p.NextPage(w.ctx)).Nodegroups...)
	}
	if len(names) != 30 || !slices.IsSorted(names) {
		t.Errorf("pages: %v", names)
	}
}
