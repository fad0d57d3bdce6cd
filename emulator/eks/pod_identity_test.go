package eks_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

func (w *world) identity(t *testing.T, id string) *types.PodIdentityAssociation {
	t.Helper()
	return must[*sdk.DescribePodIdentityAssociationOutput](t)(w.DescribePodIdentityAssociation(w.ctx,
		&sdk.DescribePodIdentityAssociationInput{ClusterName: aws.String("web"), AssociationId: &id})).Association
}

func (w *world) identities(t *testing.T) []types.PodIdentityAssociationSummary {
	t.Helper()
	return must[*sdk.ListPodIdentityAssociationsOutput](t)(w.ListPodIdentityAssociations(w.ctx,
		&sdk.ListPodIdentityAssociationsInput{ClusterName: aws.String("web")})).Associations
}

func newIdentity(namespace, account string) *sdk.CreatePodIdentityAssociationInput {
	return &sdk.CreatePodIdentityAssociationInput{ClusterName: aws.String("web"), Namespace: &namespace, ServiceAccount: &account, RoleArn: aws.String(podRole)}
}

func TestPodIdentityIsWhole(t *testing.T) {
	w := entryWorld(t)
	in := newIdentity("default", "app")
	in.Tags, in.TargetRoleArn = map[string]string{"k": "v"}, aws.String(strange)
	made := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, in)).Association
	if !regexp.MustCompile(`^a-[0-9a-z]{17}$`).MatchString(*made.AssociationId) || *made.AssociationArn != arnPrefix+"podidentityassociation/web/"+*made.AssociationId {
		t.Errorf("id %s, ARN %s", *made.AssociationId, *made.AssociationArn)
	}
	if *made.DisableSessionTags || *made.ExternalId != testRegion+"/"+testAccount+"/web/default/app" || made.OwnerArn != nil || made.Tags["k"] != "v" {
		t.Errorf("made: %+v", made)
	}
	if d := cmp.Diff(made, w.identity(t, *made.AssociationId), smithyEqual); d != "" {
		t.Error(d)
	}
	w.reconcile()
	want := []link.PodIdentity{{ID: *made.AssociationId, Namespace: "default", ServiceAccount: "app", RoleARN: podRole}}
	if d := cmp.Diff(want, w.planes.told(web).PodIdentities); d != "" {
		t.Error(d)
	}
}

func TestRefusedPodIdentities(t *testing.T) {
	w := entryWorld(t)
	first := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, newIdentity("default", "app"))).Association
	policy := newIdentity("default", "other")
	policy.Policy = aws.String("{}")
	role := newIdentity("default", "other")
	role.RoleArn = aws.String("arn:aws:iam::" + testAccount + ":role/nobody")
	malformed := newIdentity("default", "other")
	malformed.RoleArn = aws.String("nobody")
	for _, row := range []struct {
		name string
		in   *sdk.CreatePodIdentityAssociationInput
		want string
	}{
		{"duplicate", newIdentity("default", "app"), "ResourceInUseException: Association already exists: " + *first.AssociationId},
		{"namespace", newIdentity("De_fault", "app"),
			`InvalidParameterException: The parameter namespace contains invalid characters. It should conform to the regular expression "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"`},
		{"account", newIdentity("default", "App"),
			`InvalidParameterException: The parameter serviceAccount contains invalid characters. It should conform to the regular expression "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"`},
		{"policy", policy, "InvalidParameterException: When policy is specified, disableSessionTags must be set to true"},
		{"role", role, "InvalidParameterException: Role provided in the request does not exist."},
		{"no role", malformed, "InvalidParameterException: Invalid Role Arn: 'nobody'"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := w.CreatePodIdentityAssociation(w.ctx, row.in)
			refused(t, err, row.want)
		})
	}
	_, err := w.DescribePodIdentityAssociation(w.ctx, &sdk.DescribePodIdentityAssociationInput{ClusterName: aws.String("web"), AssociationId: aws.String("a-0")})
	refused(t, err, "ResourceNotFoundException: No pod identity association found with association id: a-0")
}

func TestPodIdentityTokens(t *testing.T) {
	w := entryWorld(t)
	in := newIdentity("default", "app")
	in.ClientRequestToken = aws.String("once")
	first := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, in)).Association
	again := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, in)).Association
	if *again.AssociationId != *first.AssociationId {
		t.Error("the same request made another association")
	}
}

func TestUpdatePodIdentity(t *testing.T) {
	w := entryWorld(t)
	made := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, newIdentity("default", "app"))).Association
	update := func(in sdk.UpdatePodIdentityAssociationInput) (*sdk.UpdatePodIdentityAssociationOutput, error) {
		in.ClusterName, in.AssociationId = aws.String("web"), made.AssociationId
		return w.UpdatePodIdentityAssociation(w.ctx, &in)
	}
	p := must[*sdk.UpdatePodIdentityAssociationOutput](t)(update(sdk.UpdatePodIdentityAssociationInput{
		RoleArn: aws.String(nodeRole), TargetRoleArn: aws.String(strange), DisableSessionTags: aws.Bool(true), Policy: aws.String("{}")})).Association
	if *p.RoleArn != nodeRole || *p.TargetRoleArn != strange || p.ExternalId == nil || !*p.DisableSessionTags || *p.Policy != "{}" {
		t.Errorf("updated: %+v", p)
	}
	p = must[*sdk.UpdatePodIdentityAssociationOutput](t)(update(sdk.UpdatePodIdentityAssociationInput{TargetRoleArn: aws.String(""), Policy: aws.String("")})).Association
	if p.TargetRoleArn != nil || p.ExternalId != nil || p.Policy != nil || *p.RoleArn != nodeRole {
		t.Errorf("without target and policy: %+v", p)
	}
	_, err := update(sdk.UpdatePodIdentityAssociationInput{TargetRoleArn: aws.String("me")})
	refused(t, err, "InvalidParameterException: Invalid Role Arn: 'me'")
}

