package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// TestTerraformECS makes the ECS stack of fixtures/terraform, runs a task of
// it, changes it in place, takes it over by import and destroys it.
func TestTerraformECS(t *testing.T) {
	t.Parallel()
	requireTerraform(t)
	s := serveFake(t)
	before := s.inventory(t)
	tf := s.terraform(t, "ecs")
	tf.apply()
	client := ecs.NewFromConfig(s.config())
	checkStack(t, client, tf, 1)
	runStack(t, client, tf)

	tf.apply("stage=live", "insights=enhanced", "retention=30", "image_tag=2.0")
	checkStack(t, client, tf, 2)
	var cluster string
	tf.output("cluster", &cluster)
	clusters, err := client.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{
		Clusters: []string{cluster}, Include: []types.ClusterField{types.ClusterFieldSettings, types.ClusterFieldTags},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := clusters.Clusters[0]; aws.ToString(c.Settings[0].Value) != "enhanced" || !slices.ContainsFunc(c.Tags, func(tag types.Tag) bool {
		return *tag.Key == "Stage" && *tag.Value == "live"
	}) {
		t.Errorf("after the change the cluster has settings %+v and tags %+v", c.Settings, c.Tags)
	}

	tf.adopt("aws_ecs_cluster.main", "shop")
	tf.settled()
	tf.destroy()
	s.checkInventory(t, before)
}

// checkStack checks which revision of the task definition there is.
func checkStack(t testing.TB, client *ecs.Client, tf *terraform, revision int) {
	t.Helper()
	var got int
	if tf.output("revision", &got); got != revision {
		t.Errorf("the stack's task definition has revision %d, want %d", got, revision)
	}
	var arn, image string
	tf.output("task_definition", &arn)
	tf.output("image", &image)
	out, err := client.DescribeTaskDefinition(context.Background(), &ecs.DescribeTaskDefinitionInput{TaskDefinition: &arn})
	if err != nil {
		t.Fatal(err)
	}
	if c := out.TaskDefinition.ContainerDefinitions[0]; aws.ToString(c.Image) != image || image != fmt.Sprintf("shop/app:%d.0", revision) {
		t.Errorf("revision %d: image %s, output %s", revision, aws.ToString(c.Image), image)
	}
}

// runStack runs a task of the stack in its subnet: what Terraform made is there
// for RunTask.
func runStack(t testing.TB, client *ecs.Client, tf *terraform) {
	t.Helper()
	var cluster, definition, group string
	var subnets []string
	tf.output("cluster", &cluster)
	tf.output("task_definition", &definition)
	tf.output("security_group", &group)
	tf.output("subnets", &subnets)
	ctx := context.Background()
	out, err := client.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: &cluster, TaskDefinition: &definition,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
			Subnets: subnets, SecurityGroups: []string{group}, AssignPublicIp: types.AssignPublicIpEnabled,
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	tasks := &ecs.DescribeTasksInput{Cluster: &cluster, Tasks: []string{*out.Tasks[0].TaskArn}}
	err = ecs.NewTasksRunningWaiter(client, func(o *ecs.TasksRunningWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	}).Wait(ctx, tasks, time.Minute)
	if err != nil {
		t.Fatalf("a task of the stack: %v", err)
	}
	if _, err := client.StopTask(ctx, &ecs.StopTaskInput{Cluster: &cluster, Task: out.Tasks[0].TaskArn}); err != nil {
		t.Fatal(err)
	}
	err = ecs.NewTasksStoppedWaiter(client, func(o *ecs.TasksStoppedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
	}).Wait(ctx, tasks, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
}

// inventory lists all that a stack could leave behind.
func (s *server) inventory(t testing.TB) []string {
	t.Helper()
	var ids struct {
		VPCs       []string `xml:"vpcSet>item>vpcId"`
		Subnets    []string `xml:"subnetSet>item>subnetId"`
		Groups     []string `xml:"securityGroupInfo>item>groupId"`
		Tables     []string `xml:"routeTableSet>item>routeTableId"`
		Gateways   []string `xml:"internetGatewaySet>item>internetGatewayId"`
		Addresses  []string `xml:"addressesSet>item>allocationId"`
		Interfaces []string `xml:"networkInterfaceSet>item>networkInterfaceId"`
	}
	for _, what := range []string{"Vpcs", "Subnets", "SecurityGroups", "RouteTables", "InternetGateways", "Addresses", "NetworkInterfaces"} {
		s.askEC2(t, &ids, "Action", "Describe"+what)
	}
	all := slices.Concat(ids.VPCs, ids.Subnets, ids.Groups, ids.Tables, ids.Gateways, ids.Addresses, ids.Interfaces, s.others(t))
	slices.Sort(all)
	return all
}

// others lists what is not EC2's.
func (s *server) others(t testing.TB) (all []string) {
	t.Helper()
	ctx, config := context.Background(), s.config()
	add := func(err error, names ...string) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, names...)
	}
	roles, err := iam.NewFromConfig(config).ListRoles(ctx, &iam.ListRolesInput{})
	add(err)
	for _, r := range roles.Roles {
		add(nil, *r.Arn)
	}
	policies, err := iam.NewFromConfig(config).ListPolicies(ctx, &iam.ListPoliciesInput{Scope: iamtypes.PolicyScopeTypeLocal})
	add(err)
	for _, p := range policies.Policies {
		add(nil, *p.Arn)
	}
	profiles, err := iam.NewFromConfig(config).ListInstanceProfiles(ctx, &iam.ListInstanceProfilesInput{})
	add(err)
	for _, p := range profiles.InstanceProfiles {
		add(nil, *p.Arn)
	}
	providers, err := iam.NewFromConfig(config).ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	add(err)
	for _, p := range providers.OpenIDConnectProviderList {
		add(nil, *p.Arn)
	}
	groups, err := cloudwatchlogs.NewFromConfig(config).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{})
	add(err)
	for _, g := range groups.LogGroups {
		add(nil, *g.Arn)
	}
	clusters, err := ecs.NewFromConfig(config).ListClusters(ctx, &ecs.ListClustersInput{})
	add(err, clusters.ClusterArns...)
	definitions, err := ecs.NewFromConfig(config).ListTaskDefinitions(ctx, &ecs.ListTaskDefinitionsInput{Status: types.TaskDefinitionStatusActive})
	add(err, definitions.TaskDefinitionArns...)
	kubernetes, err := eks.NewFromConfig(config).ListClusters(ctx, &eks.ListClustersInput{})
	add(err, kubernetes.Clusters...)
	return all
}

// checkInventory compares what is there with what was there before a stack.
func (s *server) checkInventory(t testing.TB, before []string) {
	t.Helper()
	after := s.inventory(t)
	isIn := func(list []string) func(string) bool {
		return func(id string) bool { return slices.Contains(list, id) }
	}
	left, lost := slices.DeleteFunc(slices.Clone(after), isIn(before)), slices.DeleteFunc(slices.Clone(before), isIn(after))
	if len(left) > 0 || len(lost) > 0 {
		t.Errorf("destroying the stack left %v and took %v", left, lost)
	}
}
