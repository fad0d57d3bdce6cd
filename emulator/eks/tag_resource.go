package eks

import (
	"context"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file puts tags on resources that are there. What a tag may be is in
// tag.go.

// tagged is one resource's tags, to read and to write.
type tagged struct {
	tags map[string]string
	put  func(tags map[string]string) error
}

// taggable finds the resource behind an ARN, by the first word of its resource
// part. store.ErrNotFound: there is none.
var taggable = map[string]func(tx *store.Tx, arn apiwire.ARN) (tagged, error){
	"cluster":                taggedCluster,
	"fargateprofile":         taggedProfile,
	"nodegroup":              taggedNodegroup,
	"addon":                  taggedAddon,
	"access-entry":           taggedAccessEntry,
	"podidentityassociation": taggedPodIdentity,
	"identityproviderconfig": taggedIdentityProvider,
}

// foreign are the kinds of resources that EKS has and Neargate has none of.
var foreign = map[string]bool{"capability": true, "eks-anywhere-subscription": true}

// arnParts is what stands behind the kind in an ARN of something that belongs
// to a cluster: the cluster's key, and the rest of the path.
func arnParts(arn apiwire.ARN) (cluster, rest string) {
	_, path, _ := strings.Cut(arn.Resource, "/")
	name, rest, _ := strings.Cut(path, "/")
	arn.Resource = "cluster/" + name
	return arn.String(), rest
}

// tagsOf makes a tagged of a record whose tags are at a field of it.
func tagsOf[T any](tx *store.Tx, t *store.Table[T], key string, field func(*T) *map[string]string) (tagged, error) {
	r, err := t.Get(tx, key)
	if err != nil {
		return tagged{}, err
	}
	at := field(&r.Value)
	return tagged{tags: *at, put: func(tags map[string]string) error {
		*at = tags
		return t.Replace(tx, r)
	}}, nil
}

func taggedCluster(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	return tagsOf(tx, clusters, arn.String(), func(c *Cluster) *map[string]string { return &c.Tags })
}

// TagResource adds tags to a resource; a key that is there gets a new value.
func (a *API) TagResource(ctx context.Context, in *eks.TagResourceInput) (*eks.TagResourceOutput, error) {
	if err := checkTags(badTags, in.Tags); err != nil {
		return nil, err
	}
	err := a.changeTags(ctx, in.ResourceArn, func(tags map[string]string) error {
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return badTags("Tags can have a maximum of %d items.", maxTags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eks.TagResourceOutput{}, nil
}

// UntagResource takes tags away. Keys that are not there are no error.
func (a *API) UntagResource(ctx context.Context, in *eks.UntagResourceInput) (*eks.UntagResourceOutput, error) {
	for _, key := range in.TagKeys {
		if isSystemTag(key) {
			return nil, badTags("Tag keys and values that begin with aws: are reserved: %s", key)
		}
	}
	err := a.changeTags(ctx, in.ResourceArn, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eks.UntagResourceOutput{}, nil
}

// ListTagsForResource lists a resource's tags.
func (a *API) ListTagsForResource(ctx context.Context, in *eks.ListTagsForResourceInput) (*eks.ListTagsForResourceOutput, error) {
	out := &eks.ListTagsForResourceOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		r, err := findTagged(tx, call, in.ResourceArn)
		out.Tags = givenTags(r.tags)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *API) changeTags(ctx context.Context, arn *string, change func(tags map[string]string) error) error {
	return a.update(ctx, func(tx *store.Tx, call apiwire.Call) error {
		r, err := findTagged(tx, call, arn)
		if err != nil {
			return err
		}
		tags := givenTags(r.tags)
		if err := change(tags); err != nil {
			return err
		}
		return r.put(tags)
	})
}

// findTagged finds the resource that an ARN names. What belongs to another
// account or region is not seen.
func findTagged(tx *store.Tx, call apiwire.Call, ref *string) (tagged, error) {
	arn, err := apiwire.ParseARN(aws.ToString(ref))
	if err != nil || arn.Service != "eks" {
		return tagged{}, badTags("Invalid ARN: %s", aws.ToString(ref))
	}
	kind, rest, ok := strings.Cut(arn.Resource, "/")
	find, known := taggable[kind]
	if !ok || rest == "" || !known && !foreign[kind] {
		return tagged{}, badTags("Invalid ARN: %s", *ref)
	}
	missing := &types.NotFoundException{Message: text("Resource was not found: %s", []any{*ref})}
	if !known || arn.Account != call.Account || arn.Region != call.Region || arn.Partition != call.Partition {
		return tagged{}, missing
	}
	r, err := find(tx, arn)
	if hasNot(err) {
		return tagged{}, missing
	}
	return r, err
}
