package eks_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

func newProvider(name string) *sdk.AssociateIdentityProviderConfigInput {
	return &sdk.AssociateIdentityProviderConfigInput{ClusterName: aws.String("web"), Tags: map[string]string{"k": "v"}, Oidc: &types.OidcIdentityProviderConfigRequest{
		IdentityProviderConfigName: &name, IssuerUrl: aws.String("https://id.example.com/realm"), ClientId: aws.String("kubectl"),
		UsernameClaim: aws.String("email"), GroupsClaim: aws.String("groups"), GroupsPrefix: aws.String("oidc:"), RequiredClaims: map[string]string{"aud": "x"},
	}}
}

func providerRef(name string) *types.IdentityProviderConfig {
	return &types.IdentityProviderConfig{Type: aws.String("oidc"), Name: &name}
}

func (w *world) provider(t *testing.T, name string) *types.OidcIdentityProviderConfig {
	t.Helper()
	return must[*sdk.DescribeIdentityProviderConfigOutput](t)(w.DescribeIdentityProviderConfig(w.ctx, &sdk.DescribeIdentityProviderConfigInput{
		ClusterName: aws.String("web"), IdentityProviderConfig: providerRef(name)})).IdentityProviderConfig.Oidc
}

func (w *world) update(t *testing.T, id *string) *types.Update {
	t.Helper()
	return must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), UpdateId: id})).Update
}

func TestIdentityProviderComesAndGoes(t *testing.T) {
	w := entryWorld(t)
	w.planes.hold()
	out := must[*sdk.AssociateIdentityProviderConfigOutput](t)(w.AssociateIdentityProviderConfig(w.ctx, newProvider("corp")))
	if out.Update.Type != "AssociateIdentityProviderConfig" || *out.Update.Params[0].Value != `[{"name":"corp","type":"oidc"}]` || out.Tags["k"] != "v" {
		t.Errorf("update: %+v", out.Update)
	}
	w.reconcile()
	p := w.provider(t, "corp")
	if p.Status != "CREATING" || w.update(t, out.Update.Id).Status != "InProgress" || !strings.HasPrefix(*p.IdentityProviderConfigArn, arnPrefix+"identityproviderconfig/web/oidc/corp/") {
		t.Errorf("first: %+v", p)
	}
	w.planes.release()
	w.reconcile()
	if p = w.provider(t, "corp"); p.Status != "ACTIVE" || w.update(t, out.Update.Id).Status != "Successful" {
		t.Errorf("then: %+v", p)
	}
	want := &link.IdentityIssuer{Name: "corp", IssuerURL: "https://id.example.com/realm", ClientID: "kubectl", UsernameClaim: "email",
		GroupsClaim: "groups", GroupsPrefix: "oidc:", RequiredClaims: map[string]string{"aud": "x"}}
	if d := cmp.Diff(want, w.planes.told(web).IdentityIssuer); d != "" {
		t.Error(d)
	}
	list := must[*sdk.ListIdentityProviderConfigsOutput](t)(w.ListIdentityProviderConfigs(w.ctx, &sdk.ListIdentityProviderConfigsInput{ClusterName: aws.String("web")}))
	if d := cmp.Diff([]types.IdentityProviderConfig{*providerRef("corp")}, list.IdentityProviderConfigs, smithyEqual); d != "" {
		t.Error(d)
	}
	w.planes.hold()
	away := &sdk.DisassociateIdentityProviderConfigInput{ClusterName: aws.String("web"), IdentityProviderConfig: providerRef("corp")}
	u := must[*sdk.DisassociateIdentityProviderConfigOutput](t)(w.DisassociateIdentityProviderConfig(w.ctx, away)).Update
	w.reconcile()
	if p = w.provider(t, "corp"); p.Status != "DELETING" {
		t.Errorf("on its way it is %s", p.Status)
	}
	_, err := w.DisassociateIdentityProviderConfig(w.ctx, away)
	refused(t, err, "ResourceInUseException: Identity provider config corp cannot be disassociated as it is currently in DELETING state")
	w.planes.release()
	w.reconcile()
	if w.update(t, u.Id).Status != "Successful" || w.planes.told(web).IdentityIssuer != nil {
		t.Error("it is not gone")
	}
	_, err = w.DisassociateIdentityProviderConfig(w.ctx, away)
	refused(t, err, "InvalidRequestException: Identity provider config is not associated with cluster web")
	_, err = w.DescribeIdentityProviderConfig(w.ctx, &sdk.DescribeIdentityProviderConfigInput{ClusterName: aws.String("web"), IdentityProviderConfig: providerRef("corp")})
	refused(t, err, "ResourceNotFoundException: No identity provider config found for name: corp.")
}

