package ecs_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func (a *account) createCluster(t *testing.T, in sdk.CreateClusterInput) *types.Cluster {
	t.Helper()
	return must[*sdk.CreateClusterOutput](t)(a.CreateCluster(a.ctx, &in)).Cluster
}

func (a *account) describeClusters(t *testing.T, in sdk.DescribeClustersInput) *sdk.DescribeClustersOutput {
	t.Helper()
	return must[*sdk.DescribeClustersOutput](t)(a.DescribeClusters(a.ctx, &in))
}

var insightsOff = []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("disabled")}}

func TestCreateClusterAnswersWhole(t *testing.T) {
	a := newAccount(t)
	got := a.createCluster(t, sdk.CreateClusterInput{
		ClusterName: aws.String("c1"), Tags: []types.Tag{tag("k", "v")},
		CapacityProviders:               []string{"FARGATE", arnPrefix + "capacity-provider/FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1, Base: 2}},
		Configuration:                   &types.ClusterConfiguration{ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{}},
	})
	want := &types.Cluster{
		ClusterArn: aws.String(arnPrefix + "cluster/c1"), ClusterName: aws.String("c1"), Status: aws.String("ACTIVE"),
		Settings: insightsOff, Tags: []types.Tag{tag("k", "v")}, Statistics: []types.KeyValuePair{},
		CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, AttachmentsStatus: aws.String("UPDATE_COMPLETE"), Attachments: []types.Attachment{},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Weight: 1, Base: 2}},
		Configuration:                   &types.ClusterConfiguration{ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{Logging: types.ExecuteCommandLoggingDefault}},
	}
	if d := cmp.Diff(want, got, smithyEqual); d != "" {
		t.Error(d)
	}
}

func TestCreateClusterIsIdempotent(t *testing.T) {
	a := newAccount(t)
	first := a.createCluster(t, sdk.CreateClusterInput{CapacityProviders: []string{"FARGATE"}})
	if *first.ClusterName != "default" {
		t.Errorf("a cluster without a name is %s", *first.ClusterName)
	}
	for name, in := range map[string]sdk.CreateClusterInput{
		"nothing said":  {},
		"the same said": {ClusterName: aws.String("default"), CapacityProviders: []string{"FARGATE"}, Settings: insightsOff},
		"other tags":    {Tags: []types.Tag{tag("k", "v")}},
	} {
		if again := a.createCluster(t, in); *again.ClusterArn != *first.ClusterArn || len(again.Tags) != 0 {
			t.Errorf("%s: got %+v", name, again)
		}
	}
	on := []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enabled")}}
	for name, in := range map[string]sdk.CreateClusterInput{
		"providers":     {CapacityProviders: []string{"FARGATE_SPOT"}},
		"settings":      {Settings: on},
		"configuration": {Configuration: &types.ClusterConfiguration{ManagedStorageConfiguration: &types.ManagedStorageConfiguration{KmsKeyId: aws.String("k")}}},
		"strategy": {CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{
			{CapacityProvider: aws.String("FARGATE"), Weight: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := a.CreateCluster(a.ctx, &in)
			refused(t, err, "InvalidParameterException: Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
		})
	}
}

func TestRefusedClusters(t *testing.T) {
	spot := func(base int32) types.CapacityProviderStrategyItem {
		return types.CapacityProviderStrategyItem{CapacityProvider: aws.String("FARGATE_SPOT"), Base: base, Weight: 1}
	}
	exec := func(e types.ExecuteCommandConfiguration) sdk.CreateClusterInput {
		return sdk.CreateClusterInput{Configuration: &types.ClusterConfiguration{ExecuteCommandConfiguration: &e}}
	}
	a := newAccount(t)
	for _, row := range []struct {
		name string
		in   sdk.CreateClusterInput
		want string
	}{
		{"name", sdk.CreateClusterInput{ClusterName: aws.String("a.b")},
			"InvalidParameterException: Invalid cluster name. Cluster names can have up to 255 letters (uppercase and lowercase), numbers, hyphens, and underscores."},
		{"provider", sdk.CreateClusterInput{CapacityProviders: []string{"MINE"}},
			"InvalidParameterException: The specified capacity provider does not exist. Specify a valid name or ARN and try again."},
		{"strategy", sdk.CreateClusterInput{CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{spot(0)}},
			"InvalidParameterException: The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster. Associate the capacity provider with the cluster and try again."},
		{"bases", sdk.CreateClusterInput{CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{
			spot(1), {CapacityProvider: aws.String("FARGATE"), Base: 1}}},
			"InvalidParameterException: The specified capacity provider strategy contains multiple capacity providers with a base value defined. Only one capacity provider can have a base value defined. Specify one base value and try again."},
		{"override without target", exec(types.ExecuteCommandConfiguration{Logging: types.ExecuteCommandLoggingOverride}),
			"InvalidParameterException: A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration. Specify a log group or S3 bucket and try again."},
		{"target without override", exec(types.ExecuteCommandConfiguration{LogConfiguration: &types.ExecuteCommandLogConfiguration{}}),
			"InvalidParameterException: You must set logging to 'OVERRIDE' when you supply a log configuration. Set logging to 'OVERRIDE' and try again."},
		{"setting", sdk.CreateClusterInput{Settings: []types.ClusterSetting{{Name: "containerInsights", Value: aws.String("on")}}},
			"InvalidParameterException: value should be one of [enabled,disabled,enhanced]"},
		{"namespace", sdk.CreateClusterInput{ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: aws.String("prod")}},
			"UnsupportedFeatureException: serviceConnectDefaults: Neargate has no AWS Cloud Map to create the namespace prod in."},
		{"tags", sdk.CreateClusterInput{Tags: make([]types.Tag, 51)}, "InvalidParameterException: Tags can have a maximum of 50 items."},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.CreateCluster(a.ctx, &row.in)
			refused(t, err, row.want)
		})
	}
	if out := a.describeClusters(t, sdk.DescribeClustersInput{}); len(out.Clusters) != 0 {
		t.Error("a refused cluster was stored")
	}
}

