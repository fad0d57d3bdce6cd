package iam

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the versions of managed policies.

// maxVersions is how many versions a policy has at most.
const maxVersions = 5

// CreatePolicyVersion adds a version to a policy, as the default one if asked.
func (a *API) CreatePolicyVersion(ctx context.Context, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	if err := checkManagedDocument(*in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &iam.CreatePolicyVersionOutput{}
	err := a.changePolicy(ctx, *in.PolicyArn, func(tx *store.Tx, p *policy) error {
		if len(p.Versions) >= maxVersions {
			return limit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
		}
		p.Made++
		v := types.PolicyVersion{VersionId: aws.String("v" + strconv.Itoa(p.Made)), Document: in.PolicyDocument, CreateDate: seconds(tx)}
		p.Versions = append(p.Versions, v)
		p.Policy.UpdateDate = seconds(tx)
		if in.SetAsDefault {
			p.setDefault(*v.VersionId)
			v.IsDefaultVersion = true
		}
		v.Document = nil
		out.PolicyVersion = &v
		return nil
	})
	return out, err
}

func (p *policy) setDefault(id string) {
	p.Policy.DefaultVersionId = &id
	for i := range p.Versions {
		p.Versions[i].IsDefaultVersion = *p.Versions[i].VersionId == id
	}
}

// version finds a version's place, or the error that it is not there.
func (p *policy) version(id string) (int, error) {
	i := slices.IndexFunc(p.Versions, func(v types.PolicyVersion) bool { return *v.VersionId == id })
	if i < 0 {
		return 0, noSuch("Policy %s version %s does not exist or is not attachable.", *p.Policy.Arn, id)
	}
	return i, nil
}

// SetDefaultPolicyVersion chooses the version that counts.
func (a *API) SetDefaultPolicyVersion(ctx context.Context, in *iam.SetDefaultPolicyVersionInput) (*iam.SetDefaultPolicyVersionOutput, error) {
	return &iam.SetDefaultPolicyVersionOutput{}, a.changePolicy(ctx, *in.PolicyArn, func(tx *store.Tx, p *policy) error {
		if _, err := p.version(*in.VersionId); err != nil {
			return err
		}
		p.setDefault(*in.VersionId)
		p.Policy.UpdateDate = seconds(tx)
		return nil
	})
}

// GetPolicyVersion shows a version with its document.
func (a *API) GetPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	out := &iam.GetPolicyVersionOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := policyOf(tx, h, *in.PolicyArn)
		if err != nil {
			return err
		}
		i, err := p.version(*in.VersionId)
		if err != nil {
			return err
		}
		v := p.Versions[i]
		v.Document = encoded(*v.Document)
		out.PolicyVersion = &v
		return nil
	})
	return out, err
}

// ListPolicyVersions lists versions, the newest first, without documents.
func (a *API) ListPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	out := &iam.ListPolicyVersionsOutput{Versions: []types.PolicyVersion{}}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := policyOf(tx, h, *in.PolicyArn)
		if err != nil {
			return err
		}
		listed := slices.Clone(p.Versions)
		slices.Reverse(listed)
		pg, err := paged(each(listed), newestFirst, in.Marker, in.MaxItems)
		out.Versions, out.IsTruncated, out.Marker = pg.items, pg.truncated, pg.marker
		for i := range out.Versions {
			out.Versions[i].Document = nil
		}
		return err
	})
	return out, err
}

// newestFirst is a text for a version that sorts before those of older ones.
func newestFirst(v *types.PolicyVersion) string {
	n, _ := strconv.Atoi(strings.TrimPrefix(*v.VersionId, "v")) // made of a number
	return fmt.Sprintf("%09d", 999_999_999-n)
}

// DeletePolicyVersion removes a version that is not the default one.
func (a *API) DeletePolicyVersion(ctx context.Context, in *iam.DeletePolicyVersionInput) (*iam.DeletePolicyVersionOutput, error) {
	return &iam.DeletePolicyVersionOutput{}, a.changePolicy(ctx, *in.PolicyArn, func(tx *store.Tx, p *policy) error {
		i, err := p.version(*in.VersionId)
		if err != nil {
			return err
		}
		if p.Versions[i].IsDefaultVersion {
			return conflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		p.Policy.UpdateDate = seconds(tx)
		return nil
	})
}

// TagPolicy adds tags to a customer's policy.
func (a *API) TagPolicy(ctx context.Context, in *iam.TagPolicyInput) (*iam.TagPolicyOutput, error) {
	return &iam.TagPolicyOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		if _, err := own(tx, h, *in.PolicyArn); err != nil {
			return err
		}
		return policies.tag(tx, h.key(nameOfPolicy(*in.PolicyArn)), *in.PolicyArn, in.Tags)
	})
}

// UntagPolicy removes tags from a customer's policy.
func (a *API) UntagPolicy(ctx context.Context, in *iam.UntagPolicyInput) (*iam.UntagPolicyOutput, error) {
	return &iam.UntagPolicyOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		if _, err := own(tx, h, *in.PolicyArn); err != nil {
			return err
		}
		return policies.untag(tx, h.key(nameOfPolicy(*in.PolicyArn)), *in.PolicyArn, in.TagKeys)
	})
}

// ListPolicyTags lists a policy's tags; AWS's policies have none.
func (a *API) ListPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput) (*iam.ListPolicyTagsOutput, error) {
	out := &iam.ListPolicyTagsOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := policyOf(tx, h, *in.PolicyArn)
		if err != nil {
			return err
		}
		pg, err := paged(sortedTags(p.Policy.Tags), func(t *types.Tag) string { return *t.Key }, in.Marker, in.MaxItems)
		out.Tags, out.IsTruncated, out.Marker = pg.items, pg.truncated, pg.marker
		return err
	})
	return out, err
}