func TestRefusedIdentityProviders(t *testing.T) {
	w := entryWorld(t)
	with := func(change func(o *types.OidcIdentityProviderConfigRequest)) *sdk.AssociateIdentityProviderConfigInput {
		in := newProvider("corp")
		change(in.Oidc)
		return in
	}
	for _, row := range []struct{ name, issuer, want string }{
		{"http", "http://id.example.com", "InvalidParameterException: IssuerURL must use https:// scheme."},
		{"query", "https://id.example.com?x=1", "InvalidParameterException: IssuerURL must be a host and a path: https://id.example.com?x=1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := w.AssociateIdentityProviderConfig(w.ctx, with(func(o *types.OidcIdentityProviderConfigRequest) { o.IssuerUrl = &row.issuer }))
			refused(t, err, row.want)
		})
	}
	in := newProvider("corp")
	in.ClientRequestToken = aws.String("once")
	first := must[*sdk.AssociateIdentityProviderConfigOutput](t)(w.AssociateIdentityProviderConfig(w.ctx, in)).Update
	if again := must[*sdk.AssociateIdentityProviderConfigOutput](t)(w.AssociateIdentityProviderConfig(w.ctx, in)).Update; *again.Id != *first.Id {
		t.Error("the same request began another update")
	}
	_, err := w.AssociateIdentityProviderConfig(w.ctx, newProvider("corp"))
	refused(t, err, "ResourceInUseException: Identity provider config already exists with name corp and cluster name web")
	_, err = w.AssociateIdentityProviderConfig(w.ctx, newProvider("second"))
	refused(t, err, "ResourceLimitExceededException: A cluster can have one identity provider config at most; cluster web has corp.")
}

func TestIdentityProviderOnAControlPlaneThatFailed(t *testing.T) {
	for _, leaving := range []bool{false, true} {
		w := entryWorld(t)
		u := must[*sdk.AssociateIdentityProviderConfigOutput](t)(w.AssociateIdentityProviderConfig(w.ctx, newProvider("corp"))).Update
		if leaving {
			w.reconcile()
			u = must[*sdk.DisassociateIdentityProviderConfigOutput](t)(w.DisassociateIdentityProviderConfig(w.ctx,
				&sdk.DisassociateIdentityProviderConfigInput{ClusterName: aws.String("web"), IdentityProviderConfig: providerRef("corp")})).Update
		}
		w.planes.hold()
		w.planes.becomes(web, func(s *link.Status) { s.Phase, s.Error = link.Failed, "it died" })
		w.reconcile()
		if done := w.update(t, u.Id); done.Status != "Failed" || *done.Errors[0].ErrorMessage != "it died" {
			t.Errorf("leaving %t: the update is %s %+v", leaving, done.Status, done.Errors)
		}
		list := must[*sdk.ListIdentityProviderConfigsOutput](t)(w.ListIdentityProviderConfigs(w.ctx, &sdk.ListIdentityProviderConfigsInput{ClusterName: aws.String("web")}))
		if left := len(list.IdentityProviderConfigs) == 1; left != leaving {
			t.Errorf("leaving %t: there is one %t", leaving, left)
		}
	}
}

func TestThereAreNoInsights(t *testing.T) {
	w := entryWorld(t)
	name := aws.String("web")
	if out := must[*sdk.ListInsightsOutput](t)(w.ListInsights(w.ctx, &sdk.ListInsightsInput{ClusterName: name})); out.Insights == nil || len(out.Insights) > 0 {
		t.Errorf("insights: %v", out.Insights)
	}
	_, err := w.DescribeInsight(w.ctx, &sdk.DescribeInsightInput{ClusterName: name, Id: aws.String("x")})
	refused(t, err, "ResourceNotFoundException: No insight found with id: x")
	_, err = w.DescribeInsightsRefresh(w.ctx, &sdk.DescribeInsightsRefreshInput{ClusterName: name})
	refused(t, err, "ResourceNotFoundException: No insights refresh found for cluster: web")
	if out := must[*sdk.StartInsightsRefreshOutput](t)(w.StartInsightsRefresh(w.ctx, &sdk.StartInsightsRefreshInput{ClusterName: name})); out.Status != "COMPLETED" {
		t.Errorf("refresh: %+v", out)
	}
	if out := must[*sdk.DescribeInsightsRefreshOutput](t)(w.DescribeInsightsRefresh(w.ctx, &sdk.DescribeInsightsRefreshInput{ClusterName: name})); out.Status != "COMPLETED" || out.EndedAt == nil {
		t.Errorf("refresh: %+v", out)
	}
	_, err = w.ListInsights(w.ctx, &sdk.ListInsightsInput{ClusterName: aws.String("nope")})
	refused(t, err, "ResourceNotFoundException: No cluster found for name: nope.")
}