func TestDescribeClustersIncludesWhatIsAsked(t *testing.T) {
	a := newAccount(t)
	a.createCluster(t, sdk.CreateClusterInput{ClusterName: aws.String("c1"), Tags: []types.Tag{tag("k", "v")},
		Configuration: &types.ClusterConfiguration{ManagedStorageConfiguration: &types.ManagedStorageConfiguration{KmsKeyId: aws.String("k")}}})
	bare := a.describeClusters(t, sdk.DescribeClustersInput{Clusters: []string{"c1", "nope", arnPrefix + "cluster/neither"}})
	want := []types.Failure{
		{Arn: aws.String(arnPrefix + "cluster/nope"), Reason: aws.String("MISSING")},
		{Arn: aws.String(arnPrefix + "cluster/neither"), Reason: aws.String("MISSING")},
	}
	if d := cmp.Diff(want, bare.Failures, smithyEqual); d != "" {
		t.Error(d)
	}
	c := bare.Clusters[0]
	if c.Tags == nil || len(c.Tags)+len(c.Settings)+len(c.Statistics) > 0 || c.Configuration != nil || c.Attachments != nil {
		t.Errorf("without include: %+v", c)
	}
	full := a.describeClusters(t, sdk.DescribeClustersInput{Clusters: []string{arnPrefix + "cluster/c1"}, Include: types.ClusterField("").Values()}).Clusters[0]
	if len(full.Tags) != 1 || len(full.Settings) != 1 || len(full.Statistics) != 12 || full.Configuration == nil || full.Attachments == nil {
		t.Errorf("with include: %+v", full)
	}
	if got := aws.ToString(full.Statistics[1].Name) + "=" + aws.ToString(full.Statistics[1].Value); got != "runningFargateTasksCount=0" {
		t.Errorf("second statistic is %s", got)
	}
	_, err := a.DescribeClusters(a.ctx, &sdk.DescribeClustersInput{Include: []types.ClusterField{"ALL"}})
	refused(t, err, "InvalidParameterException: include should be one of [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]")
	_, err = a.DescribeClusters(a.in("us-east-1"), &sdk.DescribeClustersInput{Clusters: []string{arnPrefix + "cluster/c1"}})
	refused(t, err, "InvalidParameterException: Invalid Region in ARN")
}

