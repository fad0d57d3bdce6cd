package ecs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
)

func (a *account) tags(t *testing.T, arn string) []types.Tag {
	t.Helper()
	return must[*sdk.ListTagsForResourceOutput](t)(a.ListTagsForResource(a.ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn})).Tags
}

func TestTagsOnEverything(t *testing.T) {
	a := newAccount(t)
	c := a.createCluster(t, sdk.CreateClusterInput{})
	d := a.register(t, fargateDefinition("f"))
	task, _ := a.startTask(t, "default", *d.TaskDefinitionArn, "")
	for _, arn := range []string{*c.ClusterArn, *d.TaskDefinitionArn, task} {
		if got := a.tags(t, arn); got == nil || len(got) != 0 {
			t.Errorf("%s begins with %v", arn, got)
		}
		for _, tags := range [][]types.Tag{{tag("a", "1"), tag("b", "2")}, {tag("a", "3"), tag("c", "")}} {
			must[*sdk.TagResourceOutput](t)(a.TagResource(a.ctx, &sdk.TagResourceInput{ResourceArn: &arn, Tags: tags}))
		}
		must[*sdk.UntagResourceOutput](t)(a.UntagResource(a.ctx, &sdk.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"b", "x"}}))
		if d := cmp.Diff([]types.Tag{tag("a", "3"), tag("c", "")}, a.tags(t, arn), smithyEqual); d != "" {
			t.Errorf("%s: %s", arn, d)
		}
	}
}

func TestRefusedTags(t *testing.T) {
	a := newAccount(t)
	c := a.createCluster(t, sdk.CreateClusterInput{})
	many := make([]types.Tag, 0, 51)
	for i := range 51 {
		many = append(many, tag(fmt.Sprint(i), ""))
	}
	for _, row := range []struct {
		name string
		tags []types.Tag
		want string
	}{
		{"none", nil, "Tags can not be empty."},
		{"many", many, "Tags can have a maximum of 50 items."},
		{"no key", []types.Tag{tag("", "v")}, "Tag key can not be blank."},
		{"long key", []types.Tag{tag(strings.Repeat("é", 129), "v")}, "Tag keys can have a maximum of 128 characters."},
		{"long value", []types.Tag{tag("k", strings.Repeat("é", 257))}, "Tag values can have a maximum of 256 characters."},
		{"reserved", []types.Tag{tag("AWS:k", "v")}, "Tag keys and values that begin with aws: are reserved: AWS:k"},
		{"characters", []types.Tag{tag("k", "a;b")}, "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers, and _ . / = + - : @"},
		{"twice", []types.Tag{tag("k", "a"), tag("k", "b")}, "Duplicate tag keys are not allowed: k"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.TagResource(a.ctx, &sdk.TagResourceInput{ResourceArn: c.ClusterArn, Tags: row.tags})
			refused(t, err, "InvalidParameterException: "+row.want)
		})
	}
	must[*sdk.TagResourceOutput](t)(a.TagResource(a.ctx, &sdk.TagResourceInput{ResourceArn: c.ClusterArn, Tags: many[:50]}))
	_, err := a.TagResource(a.ctx, &sdk.TagResourceInput{ResourceArn: c.ClusterArn, Tags: many[50:]})
	refused(t, err, "InvalidParameterException: Tags can have a maximum of 50 items.")
}

func TestTagsOnNothing(t *testing.T) {
	a := newAccount(t)
	a.createCluster(t, sdk.CreateClusterInput{ClusterName: aws.String("old")})
	a.createCluster(t, sdk.CreateClusterInput{})
	task, stop := a.startTask(t, "default", "d", "")
	stop()
	must[*sdk.DeleteClusterOutput](t)(a.DeleteCluster(a.ctx, &sdk.DeleteClusterInput{Cluster: aws.String("old")}))
	const notFound = "ResourceNotFoundException: The specified resource wasn't found. Specify a valid resource ARN and try again."
	for _, row := range []struct{ name, arn, want string }{
		{"no ARN", "default", "InvalidParameterException: The ARN provided is invalid."},
		{"kind", arnPrefix + "spaceship/x", "InvalidParameterException: The ARN provided is invalid."},
		{"region", "arn:aws:ecs:us-east-1:" + testAccount + ":cluster/default", "InvalidParameterException: Invalid Region in ARN"},
		{"short", arnPrefix + "task/0123", "InvalidParameterException: Long arn format must be used for tagging operations"},
		{"cluster", arnPrefix + "cluster/nope", "ClusterNotFoundException: Cluster not found."},
		{"inactive cluster", arnPrefix + "cluster/old", "InvalidParameterException: The specified cluster is inactive. Specify an active cluster and try again."},
		{"definition", arnPrefix + "task-definition/f:1", notFound},
		{"task", arnPrefix + "task/default/0123", notFound},
		{"stopped task", task, "InvalidParameterException: The specified task is stopped. Specify a running task and try again."},
		{"service", arnPrefix + "service/default/web", notFound},
		{"provider", arnPrefix + "capacity-provider/FARGATE", "ClientException: The specified capacity provider is reserved and cannot be tagged."},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.TagResource(a.ctx, &sdk.TagResourceInput{ResourceArn: &row.arn, Tags: []types.Tag{tag("k", "v")}})
			refused(t, err, row.want)
		})
	}
}
