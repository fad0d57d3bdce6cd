package ec2

import (
	"context"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/neargate/neargate/emulator/store"
)

// maxTags is AWS's limit for one resource.
const maxTags = 50

type CreateTagsInput struct {
	DryRun    *bool
	Resources []string
	Tags      []types.Tag
}

type CreateTagsOutput struct{}

// CreateTags adds tags to resources and overwrites those with the same key.
func (a *API) CreateTags(ctx context.Context, in *CreateTagsInput) (*CreateTagsOutput, error) {
	if err := wantTags(in.Resources, in.Tags); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		return a.retag(tx, p, in.Resources, func(tags []types.Tag) ([]types.Tag, error) {
			tags = mergeTags(tags, in.Tags)
			if len(tags) > maxTags {
				return nil, tagLimit()
			}
			return tags, nil
		})
	})
	return &CreateTagsOutput{}, err
}

type DeleteTagsInput struct {
	DryRun    *bool
	Resources []string
	Tags      []types.Tag
}

type DeleteTagsOutput struct{}

// DeleteTags removes tags: those with a key, whatever their value, or only
// those with key and value; without Tags all that users have set.
func (a *API) DeleteTags(ctx context.Context, in *DeleteTagsInput) (*DeleteTagsOutput, error) {
	if len(in.Resources) == 0 {
		return nil, missing("resourceIdSet")
	}
	err := a.update(ctx, in.DryRun, func(tx *store.Tx, p place) error {
		return a.retag(tx, p, in.Resources, func(tags []types.Tag) ([]types.Tag, error) {
			return slices.DeleteFunc(slices.Clone(tags), func(t types.Tag) bool { return unwanted(t, in.Tags) }), nil
		})
	})
	return &DeleteTagsOutput{}, err
}

type DescribeTagsInput struct {
	DryRun     *bool
	Filters    []types.Filter
	MaxResults *int32
	NextToken  *string
}

type DescribeTagsOutput struct {
	NextToken *string
	Tags      []types.TagDescription
}

// tagDescriptions is no stored kind: it serves to filter and page tags.
var tagDescriptions = &resource[types.TagDescription]{
	id: func(d *types.TagDescription) *string {
		return aws.String(aws.ToString(d.ResourceId) + "/" + aws.ToString(d.Key))
	},
	tags: func(d *types.TagDescription) *[]types.Tag { return &[]types.Tag{{Key: d.Key, Value: d.Value}} },
	fields: fields[types.TagDescription]{
		"key":           func(d *types.TagDescription) []string { return one(d.Key) },
		"value":         func(d *types.TagDescription) []string { return one(d.Value) },
		"resource-id":   func(d *types.TagDescription) []string { return one(d.ResourceId) },
		"resource-type": func(d *types.TagDescription) []string { return word(d.ResourceType) },
	},
}

// DescribeTags lists tags of all resources, those of tasks' network interfaces
// included.
func (a *API) DescribeTags(ctx context.Context, in *DescribeTagsInput) (*DescribeTagsOutput, error) {
	out := &DescribeTagsOutput{}
	err := a.view(ctx, in.DryRun, func(tx *store.Tx, p place) (err error) {
		all, err := a.allTags(tx, p)
		if err != nil {
			return err
		}
		out.Tags, out.NextToken, err = tagDescriptions.pick(inMemory(all), query{filters: in.Filters, max: in.MaxResults, next: in.NextToken})
		return err
	})
	return out, err
}

