package eks_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"
)

func TestTags(t *testing.T) {
	w := newWorld(t)
	c := w.create("web", "")
	p := must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp"))).FargateProfile
	w.reconcile()
	for _, arn := range []*string{c.Arn, p.FargateProfileArn} {
		must[*sdk.TagResourceOutput](t)(w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": ""}}))
		must[*sdk.TagResourceOutput](t)(w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "2", "c": "3"}}))
		must[*sdk.UntagResourceOutput](t)(w.UntagResource(w.ctx, &sdk.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"c", "d"}}))
		out := must[*sdk.ListTagsForResourceOutput](t)(w.ListTagsForResource(w.ctx, &sdk.ListTagsForResourceInput{ResourceArn: arn}))
		if d := cmp.Diff(map[string]string{"a": "2", "b": ""}, out.Tags); d != "" {
			t.Errorf("%s: %s", *arn, d)
		}
	}
	if d := cmp.Diff(map[string]string{"a": "2", "b": ""}, w.describe("web").Tags); d != "" {
		t.Error(d)
	}
	if c := w.describe("web"); c.Status != types.ClusterStatusActive {
		t.Errorf("a tag makes the cluster %s", c.Status)
	}
}

func TestRefusedTags(t *testing.T) {
	w := newWorld(t)
	c := w.create("web", "")
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	for arn, want := range map[string]string{
		"web": "BadRequestException: Invalid ARN: web",
		"arn:aws:ecs:eu-west-1:" + testAccount + ":cluster/web": "BadRequestException: Invalid ARN: arn:aws:ecs:eu-west-1:" + testAccount + ":cluster/web",
		arnPrefix + "thing/web":                                 "BadRequestException: Invalid ARN: " + arnPrefix + "thing/web",
		arnPrefix + "cluster/":                                  "BadRequestException: Invalid ARN: " + arnPrefix + "cluster/",
		arnPrefix + "cluster/nope":                              "NotFoundException: Resource was not found: " + arnPrefix + "cluster/nope",
		arnPrefix + "fargateprofile/web/fp/other":               "NotFoundException: Resource was not found: " + arnPrefix + "fargateprofile/web/fp/other",
		arnPrefix + "nodegroup/web/ng/other":                    "NotFoundException: Resource was not found: " + arnPrefix + "nodegroup/web/ng/other",
		arnPrefix + "capability/web/c":                          "NotFoundException: Resource was not found: " + arnPrefix + "capability/web/c",
		"arn:aws:eks:us-east-1:" + testAccount + ":cluster/web": "NotFoundException: Resource was not found: arn:aws:eks:us-east-1:" + testAccount + ":cluster/web",
	} {
		_, err := w.ListTagsForResource(w.ctx, &sdk.ListTagsForResourceInput{ResourceArn: &arn})
		refused(t, err, want)
	}
	full := map[string]string{}
	for i := range 50 {
		full[fmt.Sprint("k", i)] = "v"
	}
	must[*sdk.TagResourceOutput](t)(w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: c.Arn, Tags: full}))
	for _, row := range []struct {
		tags map[string]string
		want string
	}{
		{map[string]string{"more": ""}, "BadRequestException: Tags can have a maximum of 50 items."},
		{map[string]string{"aws:x": ""}, "BadRequestException: Tag keys and values that begin with aws: are reserved: aws:x"},
		{map[string]string{"a#b": ""}, "BadRequestException: Tags may hold letters, digits, white space and _ . : / = + - @ only: a#b"},
	} {
		_, err := w.TagResource(w.ctx, &sdk.TagResourceInput{ResourceArn: c.Arn, Tags: row.tags})
		refused(t, err, row.want)
	}
	_, err := w.UntagResource(w.ctx, &sdk.UntagResourceInput{ResourceArn: c.Arn, TagKeys: []string{"AWS:x"}})
	refused(t, err, "BadRequestException: Tag keys and values that begin with aws: are reserved: AWS:x")
	_, err = w.UntagResource(w.ctx, &sdk.UntagResourceInput{ResourceArn: aws.String("x"), TagKeys: []string{"k"}})
	refused(t, err, "BadRequestException: Invalid ARN: x")
}
