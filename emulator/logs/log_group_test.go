package logs_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

const groupARN = "arn:aws:logs:us-east-1:000000000000:log-group:"

func (w world) groups(t *testing.T, in *cwl.DescribeLogGroupsInput) []types.LogGroup {
	t.Helper()
	return must[cwl.DescribeLogGroupsOutput](t)(w.DescribeLogGroups(w.ctx, in)).LogGroups
}

// names are those of groups.
func names(all []types.LogGroup) []string {
	var out []string
	for _, g := range all {
		out = append(out, *g.LogGroupName)
	}
	return out
}

func TestLogGroupLife(t *testing.T) {
	w := newWorld(t)
	must[cwl.CreateLogGroupOutput](t)(w.CreateLogGroup(w.ctx, &cwl.CreateLogGroupInput{
		LogGroupName: aws.String("/ecs/web"), KmsKeyId: aws.String("arn:aws:kms:x"), Tags: map[string]string{"a": "b"},
	}))
	_, err := w.CreateLogGroup(w.ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("/ecs/web")})
	wantError(t, err, "ResourceAlreadyExistsException", "The specified log group already exists")
	_, err = w.CreateLogGroup(w.ctx, &cwl.CreateLogGroupInput{LogGroupName: aws.String("aws/x")})
	wantError(t, err, "InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.")
	w.stream(t, "/ecs/web", "s")
	w.put(t, "/ecs/web", "s", time.Now(), "hello")

	g := w.groups(t, &cwl.DescribeLogGroupsInput{})[0]
	if *g.Arn != groupARN+"/ecs/web:*" || *g.LogGroupArn != groupARN+"/ecs/web" || *g.KmsKeyId != "arn:aws:kms:x" || *g.StoredBytes != 31 ||
		g.LogGroupClass != types.LogGroupClassStandard || *g.MetricFilterCount != 0 || g.RetentionInDays != nil || time.Since(time.UnixMilli(*g.CreationTime)) > time.Minute {
		t.Errorf("group = %+v", g)
	}
	must[cwl.DeleteLogGroupOutput](t)(w.DeleteLogGroup(w.ctx, &cwl.DeleteLogGroupInput{LogGroupName: aws.String("/ecs/web")}))
	_, err = w.DeleteLogGroup(w.ctx, &cwl.DeleteLogGroupInput{LogGroupName: aws.String("/ecs/web")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	w.group(t, "/ecs/web")
	w.stream(t, "/ecs/web", "s")
	wantMessages(t, w.all(t, "/ecs/web", "s"))
}

func TestDescribeLogGroups(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"b/one", "a", "b/two", "c", "b-Three"} {
		w.group(t, name)
	}
	must[cwl.CreateLogGroupOutput](t)(w.CreateLogGroup(in(t.Context(), account, "eu-west-1"), &cwl.CreateLogGroupInput{LogGroupName: aws.String("b/far")}))
	for _, c := range []struct {
		in   cwl.DescribeLogGroupsInput
		want []string
	}{
		{cwl.DescribeLogGroupsInput{}, []string{"a", "b-Three", "b/one", "b/two", "c"}},
		{cwl.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("b/")}, []string{"b/one", "b/two"}},
		{cwl.DescribeLogGroupsInput{LogGroupNamePattern: aws.String("T")}, []string{"b-Three"}},
		{cwl.DescribeLogGroupsInput{LogGroupClass: types.LogGroupClassEssentials}, nil},
		{cwl.DescribeLogGroupsInput{LogGroupIdentifiers: []string{"c", groupARN + "a", "arn:aws:logs:eu-west-1:000000000000:log-group:b/far"}}, []string{"a", "c"}},
	} {
		if got := names(w.groups(t, &c.in)); !slices.Equal(got, c.want) {
			t.Errorf("groups = %q, want %q", got, c.want)
		}
	}
	var all []string
	request := &cwl.DescribeLogGroupsInput{Limit: aws.Int32(2)}
	for {
		out := must[cwl.DescribeLogGroupsOutput](t)(w.DescribeLogGroups(w.ctx, request))
		all = append(all, names(out.LogGroups)...)
		if request.NextToken = out.NextToken; request.NextToken == nil {
			break
		}
	}
	wantMessages(t, all, "a", "b-Three", "b/one", "b/two", "c")
	list := must[cwl.ListLogGroupsOutput](t)(w.ListLogGroups(w.ctx, &cwl.ListLogGroupsInput{LogGroupNamePattern: aws.String("^b/o|Three")}))
	if len(list.LogGroups) != 2 || *list.LogGroups[0].LogGroupArn != groupARN+"b-Three" || *list.LogGroups[1].LogGroupName != "b/one" {
		t.Errorf("list = %+v", list.LogGroups)
	}
	_, err := w.DescribeLogGroups(w.ctx, &cwl.DescribeLogGroupsInput{NextToken: aws.String("!")})
	wantError(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
}

