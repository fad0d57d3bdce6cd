package ecs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is account settings. What a principal has is the first of: its own
// setting, the account's default (which is the root user's setting), AWS's
// default.

// AccountSetting is a setting that somebody has made.
type AccountSetting struct {
	Scope     string // account/region
	Principal string // ARN; the root user's is the account's default
	Name      types.SettingName
	Value     string
}

var accountSettings = store.NewTable[AccountSetting]("ecs/account-setting",
	store.By("scope", func(_ string, s *AccountSetting) []string { return []string{s.Scope} }),
)

// settingRule says what a setting may be. The first value is AWS's default.
type settingRule struct {
	name   types.SettingName
	values []string
	kind   types.SettingType
}

var onOff = []string{"disabled", "enabled"}

// settingRules are in the order of ECS's own list of names.
var settingRules = []settingRule{
	{types.SettingNameServiceLongArnFormat, []string{"enabled", "disabled"}, types.SettingTypeUser},
	{types.SettingNameTaskLongArnFormat, []string{"enabled", "disabled"}, types.SettingTypeUser},
	{types.SettingNameContainerInstanceLongArnFormat, []string{"enabled", "disabled"}, types.SettingTypeUser},
	{types.SettingNameAwsvpcTrunking, onOff, types.SettingTypeUser},
	{types.SettingNameContainerInsights, []string{"disabled", "enabled", "enhanced"}, types.SettingTypeUser},
	{types.SettingNameFargateFipsMode, onOff, types.SettingTypeUser},
	{types.SettingNameTagResourceAuthorization, []string{"on", "off"}, types.SettingTypeUser},
	{types.SettingNameFargateTaskRetirementWaitPeriod, []string{"7", "0", "14"}, types.SettingTypeUser},
	{types.SettingNameGuardDutyActivate, []string{"off", "on"}, types.SettingTypeAwsManaged},
	{types.SettingNameDefaultLogDriverMode, []string{"non-blocking", "blocking"}, types.SettingTypeUser},
	{types.SettingNameFargateEventWindows, onOff, types.SettingTypeUser},
}

// ruleOf finds a setting's rule. An unknown name is refused with the list of
// the known ones.
func ruleOf(name types.SettingName) (settingRule, error) {
	names := make([]types.SettingName, 0, len(settingRules))
	for _, r := range settingRules {
		if r.name == name {
			return r, nil
		}
		names = append(names, r.name)
	}
	if name == "" {
		return settingRule{}, invalid("Setting name can not be blank.")
	}
	return settingRule{}, oneOf(invalid, "name", name, names)
}

// effective is the setting that principal has, under the principal's own ARN
// as ListAccountSettings shows it.
func effective(tx *store.Tx, call apiwire.Call, principal string, name types.SettingName) (AccountSetting, error) {
	for _, of := range []string{principal, rootARN(call)} {
		r, err := accountSettings.Get(tx, settingKey(call, of, name))
		if err == nil {
			r.Value.Principal = principal
			return r.Value, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return AccountSetting{}, err
		}
	}
	rule, err := ruleOf(name)
	if err != nil {
		return AccountSetting{}, err
	}
	return AccountSetting{Scope: call.Scope(), Principal: principal, Name: name, Value: rule.values[0]}, nil
}

func settingKey(call apiwire.Call, principal string, name types.SettingName) string {
	return call.Scope() + " " + principal + " " + string(name)
}

// show is the setting as answers have it.
func (s AccountSetting) show() types.Setting {
	kind := types.SettingTypeUser
	if r, err := ruleOf(s.Name); err == nil {
		kind = r.kind
	}
	return types.Setting{Name: s.Name, Value: aws.String(s.Value), PrincipalArn: aws.String(s.Principal), Type: kind}
}

