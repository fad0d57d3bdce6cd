package ecs_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/ecs"
)

const someUser = "arn:aws:iam::" + testAccount + ":user/eve"

// settings lists every page of the settings as name=value.
func (a *account) settings(t *testing.T, in sdk.ListAccountSettingsInput) map[string]string {
	t.Helper()
	got := map[string]string{}
	for {
		out := must[*sdk.ListAccountSettingsOutput](t)(a.ListAccountSettings(a.ctx, &in))
		if len(out.Settings) > 10 {
			t.Errorf("a page has %d settings", len(out.Settings))
		}
		for _, s := range out.Settings {
			got[string(s.Name)] = *s.Value
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return got
		}
	}
}

func TestEffectiveSettings(t *testing.T) {
	a := newAccount(t)
	want := map[string]string{
		"serviceLongArnFormat": "enabled", "taskLongArnFormat": "enabled", "containerInstanceLongArnFormat": "enabled",
		"awsvpcTrunking": "disabled", "containerInsights": "disabled", "fargateFIPSMode": "disabled", "tagResourceAuthorization": "on",
		"fargateTaskRetirementWaitPeriod": "7", "guardDutyActivate": "off", "defaultLogDriverMode": "non-blocking", "fargateEventWindows": "disabled",
	}
	if d := cmp.Diff(want, a.settings(t, sdk.ListAccountSettingsInput{EffectiveSettings: true})); d != "" {
		t.Error(d)
	}
	if got := a.settings(t, sdk.ListAccountSettingsInput{}); len(got) != 0 {
		t.Errorf("nothing was set, yet there is %v", got)
	}
}

func TestSettingsOfPrincipals(t *testing.T) {
	a := newAccount(t)
	put := func(principal *string, value string) *types.Setting {
		return must[*sdk.PutAccountSettingOutput](t)(a.PutAccountSetting(a.ctx, &sdk.PutAccountSettingInput{
			Name: types.SettingNameContainerInsights, Value: aws.String(value), PrincipalArn: principal})).Setting
	}
	def := must[*sdk.PutAccountSettingDefaultOutput](t)(a.PutAccountSettingDefault(a.ctx, &sdk.PutAccountSettingDefaultInput{
		Name: types.SettingNameContainerInsights, Value: aws.String("enabled")})).Setting
	want := &types.Setting{Name: types.SettingNameContainerInsights, Value: aws.String("enabled"), PrincipalArn: aws.String(rootUser), Type: types.SettingTypeUser}
	if d := cmp.Diff(want, def, smithyEqual); d != "" {
		t.Error(d)
	}
	effective := func() string {
		return a.settings(t, sdk.ListAccountSettingsInput{EffectiveSettings: true, PrincipalArn: aws.String(someUser)})["containerInsights"]
	}
	if got := effective(); got != "enabled" {
		t.Errorf("by default %s", got)
	}
	put(aws.String(someUser), "enhanced")
	if got := effective(); got != "enhanced" {
		t.Errorf("with its own %s", got)
	}
	if c := a.createCluster(t, sdk.CreateClusterInput{}); *c.Settings[0].Value != "enabled" {
		t.Errorf("a new cluster has %s", *c.Settings[0].Value)
	}
	deleted := must[*sdk.DeleteAccountSettingOutput](t)(a.DeleteAccountSetting(a.ctx, &sdk.DeleteAccountSettingInput{
		Name: types.SettingNameContainerInsights, PrincipalArn: aws.String(someUser)})).Setting
	if *deleted.Value != "enhanced" || effective() != "enabled" {
		t.Errorf("deleted %s, left %s", *deleted.Value, effective())
	}
	filtered := a.settings(t, sdk.ListAccountSettingsInput{Name: types.SettingNameContainerInsights, Value: aws.String("disabled")})
	if len(filtered) != 0 {
		t.Errorf("nobody has it disabled: %v", filtered)
	}
}

func TestRefusedSettings(t *testing.T) {
	a := newAccount(t)
	for _, row := range []struct {
		name string
		in   sdk.PutAccountSettingInput
		want string
	}{
		{"name", sdk.PutAccountSettingInput{Name: "colour", Value: aws.String("red")},
			"name should be one of [serviceLongArnFormat,taskLongArnFormat,containerInstanceLongArnFormat,awsvpcTrunking,containerInsights,fargateFIPSMode,tagResourceAuthorization,fargateTaskRetirementWaitPeriod,guardDutyActivate,defaultLogDriverMode,fargateEventWindows]"},
		{"value", sdk.PutAccountSettingInput{Name: types.SettingNameAwsvpcTrunking, Value: aws.String("enhanced")}, "value should be one of [disabled,enabled]"},
		{"wait", sdk.PutAccountSettingInput{Name: types.SettingNameFargateTaskRetirementWaitPeriod, Value: aws.String("8")}, "value should be one of [0,14,7]"},
		{"no value", sdk.PutAccountSettingInput{Name: types.SettingNameAwsvpcTrunking}, "Setting value can not be blank."},
		{"managed", sdk.PutAccountSettingInput{Name: types.SettingNameGuardDutyActivate, Value: aws.String("on")}, "The setting guardDutyActivate is managed by AWS and cannot be modified."},
		{"principal", sdk.PutAccountSettingInput{Name: types.SettingNameAwsvpcTrunking, Value: aws.String("enabled"), PrincipalArn: aws.String("eve")}, "Invalid principal ARN: eve"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.PutAccountSetting(a.ctx, &row.in)
			refused(t, err, "InvalidParameterException: "+row.want)
		})
	}
}

func TestCallersAreThemselves(t *testing.T) {
	for caller, principal := range map[string]string{
		someUser: someUser,
		rootUser: rootUser,
		"arn:aws:sts::" + testAccount + ":assumed-role/deployer/s1": "arn:aws:iam::" + testAccount + ":role/deployer",
		"arn:aws:sts::" + testAccount + ":federated-user/bob":       rootUser,
	} {
		a := newAccount(t)
		a.API = ecs.New(ecs.Config{Store: a.st, Callers: signedBy(caller)})
		got := must[*sdk.PutAccountSettingOutput](t)(a.PutAccountSetting(a.ctx, &sdk.PutAccountSettingInput{
			Name: types.SettingNameContainerInsights, Value: aws.String("enhanced")})).Setting
		if *got.PrincipalArn != principal {
			t.Errorf("the setting of %s is %s's", caller, *got.PrincipalArn)
		}
		if c := a.createCluster(t, sdk.CreateClusterInput{}); *c.Settings[0].Value != "enhanced" {
			t.Errorf("a cluster of %s has %s", caller, *c.Settings[0].Value)
		}
		if d := a.register(t, ec2Definition("f")); *d.RegisteredBy != caller {
			t.Errorf("registered by %s, not %s", *d.RegisteredBy, caller)
		}
	}
}