func TestGroupSettings(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	_, err := w.PutRetentionPolicy(w.ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(2)})
	wantError(t, err, "InvalidParameterException", "1 validation error detected: Value '2' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: "+
		"[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]")
	must[cwl.PutRetentionPolicyOutput](t)(w.PutRetentionPolicy(w.ctx, &cwl.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(14)}))
	must[cwl.AssociateKmsKeyOutput](t)(w.AssociateKmsKey(w.ctx, &cwl.AssociateKmsKeyInput{ResourceIdentifier: aws.String(groupARN + "g"), KmsKeyId: aws.String("k")}))
	must[cwl.PutLogGroupDeletionProtectionOutput](t)(w.PutLogGroupDeletionProtection(w.ctx, &cwl.PutLogGroupDeletionProtectionInput{LogGroupIdentifier: aws.String("g"), DeletionProtectionEnabled: aws.Bool(true)}))
	g := w.groups(t, &cwl.DescribeLogGroupsInput{})[0]
	if *g.RetentionInDays != 14 || *g.KmsKeyId != "k" || !*g.DeletionProtectionEnabled {
		t.Errorf("group = %+v", g)
	}
	_, err = w.DeleteLogGroup(w.ctx, &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")})
	wantError(t, err, "ValidationException", "The specified log group has deletion protection enabled. Disable deletion protection before you delete it.")
	must[cwl.DeleteRetentionPolicyOutput](t)(w.DeleteRetentionPolicy(w.ctx, &cwl.DeleteRetentionPolicyInput{LogGroupName: aws.String("g")}))
	must[cwl.DisassociateKmsKeyOutput](t)(w.DisassociateKmsKey(w.ctx, &cwl.DisassociateKmsKeyInput{LogGroupName: aws.String("g")}))
	g = w.groups(t, &cwl.DescribeLogGroupsInput{})[0]
	if g.RetentionInDays != nil || g.KmsKeyId != nil {
		t.Errorf("group = %+v", g)
	}
	_, err = w.DeleteRetentionPolicy(w.ctx, &cwl.DeleteRetentionPolicyInput{LogGroupName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}

func TestTags(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	arn := aws.String(groupARN + "g")
	must[cwl.TagResourceOutput](t)(w.TagResource(w.ctx, &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}}))
	must[cwl.TagLogGroupOutput](t)(w.TagLogGroup(w.ctx, &cwl.TagLogGroupInput{LogGroupName: aws.String("g"), Tags: map[string]string{"b": "3", "c": "4"}}))
	must[cwl.UntagResourceOutput](t)(w.UntagResource(w.ctx, &cwl.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}))
	got := must[cwl.ListTagsForResourceOutput](t)(w.ListTagsForResource(w.ctx, &cwl.ListTagsForResourceInput{ResourceArn: arn})).Tags
	if !maps.Equal(got, map[string]string{"b": "3", "c": "4"}) {
		t.Errorf("tags = %v", got)
	}
	found := must[cwl.ListLogGroupsOutput](t)(w.ListLogGroups(w.ctx, &cwl.ListLogGroupsInput{LogGroupTags: []types.TagFilter{{Key: aws.String("b"), Values: []string{"2"}}}}))
	if len(found.LogGroups) != 0 {
		t.Errorf("groups with b=2: %+v", found.LogGroups)
	}
	must[cwl.UntagLogGroupOutput](t)(w.UntagLogGroup(w.ctx, &cwl.UntagLogGroupInput{LogGroupName: aws.String("g"), Tags: []string{"b", "c"}}))
	got = must[cwl.ListTagsLogGroupOutput](t)(w.ListTagsLogGroup(w.ctx, &cwl.ListTagsLogGroupInput{LogGroupName: aws.String("g")})).Tags
	if got == nil || len(got) != 0 {
		t.Errorf("tags = %v, want an empty map", got)
	}
	many := map[string]string{}
	for i := range 51 {
		many[fmt.Sprint(i)] = ""
	}
	_, err := w.TagResource(w.ctx, &cwl.TagResourceInput{ResourceArn: arn, Tags: many})
	wantError(t, err, "TooManyTagsException", "A resource can have no more than 50 tags.")
	_, err = w.TagResource(w.ctx, &cwl.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"aws:x": ""}})
	wantError(t, err, "InvalidParameterException", "aws: prefixed tag key names are not allowed for external use.")
	_, err = w.ListTagsForResource(w.ctx, &cwl.ListTagsForResourceInput{ResourceArn: aws.String(groupARN + "none")})
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}