func TestListPodIdentities(t *testing.T) {
	w := entryWorld(t)
	for i := range 3 {
		for _, namespace := range []string{"a", "b"} {
			must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, newIdentity(namespace, fmt.Sprintf("s%d", i))))
		}
	}
	count := func(in sdk.ListPodIdentityAssociationsInput) (n, pages int) {
		in.ClusterName, in.MaxResults = aws.String("web"), aws.Int32(2)
		for p := sdk.NewListPodIdentityAssociationsPaginator(w, &in); p.HasMorePages(); pages++ {
			n += len(must[*sdk.ListPodIdentityAssociationsOutput](t)(p.NextPage(w.ctx)).Associations)
		}
		return n, pages
	}
	for _, row := range []struct {
		in       sdk.ListPodIdentityAssociationsInput
		n, pages int
	}{
		{sdk.ListPodIdentityAssociationsInput{}, 6, 3},
		{sdk.ListPodIdentityAssociationsInput{Namespace: aws.String("a")}, 3, 2},
		{sdk.ListPodIdentityAssociationsInput{ServiceAccount: aws.String("s1")}, 2, 1},
		{sdk.ListPodIdentityAssociationsInput{Namespace: aws.String("a"), ServiceAccount: aws.String("s1")}, 1, 1},
	} {
		if n, pages := count(row.in); n != row.n || pages != row.pages {
			t.Errorf("%s/%s: %d on %d pages", aws.ToString(row.in.Namespace), aws.ToString(row.in.ServiceAccount), n, pages)
		}
	}
}

func TestDeletePodIdentityOfAnAddon(t *testing.T) {
	w := entryWorld(t)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"),
		PodIdentityAssociations: []types.AddonPodIdentityAssociations{{ServiceAccount: aws.String("aws-node"), RoleArn: aws.String(podRole)}}})
	id := w.identities(t)[0].AssociationId
	in := &sdk.DeletePodIdentityAssociationInput{ClusterName: aws.String("web"), AssociationId: id}
	if gone := must[*sdk.DeletePodIdentityAssociationOutput](t)(w.DeletePodIdentityAssociation(w.ctx, in)).Association; *gone.AssociationId != *id {
		t.Errorf("deleted: %+v", gone)
	}
	if a := w.addon(t, "vpc-cni"); len(a.PodIdentityAssociations) != 0 {
		t.Errorf("the add-on still has %v", a.PodIdentityAssociations)
	}
	_, err := w.DeletePodIdentityAssociation(w.ctx, in)
	refused(t, err, "ResourceNotFoundException: No pod identity association found with association id: "+*id)
}

// TestPodIdentityForTheAgent is what package eksauth asks for, and what `why`
// tells of it.
func TestPodIdentityForTheAgent(t *testing.T) {
	w := entryWorld(t)
	in := newIdentity("default", "app")
	in.DisableSessionTags, in.Policy = aws.Bool(true), aws.String(`{"Statement":[]}`)
	id := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, in)).Association
	see := func(agent bool, why ...string) {
		t.Helper()
		err := w.st.View(w.ctx, func(tx *store.Tx) error {
			p, err := eks.AssociationOf(tx, web, "default", "app")
			if err != nil || *p.AssociationId != *id.AssociationId {
				t.Errorf("association %+v, %v", p, err)
			}
			if _, err := eks.AssociationOf(tx, web, "other", "app"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("another namespace's: %v", err)
			}
			if got, err := eks.HasAgent(tx, web); got != agent || err != nil {
				t.Errorf("agent: %v, %v", got, err)
			}
			issuer, name, err := eks.IssuerOf(tx, web)
			if name != "web" || !strings.HasPrefix(issuer, "https://oidc.eks.eu-west-1.amazonaws.com/id/") {
				t.Errorf("cluster %s of %s", name, issuer)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range why {
			why[i] = "podidentityassociation/" + *id.AssociationId + " " + why[i]
		}
		if got := w.ineffective(t, web+"/"+*id.AssociationId); !slices.Equal(got, why) {
			t.Errorf("without effect: %q, want %q", got, why)
		}
	}
	see(false, "roleArn", "policy")
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("eks-pod-identity-agent")})
	see(true, "policy")
	must[*sdk.DeleteAddonOutput](t)(w.DeleteAddon(w.ctx, &sdk.DeleteAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("eks-pod-identity-agent"), Preserve: true}))
	w.reconcile()
	see(true, "policy")
}