// allTags lists every tag here in the order of pages.
func (a *API) allTags(tx *store.Tx, p place) ([]types.TagDescription, error) {
	var all []types.TagDescription
	for _, kind := range taggedKinds() {
		found, err := kind.tagsOfAll(tx, p)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	enis, err := a.attachedInterfaces(tx, p)
	if err != nil {
		return nil, err
	}
	for i := range enis {
		all = append(all, interfaces.tagsOf(&enis[i])...)
	}
	slices.SortFunc(all, func(x, y types.TagDescription) int {
		return strings.Compare(*tagDescriptions.id(&x), *tagDescriptions.id(&y))
	})
	return all, nil
}

// tagged is a kind of resource as far as tags are concerned.
type tagged interface {
	owns(id string) bool
	tagsOfAll(tx *store.Tx, p place) ([]types.TagDescription, error)
	retag(tx *store.Tx, p place, id string, change func([]types.Tag) ([]types.Tag, error)) error
}

func taggedKinds() []tagged {
	return []tagged{vpcs, subnets, securityGroups, securityGroupRules, internetGateways, routeTables, networkACLs, natGateways, addresses, interfaces, dhcpOptions}
}

// retag changes the tags of each resource.
func (a *API) retag(tx *store.Tx, p place, ids []string, change func([]types.Tag) ([]types.Tag, error)) error {
	for _, id := range ids {
		kinds := taggedKinds()
		i := slices.IndexFunc(kinds, func(k tagged) bool { return k.owns(id) })
		if i < 0 {
			return fail("InvalidID", "The ID '%s' is not valid", id)
		}
		if err := a.notAttached(tx, p, id); err != nil {
			return err
		}
		if err := kinds[i].retag(tx, p, id, change); err != nil {
			return err
		}
	}
	return nil
}

func (r *resource[T]) owns(id string) bool { return strings.HasPrefix(id, r.prefix) }

func (r *resource[T]) retag(tx *store.Tx, p place, id string, change func([]types.Tag) ([]types.Tag, error)) error {
	v, err := r.get(tx, p, id)
	if err != nil {
		return err
	}
	tags, err := change(*r.tags(v))
	if err != nil {
		return err
	}
	*r.tags(v) = tags
	return r.put(tx, p, v)
}

func (r *resource[T]) tagsOfAll(tx *store.Tx, p place) ([]types.TagDescription, error) {
	var all []types.TagDescription
	for v, err := range r.all(tx, p) {
		if err != nil {
			return nil, err
		}
		all = append(all, r.tagsOf(v)...)
	}
	return all, nil
}

func (r *resource[T]) tagsOf(v *T) []types.TagDescription {
	var all []types.TagDescription
	for _, t := range *r.tags(v) {
		all = append(all, types.TagDescription{Key: t.Key, Value: t.Value, ResourceId: r.id(v), ResourceType: types.ResourceType(r.kind)})
	}
	return all
}

// newTags returns the tags that a request gives to a new resource of a kind.
func newTags(specs []types.TagSpecification, kind string) ([]types.Tag, error) {
	var tags []types.Tag
	for _, s := range specs {
		if s.ResourceType == "" {
			return nil, fail("InvalidParameterValue", "Tag specification resource type must have a value")
		}
		if string(s.ResourceType) != kind {
			return nil, fail("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", s.ResourceType)
		}
		tags = append(tags, s.Tags...)
	}
	return mergeTags(nil, tags), checkTags(tags)
}

func wantTags(resources []string, tags []types.Tag) error {
	switch {
	case len(resources) == 0:
		return missing("resourceIdSet")
	case len(tags) == 0:
		return missing("tagSet")
	}
	return nil
}

// checkTags applies AWS's rules for tags that users set.
func checkTags(tags []types.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key, value := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case key == "":
			return fail("InvalidParameterValue", "Tag key cannot be empty.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return fail("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
		case utf8.RuneCountInString(key) > 128:
			return fail("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters")
		case utf8.RuneCountInString(value) > 256:
			return fail("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters")
		case seen[key]:
			return fail("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		seen[key] = true
	}
	if len(tags) > maxTags {
		return tagLimit()
	}
	return nil
}

func tagLimit() error {
	return fail("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

// mergeTags puts more over tags, sorted by key; an absent value is empty.
func mergeTags(tags, more []types.Tag) []types.Tag {
	merged := slices.Clone(tags)
	for _, t := range more {
		t = types.Tag{Key: aws.String(aws.ToString(t.Key)), Value: aws.String(aws.ToString(t.Value))}
		if i := slices.IndexFunc(merged, func(m types.Tag) bool { return *m.Key == *t.Key }); i >= 0 {
			merged[i] = t
			continue
		}
		merged = append(merged, t)
	}
	slices.SortFunc(merged, func(x, y types.Tag) int { return strings.Compare(*x.Key, *y.Key) })
	return merged
}

// unwanted tells whether a tag is one of those to remove.
func unwanted(t types.Tag, remove []types.Tag) bool {
	if len(remove) == 0 {
		return !strings.HasPrefix(aws.ToString(t.Key), "aws:")
	}
	return slices.ContainsFunc(remove, func(r types.Tag) bool {
		return aws.ToString(r.Key) == aws.ToString(t.Key) && (r.Value == nil || *r.Value == aws.ToString(t.Value))
	})
}

func inMemory[T any](list []T) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for i := range list {
			if !yield(&list[i], nil) {
				return
			}
		}
	}
}