func TestListClustersPages(t *testing.T) {
	a := newAccount(t)
	for i := range 5 {
		a.createCluster(t, sdk.CreateClusterInput{ClusterName: aws.String(fmt.Sprintf("c%d", i))})
	}
	var seen []string
	in := &sdk.ListClustersInput{MaxResults: aws.Int32(2)}
	for {
		out := must[*sdk.ListClustersOutput](t)(a.ListClusters(a.ctx, in))
		seen = append(seen, out.ClusterArns...)
		if len(seen) == 2 { // what comes and goes between pages repeats and skips nothing
			must[*sdk.DeleteClusterOutput](t)(a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: aws.String("c1")}))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	if got := strings.ReplaceAll(strings.Join(seen, " "), arnPrefix+"cluster/", ""); got != "c0 c1 c2 c3 c4" {
		t.Errorf("pages held %s", got)
	}
	_, err := a.ListClusters(a.ctx, &sdk.ListClustersInput{NextToken: aws.String("x")})
	refused(t, err, "InvalidParameterException: Invalid token in nextToken.")
	_, err = a.ListClusters(a.ctx, &sdk.ListClustersInput{MaxResults: aws.Int32(101)})
	refused(t, err, "InvalidParameterException: maxResults should be between 1 and 100")
}

func TestUpdateCluster(t *testing.T) {
	a := newAccount(t)
	a.createCluster(t, sdk.CreateClusterInput{ClusterName: aws.String("c1")})
	on := []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enhanced")}}
	storage := &types.ClusterConfiguration{ManagedStorageConfiguration: &types.ManagedStorageConfiguration{KmsKeyId: aws.String("k")}}
	must[*sdk.UpdateClusterOutput](t)(a.UpdateCluster(a.ctx, &sdk.UpdateClusterInput{Cluster: aws.String("c1"), Configuration: storage,
		ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: aws.String("")}}))
	got := must[*sdk.UpdateClusterSettingsOutput](t)(a.UpdateClusterSettings(a.ctx, &sdk.UpdateClusterSettingsInput{Cluster: aws.String("c1"), Settings: on})).Cluster
	if d := cmp.Diff(on, got.Settings, smithyEqual) + cmp.Diff(storage, got.Configuration, smithyEqual); d != "" {
		t.Error(d)
	}
	_, err := a.UpdateCluster(a.ctx, &sdk.UpdateClusterInput{Cluster: aws.String("c2")})
	refused(t, err, "ClusterNotFoundException: Cluster not found.")
}