// PutAccountSetting sets a value for a principal, the caller when none is
// named.
func (a *API) PutAccountSetting(ctx context.Context, in *ecs.PutAccountSettingInput) (*ecs.PutAccountSettingOutput, error) {
	principal, err := a.principalOf(ctx, in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	s, err := a.putSetting(ctx, principal, in.Name, in.Value)
	if err != nil {
		return nil, err
	}
	return &ecs.PutAccountSettingOutput{Setting: s}, nil
}

// PutAccountSettingDefault sets the account's default.
func (a *API) PutAccountSettingDefault(ctx context.Context, in *ecs.PutAccountSettingDefaultInput) (*ecs.PutAccountSettingDefaultOutput, error) {
	s, err := a.putSetting(ctx, rootARN(apiwire.CallFrom(ctx)), in.Name, in.Value)
	if err != nil {
		return nil, err
	}
	return &ecs.PutAccountSettingDefaultOutput{Setting: s}, nil
}

func (a *API) putSetting(ctx context.Context, principal string, name types.SettingName, value *string) (*types.Setting, error) {
	call := apiwire.CallFrom(ctx)
	rule, err := ruleOf(name)
	switch {
	case err != nil:
		return nil, err
	case rule.kind == types.SettingTypeAwsManaged:
		return nil, invalid("The setting %s is managed by AWS and cannot be modified.", name)
	case aws.ToString(value) == "":
		return nil, invalid("Setting value can not be blank.")
	}
	if err := oneOf(invalid, "value", *value, slices.Sorted(slices.Values(rule.values))); err != nil {
		return nil, err
	}
	s := AccountSetting{Scope: call.Scope(), Principal: principal, Name: name, Value: *value}
	err = a.store.Update(ctx, call.By(), func(tx *store.Tx) error {
		return accountSettings.Put(tx, settingKey(call, principal, name), &s)
	})
	if err != nil {
		return nil, err
	}
	shown := s.show()
	return &shown, nil
}

// DeleteAccountSetting takes a principal's own setting away and returns it, or
// what the principal has without one.
func (a *API) DeleteAccountSetting(ctx context.Context, in *ecs.DeleteAccountSettingInput) (*ecs.DeleteAccountSettingOutput, error) {
	call := apiwire.CallFrom(ctx)
	if _, err := ruleOf(in.Name); err != nil {
		return nil, err
	}
	principal, err := a.principalOf(ctx, in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	var s AccountSetting
	err = a.store.Update(ctx, call.By(), func(tx *store.Tx) (err error) {
		if s, err = effective(tx, call, principal, in.Name); err != nil {
			return err
		}
		return accountSettings.Delete(tx, settingKey(call, principal, in.Name))
	})
	if err != nil {
		return nil, err
	}
	shown := s.show()
	return &ecs.DeleteAccountSettingOutput{Setting: &shown}, nil
}

// ListAccountSettings lists the settings that were made, or, with
// effectiveSettings, what a principal has of every setting there is.
func (a *API) ListAccountSettings(ctx context.Context, in *ecs.ListAccountSettingsInput) (*ecs.ListAccountSettingsOutput, error) {
	call := apiwire.CallFrom(ctx)
	if err := checkListSettings(in); err != nil {
		return nil, err
	}
	principal, err := a.principalOf(ctx, in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	var found []AccountSetting
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		if in.EffectiveSettings {
			found, err = effectiveSettings(tx, call, principal)
		} else {
			found, err = settingsOf(tx, call, principal)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(s AccountSetting) bool {
		return in.Name != "" && s.Name != in.Name || in.Value != nil && s.Value != *in.Value
	})
	return pageSettings(in, principal, found)
}

// checkListSettings checks the filters: a value has no meaning without a name.
func checkListSettings(in *ecs.ListAccountSettingsInput) error {
	if in.Name == "" {
		if in.Value != nil {
			return invalid("Setting name can not be blank when a value is given.")
		}
		return nil
	}
	_, err := ruleOf(in.Name)
	return err
}

func pageSettings(in *ecs.ListAccountSettingsInput, principal string, found []AccountSetting) (*ecs.ListAccountSettingsOutput, error) {
	of := strings.Join([]string{"ListAccountSettings", principal, string(in.Name), aws.ToString(in.Value)}, " ")
	if in.EffectiveSettings {
		of += " effective"
	}
	q := query{of: of, token: in.NextToken, lo: 1, hi: 10, size: 10}
	if in.MaxResults != 0 {
		q.max = &in.MaxResults
	}
	found, next, err := page(found, func(s AccountSetting) string { return string(s.Name) }, q)
	if err != nil {
		return nil, err
	}
	out := &ecs.ListAccountSettingsOutput{Settings: []types.Setting{}, NextToken: next}
	for _, s := range found {
		out.Settings = append(out.Settings, s.show())
	}
	return out, nil
}

func effectiveSettings(tx *store.Tx, call apiwire.Call, principal string) ([]AccountSetting, error) {
	list := make([]AccountSetting, 0, len(settingRules))
	for _, r := range settingRules {
		s, err := effective(tx, call, principal, r.name)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

func settingsOf(tx *store.Tx, call apiwire.Call, principal string) ([]AccountSetting, error) {
	var list []AccountSetting
	for r, err := range accountSettings.By(tx, "scope", call.Scope(), store.Range{}) {
		if err != nil {
			return nil, err
		}
		if r.Value.Principal == principal {
			list = append(list, r.Value)
		}
	}
	return list, nil
}
