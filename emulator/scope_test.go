package emulator_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/neargate/neargate/fixtures"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

// TestScopes: accounts and regions are worlds of their own.
func TestScopes(t *testing.T) {
	ctx := context.Background()
	home := open(t)
	type place struct {
		site            *site
		account, region string
	}
	places := []place{
		{home, "000000000000", "us-east-1"},
		{home.as("111111111111", "x", "", "us-east-1"), "111111111111", "us-east-1"},
		{home.as("111111111111", "x", "", "eu-west-1"), "111111111111", "eu-west-1"},
		{home.as("222222222222", "x", "", "cn-north-1"), "222222222222", "cn-north-1"},
	}
	arnOf := func(p place, resource string) string {
		partition := "aws"
		if p.region == "cn-north-1" {
			partition = "aws-cn"
		}
		return "arn:" + partition + ":ecs:" + p.region + ":" + p.account + ":" + resource
	}
	var vpcs []string
	for i, p := range places {
		s := p.site
		task := s.running(t, s.run(t, logged(fixtures.TaskDefinition("web", "nginx", "FAKE_STDOUT=of "+p.account+" "+p.region), "/ecs/web"))[0])
		if want := arnOf(p, "task/default/"+id(task)); *task.TaskArn != want || *task.ClusterArn != arnOf(p, "cluster/default") || *task.TaskDefinitionArn != arnOf(p, "task-definition/web:1") {
			t.Errorf("ARNs of %s %s: %s, %s, %s", p.account, p.region, *task.TaskArn, *task.ClusterArn, *task.TaskDefinitionArn)
		}
		if zone := aws.ToString(task.AvailabilityZone); !strings.HasPrefix(zone, p.region) {
			t.Errorf("%s: zone %s", p.region, zone)
		}
		list, err := s.ecs().ListTasks(ctx, &ecs.ListTasksInput{})
		if err != nil || !slices.Equal(list.TaskArns, []string{*task.TaskArn}) {
			t.Errorf("tasks of %s %s: %+v, %v", p.account, p.region, list, err)
		}
		clusters, err := s.ecs().ListClusters(ctx, &ecs.ListClustersInput{})
		if err != nil || !slices.Equal(clusters.ClusterArns, []string{arnOf(p, "cluster/default")}) {
			t.Errorf("clusters of %s %s: %+v, %v", p.account, p.region, clusters, err)
		}
		_, answer := s.ec2(t, "DescribeVpcs")
		vpc := element(answer, "vpcId")
		if vpc == "" || slices.Contains(vpcs, vpc) || strings.Count(answer, "<vpcId>") != 1 || element(answer, "ownerId") != p.account {
			t.Errorf("VPCs of %s %s: %s", p.account, p.region, answer)
		}
		vpcs = append(vpcs, vpc)
		for _, other := range places[:i] {
			out, err := other.site.ecs().DescribeTasks(ctx, &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}})
			if err != nil || len(out.Tasks) != 0 || *out.Failures[0].Reason != "MISSING" {
				t.Errorf("%s %s sees a task of %s %s: %+v, %v", other.account, other.region, p.account, p.region, out, err)
			}
			if status, answer := other.site.ec2(t, "DescribeVpcs", "VpcId.1", vpc); status != http.StatusBadRequest || !strings.Contains(answer, "InvalidVpcID.NotFound") {
				t.Errorf("%s %s sees a VPC of %s %s: %s", other.account, other.region, p.account, p.region, answer)
			}
		}
		s.stop(t, task)
		s.stopped(t, task)
		events, err := cloudwatchlogs.NewFromConfig(s.cfg).GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("/ecs/web"), LogStreamName: aws.String("app/web/" + id(task)),
		})
		if p.region != "us-east-1" { // awslogs-region says us-east-1
			if err == nil {
				t.Errorf("lines of a group in us-east-1 are in %s: %+v", p.region, events)
			}
		} else if err != nil || len(events.Events) != 1 || *events.Events[0].Message != "of "+p.account+" "+p.region {
			t.Errorf("lines of %s %s: %+v, %v", p.account, p.region, events, err)
		}
	}
}

// TestRolesAreGlobal: IAM knows accounts and no regions.
func TestRolesAreGlobal(t *testing.T) {
	ctx := context.Background()
	home := open(t)
	east, west, other := home.as("111111111111", "x", "", "us-east-1"), home.as("111111111111", "x", "", "eu-west-1"), home.as("222222222222", "x", "", "us-east-1")
	made, err := iam.NewFromConfig(east.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil || *made.Role.Arn != "arn:aws:iam::111111111111:role/app" {
		t.Fatalf("%+v, %v", made, err)
	}
	got, err := iam.NewFromConfig(west.cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("app")})
	if err != nil || *got.Role.RoleId != *made.Role.RoleId {
		t.Errorf("the role in another region: %+v, %v", got, err)
	}
	if got, err := iam.NewFromConfig(other.cfg).GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("app")}); err == nil {
		t.Errorf("the role in another account: %+v", got)
	}
}

// assume makes a site that has the credentials of a role.
func assume(t *testing.T, s *site, role, region string) *site {
	t.Helper()
	out, err := sts.NewFromConfig(s.cfg).AssumeRole(context.Background(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("me")})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	if time.Until(*c.Expiration) < 50*time.Minute {
		t.Errorf("credentials end at %v", c.Expiration)
	}
	return s.as(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, region)
}

// TestAssumedRole: temporary credentials act in the role's account.
func TestAssumedRole(t *testing.T) {
	ctx := context.Background()
	home := open(t)
	there := home.as("333333333333", "x", "", "us-east-1")
	if _, err := iam.NewFromConfig(there.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	s := assume(t, home, "arn:aws:iam::333333333333:role/app", "eu-west-1")
	who, err := sts.NewFromConfig(s.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != "333333333333" || *who.Arn != "arn:aws:sts::333333333333:assumed-role/app/me" {
		t.Errorf("who: %+v, %v", who, err)
	}
	task := s.run(t, fixtures.TaskDefinition("web", "nginx"))[0]
	if !strings.HasPrefix(*task.TaskArn, "arn:aws:ecs:eu-west-1:333333333333:task/default/") {
		t.Errorf("the task is %s", *task.TaskArn)
	}
	if list, err := there.as("333333333333", "y", "", "eu-west-1").ecs().ListTasks(ctx, &ecs.ListTasksInput{}); err != nil || len(list.TaskArns) != 1 {
		t.Errorf("the account's own key sees %+v, %v", list, err)
	}
}
