package iam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is instance profiles: a role in a wrapper, for EC2 instances.

// instanceProfile is what is stored; its role is put in when it is shown.
type instanceProfile struct {
	Profile types.InstanceProfile
	Role    string // name of the role in it, "" for none
}

// byRole is the index of instance profiles by the role in them.
const byRole = "role"

var instanceProfiles = &kind[instanceProfile]{
	table:  store.NewTable("iam/instance-profile", store.By(byRole, func(_ string, p *instanceProfile) []string { return []string{p.Role} })),
	absent: "Instance Profile %s cannot be found.",
	taken:  "Instance Profile %s already exists.",
	tags:   func(p *instanceProfile) *[]types.Tag { return &p.Profile.Tags },
}

func profileName(p *types.InstanceProfile) string { return *p.InstanceProfileName }

// shownProfile is a profile with the role in it.
func shownProfile(tx *store.Tx, h home, p *instanceProfile) (types.InstanceProfile, error) {
	shown := p.Profile
	shown.Roles = []types.Role{}
	if p.Role == "" {
		return shown, nil
	}
	r, err := roles.get(tx, h.key(p.Role), p.Role)
	if err == nil {
		shown.Roles = append(shown.Roles, listedRole(r))
	}
	return shown, err
}

// CreateInstanceProfile makes an instance profile without a role.
func (a *API) CreateInstanceProfile(ctx context.Context, in *iam.CreateInstanceProfileInput) (*iam.CreateInstanceProfileOutput, error) {
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	out := &iam.CreateInstanceProfileOutput{}
	err = a.update(ctx, func(tx *store.Tx, h home) error {
		path := pathOf(in.Path)
		p := &instanceProfile{Profile: types.InstanceProfile{
			InstanceProfileName: in.InstanceProfileName, InstanceProfileId: aws.String(newID("AIPA")), Path: &path,
			Arn: aws.String(h.arn("instance-profile", path, *in.InstanceProfileName)), CreateDate: seconds(tx), Tags: tags, Roles: []types.Role{},
		}}
		out.InstanceProfile = &p.Profile
		return instanceProfiles.add(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, p)
	})
	return out, err
}

// GetInstanceProfile shows an instance profile with its role.
func (a *API) GetInstanceProfile(ctx context.Context, in *iam.GetInstanceProfileInput) (*iam.GetInstanceProfileOutput, error) {
	out := &iam.GetInstanceProfileOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := instanceProfiles.get(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName)
		if err != nil {
			return err
		}
		shown, err := shownProfile(tx, h, p)
		out.InstanceProfile = &shown
		return err
	})
	return out, err
}

// ListInstanceProfiles lists instance profiles.
func (a *API) ListInstanceProfiles(ctx context.Context, in *iam.ListInstanceProfilesInput) (*iam.ListInstanceProfilesOutput, error) {
	out := &iam.ListInstanceProfilesOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := a.profiles(tx, h, func(p *instanceProfile) bool { return within(p.Profile.Path, in.PathPrefix) }, in.Marker, in.MaxItems)
		out.InstanceProfiles, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

// ListInstanceProfilesForRole lists the instance profiles that a role is in.
func (a *API) ListInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	out := &iam.ListInstanceProfilesForRoleOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		p, err := a.profiles(tx, h, func(p *instanceProfile) bool { return p.Role == roleName(r) }, in.Marker, in.MaxItems)
		out.InstanceProfiles, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}

// profiles is a page of the instance profiles that keep holds of.
func (a *API) profiles(tx *store.Tx, h home, keep func(*instanceProfile) bool, marker *string, max *int32) (page[types.InstanceProfile], error) {
	var shown []types.InstanceProfile
	for p, err := range only(instanceProfiles.all(tx, h), keep) {
		if err != nil {
			return page[types.InstanceProfile]{}, err
		}
		s, err := shownProfile(tx, h, p)
		if err != nil {
			return page[types.InstanceProfile]{}, err
		}
		s.Tags = nil
		shown = append(shown, s)
	}
	return paged(each(shown), profileName, marker, max)
}

// AddRoleToInstanceProfile puts a role into an instance profile; there is room
// for one.
func (a *API) AddRoleToInstanceProfile(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) (*iam.AddRoleToInstanceProfileOutput, error) {
	return &iam.AddRoleToInstanceProfileOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		r, err := roles.get(tx, h.key(*in.RoleName), *in.RoleName)
		if err != nil {
			return err
		}
		return instanceProfiles.change(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, func(p *instanceProfile) error {
			if p.Role != "" {
				return limit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
			}
			p.Role = roleName(r)
			return nil
		})
	})
}

// RemoveRoleFromInstanceProfile takes a role out of an instance profile.
func (a *API) RemoveRoleFromInstanceProfile(ctx context.Context, in *iam.RemoveRoleFromInstanceProfileInput) (*iam.RemoveRoleFromInstanceProfileOutput, error) {
	return &iam.RemoveRoleFromInstanceProfileOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return instanceProfiles.change(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, func(p *instanceProfile) error {
			if h.key(p.Role) != h.key(*in.RoleName) {
				return noSuch(roles.absent, *in.RoleName)
			}
			p.Role = ""
			return nil
		})
	})
}

// DeleteInstanceProfile removes an instance profile that has no role.
func (a *API) DeleteInstanceProfile(ctx context.Context, in *iam.DeleteInstanceProfileInput) (*iam.DeleteInstanceProfileOutput, error) {
	return &iam.DeleteInstanceProfileOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		key := h.key(*in.InstanceProfileName)
		p, err := instanceProfiles.get(tx, key, *in.InstanceProfileName)
		if err != nil {
			return err
		}
		if p.Role != "" {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		return instanceProfiles.table.Delete(tx, key)
	})
}

// TagInstanceProfile adds tags to an instance profile.
func (a *API) TagInstanceProfile(ctx context.Context, in *iam.TagInstanceProfileInput) (*iam.TagInstanceProfileOutput, error) {
	return &iam.TagInstanceProfileOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return instanceProfiles.tag(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, in.Tags)
	})
}

// UntagInstanceProfile removes tags from an instance profile.
func (a *API) UntagInstanceProfile(ctx context.Context, in *iam.UntagInstanceProfileInput) (*iam.UntagInstanceProfileOutput, error) {
	return &iam.UntagInstanceProfileOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		return instanceProfiles.untag(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, in.TagKeys)
	})
}

// ListInstanceProfileTags lists an instance profile's tags.
func (a *API) ListInstanceProfileTags(ctx context.Context, in *iam.ListInstanceProfileTagsInput) (*iam.ListInstanceProfileTagsOutput, error) {
	out := &iam.ListInstanceProfileTagsOutput{}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		p, err := instanceProfiles.tagPage(tx, h.key(*in.InstanceProfileName), *in.InstanceProfileName, in.Marker, in.MaxItems)
		out.Tags, out.IsTruncated, out.Marker = p.items, p.truncated, p.marker
		return err
	})
	return out, err
}