// startTask stores a task of the cluster that nobody runs, as RunTask would.
func (a *account) startTask(t *testing.T, cluster, definition, provider string) (arn string, stop func()) {
	t.Helper()
	id := fmt.Sprintf("%032x", time.Now().UnixNano())
	task := &ecs.Task{
		ARN: arnPrefix + "task/" + cluster + "/" + id, ID: id, Account: testAccount, Region: testRegion,
		Cluster: arnPrefix + "cluster/" + cluster, ClusterName: cluster, Definition: definition, Provider: provider,
	}
	err := a.st.Update(a.ctx, "test", func(tx *store.Tx) error {
		if err := ecs.InsertTask(tx, task); err != nil {
			return err
		}
		return sandbox.Create(tx, sandbox.Spec{
			ID: id, Owner: task.ARN, Group: task.Cluster, Steps: 3, Containers: []sandbox.Container{{Name: "web", Image: "nginx", Essential: true}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return task.ARN, func() { a.stopTask(t, id) }
}

// stopTask brings a task's sandbox to its end, as the engine would.
func (a *account) stopTask(t *testing.T, id string) {
	t.Helper()
	err := a.st.Update(a.ctx, "test", func(tx *store.Tx) error {
		r, err := sandbox.Sandboxes.Get(tx, id)
		if err != nil {
			return err
		}
		r.Value.Status.Falling, r.Value.Status.Height, r.Value.Status.StoppedAt = true, 0, tx.Now()
		return sandbox.Sandboxes.Replace(tx, r)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeleteClusterWaitsForTasks(t *testing.T) {
	a := newAccount(t)
	a.createCluster(t, sdk.CreateClusterInput{ClusterName: aws.String("c1"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"}})
	_, stop := a.startTask(t, "c1", "d", "FARGATE_SPOT")
	c := a.describeClusters(t, sdk.DescribeClustersInput{Clusters: []string{"c1"}, Include: []types.ClusterField{types.ClusterFieldStatistics}}).Clusters[0]
	if c.PendingTasksCount != 1 || *c.Statistics[3].Value != "1" {
		t.Errorf("pending %d, %s=%s", c.PendingTasksCount, *c.Statistics[3].Name, *c.Statistics[3].Value)
	}
	_, err := a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: aws.String("c1")})
	refused(t, err, "ClusterContainsTasksException: The Cluster cannot be deleted while Tasks are active.")
	put := &sdk.PutClusterCapacityProvidersInput{Cluster: aws.String("c1"), CapacityProviders: []string{"FARGATE"}}
	_, err = a.PutClusterCapacityProviders(a.ctx, put)
	refused(t, err, "ResourceInUseException: The specified capacity provider is in use and cannot be removed.")
	stop()
	got := must[*sdk.PutClusterCapacityProvidersOutput](t)(a.PutClusterCapacityProviders(a.ctx, put)).Cluster
	if d := cmp.Diff([]string{"FARGATE"}, got.CapacityProviders); d != "" {
		t.Error(d)
	}
	gone := must[*sdk.DeleteClusterOutput](t)(a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: aws.String("c1")})).Cluster
	if *gone.Status != "INACTIVE" {
		t.Errorf("deleted cluster is %s", *gone.Status)
	}
}

func TestInactiveClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(t)
		name := aws.String("c1")
		a.createCluster(t, sdk.CreateClusterInput{ClusterName: name, Tags: []types.Tag{tag("k", "v")}})
		for range 2 { // the second is answered as the first
			must[*sdk.DeleteClusterOutput](t)(a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: name}))
		}
		_, err := a.UpdateCluster(a.ctx, &sdk.UpdateClusterInput{Cluster: name})
		refused(t, err, "ClusterNotFoundException: The referenced cluster was inactive.")
		time.Sleep(59 * time.Minute)
		seen := a.describeClusters(t, sdk.DescribeClustersInput{Clusters: []string{"c1"}})
		if len(seen.Clusters) != 1 || *seen.Clusters[0].Status != "INACTIVE" {
			t.Errorf("after 59 minutes: %+v", seen)
		}
		again := a.createCluster(t, sdk.CreateClusterInput{ClusterName: name})
		if *again.Status != "ACTIVE" || len(again.Tags) != 0 {
			t.Errorf("woken: %+v", again)
		}
		must[*sdk.DeleteClusterOutput](t)(a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: name}))
		forgetting := ecs.NewForgetting(a.st)
		left, err := forgetting.Reconcile(a.ctx, *again.ClusterArn)
		if err != nil || left != time.Hour {
			t.Errorf("left %v, %v", left, err)
		}
		time.Sleep(time.Hour)
		if seen := a.describeClusters(t, sdk.DescribeClustersInput{Clusters: []string{"c1"}}); len(seen.Failures) != 1 {
			t.Errorf("after an hour: %+v", seen)
		}
		_, err = a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: name})
		refused(t, err, "ClusterNotFoundException: Cluster not found.")
		if left, err := forgetting.Reconcile(a.ctx, *again.ClusterArn); left != 0 || err != nil {
			t.Errorf("left %v, %v", left, err)
		}
		changes, err := a.st.History(a.ctx, store.HistoryQuery{Key: *again.ClusterArn, Reverse: true, Limit: 1})
		if err != nil || changes[0].After != nil {
			t.Errorf("the record is still there: %v, %v", changes, err)
		}
	})
}
