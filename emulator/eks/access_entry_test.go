package eks_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

const (
	devRole  = "arn:aws:iam::" + testAccount + ":role/team/dev"
	ann      = "arn:aws:iam::" + testAccount + ":user/ann"
	strange  = "arn:aws:iam::999999999999:role/dev"
	linked   = "arn:aws:iam::" + testAccount + ":role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS"
	adminARN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
	viewARN  = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
)

// entryWorld has a cluster "web" with access entries, and the roles that the
// tests name.
func entryWorld(t *testing.T) *world {
	w := newWorld(t)
	w.roles.trust[devRole], w.roles.trust[strange], w.roles.trust[linked] = "x", "x", "x"
	w.create("web", types.AuthenticationModeApi)
	return w
}

func (w *world) entry(t *testing.T, principal string) *types.AccessEntry {
	t.Helper()
	return must[*sdk.DescribeAccessEntryOutput](t)(w.DescribeAccessEntry(w.ctx, &sdk.DescribeAccessEntryInput{ClusterName: aws.String("web"), PrincipalArn: &principal})).AccessEntry
}

func (w *world) createEntry(t *testing.T, in sdk.CreateAccessEntryInput) *types.AccessEntry {
	t.Helper()
	in.ClusterName = aws.String("web")
	return must[*sdk.CreateAccessEntryOutput](t)(w.CreateAccessEntry(w.ctx, &in)).AccessEntry
}

func TestTheCreatorHasAnEntry(t *testing.T) {
	w := entryWorld(t)
	e := w.entry(t, "arn:aws:iam::"+testAccount+":role/Admin")
	if *e.Type != "STANDARD" || *e.Username != "arn:aws:sts::"+testAccount+":assumed-role/Admin/{{SessionName}}" {
		t.Errorf("the creator's entry: %s as %s", *e.Type, *e.Username)
	}
	out := must[*sdk.ListAssociatedAccessPoliciesOutput](t)(w.ListAssociatedAccessPolicies(w.ctx, &sdk.ListAssociatedAccessPoliciesInput{
		ClusterName: aws.String("web"), PrincipalArn: e.PrincipalArn}))
	if len(out.AssociatedAccessPolicies) != 1 || *out.AssociatedAccessPolicies[0].PolicyArn != adminARN || out.AssociatedAccessPolicies[0].AccessScope.Type != "cluster" {
		t.Errorf("the creator's policies: %+v", out.AssociatedAccessPolicies)
	}
}

func TestAccessEntryDefaults(t *testing.T) {
	w := entryWorld(t)
	for _, row := range []struct {
		principal, kind, username string
		groups                    []string
		arn                       string
	}{
		{devRole, "", "arn:aws:sts::" + testAccount + ":assumed-role/dev/{{SessionName}}", []string{}, "access-entry/web/role/" + testAccount + "/team/dev/"},
		{ann, "STANDARD", ann, []string{}, "access-entry/web/user/" + testAccount + "/ann/"},
		{strange, "", "arn:aws:sts::999999999999:assumed-role/dev/{{SessionName}}", []string{}, "access-entry/web/role/999999999999/dev/"},
		{nodeRole, "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes"}, "access-entry/web/role/" + testAccount + "/nodes/"},
		{podRole, "FARGATE_LINUX", "system:node:{{SessionName}}", []string{"system:nodes"}, "access-entry/web/role/" + testAccount + "/pods/"},
		{clusterRole, "EC2_WINDOWS", "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes", "eks:kube-proxy-windows"}, "access-entry/web/role/"},
	} {
		e := w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: &row.principal, Type: named(row.kind)})
		if *e.Username != row.username || !slices.Equal(e.KubernetesGroups, row.groups) || e.KubernetesGroups == nil || e.Tags == nil {
			t.Errorf("%s: %s in %v", row.principal, *e.Username, e.KubernetesGroups)
		}
		if got := *e.AccessEntryArn; len(got) < len(arnPrefix+row.arn) || got[:len(arnPrefix+row.arn)] != arnPrefix+row.arn {
			t.Errorf("%s: ARN %s", row.principal, got)
		}
		if d := cmp.Diff(e, w.entry(t, row.principal), smithyEqual); d != "" {
			t.Errorf("%s is described otherwise: %s", row.principal, d)
		}
	}
}

// named is s, or nil when there is none.
func named(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func TestRefusedAccessEntries(t *testing.T) {
	w := entryWorld(t)
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(devRole)})
	for _, row := range []struct {
		name string
		in   sdk.CreateAccessEntryInput
		want string
	}{
		{"duplicate", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(devRole)},
			"ResourceInUseException: The specified access entry resource is already in use on this cluster."},
		{"no principal", sdk.CreateAccessEntryInput{PrincipalArn: aws.String("arn:aws:sts::" + testAccount + ":assumed-role/dev/me")},
			"InvalidParameterException: The principalArn parameter format is not valid"},
		{"unknown principal", sdk.CreateAccessEntryInput{PrincipalArn: aws.String("arn:aws:iam::" + testAccount + ":role/nobody")},
			"InvalidParameterException: The specified principalArn is invalid: invalid principal."},
		{"name of a node", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(nodeRole), Type: aws.String("EC2_LINUX"), Username: aws.String("x")},
			`InvalidParameterException: The specified username is invalid: setting username is not allowed when the type is "EC2_LINUX"`},
		{"groups of a node", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(nodeRole), Type: aws.String("EC2_LINUX"), KubernetesGroups: []string{"x"}},
			`InvalidParameterException: The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "EC2_LINUX"`},
		{"group", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), KubernetesGroups: []string{"devs", "system:masters"}},
			"InvalidParameterException: The kubernetes group name system:masters is invalid, it cannot start with system:"},
		{"group of EKS", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), KubernetesGroups: []string{"eks:x"}},
			"InvalidParameterException: The kubernetes group name eks:x is invalid, it cannot start with eks:"},
		{"name", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), Username: aws.String("system:admin")},
			"InvalidParameterException: The username must not begin with system:"},
		{"session without a colon", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), Username: aws.String("dev-{{SessionName}}")},
			"InvalidParameterException: The specified username is invalid: the username must include a colon before {{SessionName}}"},
		{"user as node", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), Type: aws.String("FARGATE_LINUX")},
			"InvalidParameterException: AccessEntry principalArn must be IAM role when using types [EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"},
		{"stranger as node", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(strange), Type: aws.String("EC2_LINUX")},
			"InvalidParameterException: AccessEntry principalArn must be from the same account as the cluster when using types [EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"},
		{"service-linked role", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(linked)},
			"InvalidParameterException: The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"},
		{"type", sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), Type: aws.String("PENGUIN")},
			"InvalidParameterException: The specified type is invalid: PENGUIN. Valid types are [STANDARD, EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2, HYPERPOD_LINUX]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.in.ClusterName = aws.String("web")
			_, err := w.CreateAccessEntry(w.ctx, &row.in)
			refused(t, err, row.want)
		})
	}
	_, err := w.CreateAccessEntry(w.ctx, &sdk.CreateAccessEntryInput{ClusterName: aws.String("nope"), PrincipalArn: aws.String(ann)})
	refused(t, err, "ResourceNotFoundException: No cluster found for name: nope.")
	wantStatus(t, err, 404)
}

func TestUnknownAccessEntries(t *testing.T) {
	w := entryWorld(t)
	const want = "ResourceNotFoundException: The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."
	web, who := aws.String("web"), aws.String(ann)
	_, err := w.DescribeAccessEntry(w.ctx, &sdk.DescribeAccessEntryInput{ClusterName: web, PrincipalArn: who})
	refused(t, err, want)
	_, err = w.UpdateAccessEntry(w.ctx, &sdk.UpdateAccessEntryInput{ClusterName: web, PrincipalArn: who})
	refused(t, err, want)
	_, err = w.DeleteAccessEntry(w.ctx, &sdk.DeleteAccessEntryInput{ClusterName: web, PrincipalArn: who})
	refused(t, err, want)
	_, err = w.ListAssociatedAccessPolicies(w.ctx, &sdk.ListAssociatedAccessPoliciesInput{ClusterName: web, PrincipalArn: who})
	refused(t, err, want)
	_, err = w.AssociateAccessPolicy(w.ctx, &sdk.AssociateAccessPolicyInput{ClusterName: web, PrincipalArn: who, PolicyArn: aws.String(viewARN),
		AccessScope: &types.AccessScope{Type: types.AccessScopeTypeCluster}})
	refused(t, err, want)
	wantStatus(t, err, 404)
}

func TestAccessEntriesNeedTheirMode(t *testing.T) {
	w := newWorld(t)
	w.create("old", types.AuthenticationModeConfigMap)
	const want = "InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."
	_, err := w.CreateAccessEntry(w.ctx, &sdk.CreateAccessEntryInput{ClusterName: aws.String("old"), PrincipalArn: aws.String(ann)})
	refused(t, err, want)
	_, err = w.ListAccessEntries(w.ctx, &sdk.ListAccessEntriesInput{ClusterName: aws.String("old")})
	refused(t, err, want)
	if told := w.planes.told(arnPrefix + "cluster/old"); len(told.AccessEntries) > 0 || told.CreatorARN == "" {
		t.Errorf("told: %+v", told)
	}
	w.planes.hold()
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, withMode(newCluster("young"), types.AuthenticationModeApi)))
	_, err = w.CreateAccessEntry(w.ctx, &sdk.CreateAccessEntryInput{ClusterName: aws.String("young"), PrincipalArn: aws.String(ann)})
	refused(t, err, "InvalidRequestException: Cluster 'young' is not in ACTIVE status")
}

func withMode(in *sdk.CreateClusterInput, mode types.AuthenticationMode) *sdk.CreateClusterInput {
	in.AccessConfig = &types.CreateAccessConfigRequest{AuthenticationMode: mode}
	return in
}

func TestUpdateAccessEntry(t *testing.T) {
	w := entryWorld(t)
	first := w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), KubernetesGroups: []string{"devs"}, Tags: map[string]string{"k": "v"}})
	update := func(in sdk.UpdateAccessEntryInput) *types.AccessEntry {
		in.ClusterName, in.PrincipalArn = aws.String("web"), aws.String(ann)
		return must[*sdk.UpdateAccessEntryOutput](t)(w.UpdateAccessEntry(w.ctx, &in)).AccessEntry
	}
	e := update(sdk.UpdateAccessEntryInput{Username: aws.String("anna")})
	if *e.Username != "anna" || !slices.Equal(e.KubernetesGroups, []string{"devs"}) || e.Tags["k"] != "v" || *e.AccessEntryArn != *first.AccessEntryArn {
		t.Errorf("with another name: %+v", e)
	}
	if e = update(sdk.UpdateAccessEntryInput{KubernetesGroups: []string{}}); *e.Username != "anna" || len(e.KubernetesGroups) != 0 {
		t.Errorf("without groups: %+v", e)
	}
	if e = update(sdk.UpdateAccessEntryInput{Username: aws.String("")}); *e.Username != ann {
		t.Errorf("the name falls back to %s", *e.Username)
	}
	_, err := w.UpdateAccessEntry(w.ctx, &sdk.UpdateAccessEntryInput{ClusterName: aws.String("web"), PrincipalArn: aws.String(ann), Username: aws.String("system:x")})
	refused(t, err, "InvalidParameterException: The username must not begin with system:")
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(nodeRole), Type: aws.String("EC2_LINUX")})
	_, err = w.UpdateAccessEntry(w.ctx, &sdk.UpdateAccessEntryInput{ClusterName: aws.String("web"), PrincipalArn: aws.String(nodeRole), KubernetesGroups: []string{"x"}})
	refused(t, err, `InvalidParameterException: The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is "EC2_LINUX"`)
}

func TestAccessEntryTokens(t *testing.T) {
	w := entryWorld(t)
	in := sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), ClientRequestToken: aws.String("once")}
	first := w.createEntry(t, in)
	if again := w.createEntry(t, in); *again.AccessEntryArn != *first.AccessEntryArn {
		t.Error("the same request made another entry")
	}
	in.ClusterName, in.Username = aws.String("web"), aws.String("other")
	_, err := w.CreateAccessEntry(w.ctx, &in)
	refused(t, err, "ResourceInUseException: The specified access entry resource is already in use on this cluster.")
}

func TestListAccessEntries(t *testing.T) {
	w := entryWorld(t)
	for i := range 5 {
		role := fmt.Sprintf("arn:aws:iam::%s:role/r%d", testAccount, i)
		w.roles.trust[role] = "x"
		w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: &role})
	}
	var pages [][]string
	for p := sdk.NewListAccessEntriesPaginator(w, &sdk.ListAccessEntriesInput{ClusterName: aws.String("web"), MaxResults: aws.Int32(4)}); p.HasMorePages(); {
		pages = append(pages, must[*sdk.ListAccessEntriesOutput](t)(p.NextPage(w.ctx)).AccessEntries)
	}
	if len(pages) != 2 || len(pages[0]) != 4 || len(pages[1]) != 2 {
		t.Errorf("pages: %v", pages)
	}
	admins := must[*sdk.ListAccessEntriesOutput](t)(w.ListAccessEntries(w.ctx, &sdk.ListAccessEntriesInput{ClusterName: aws.String("web"), AssociatedPolicyArn: aws.String(adminARN)}))
	if !slices.Equal(admins.AccessEntries, []string{"arn:aws:iam::" + testAccount + ":role/Admin"}) {
		t.Errorf("admins: %v", admins.AccessEntries)
	}
	none := must[*sdk.ListAccessEntriesOutput](t)(w.ListAccessEntries(w.ctx, &sdk.ListAccessEntriesInput{ClusterName: aws.String("web"), AssociatedPolicyArn: aws.String(viewARN)}))
	if none.AccessEntries == nil || len(none.AccessEntries) > 0 {
		t.Errorf("viewers: %v", none.AccessEntries)
	}
}

func TestControlPlaneIsToldOfEntries(t *testing.T) {
	w := entryWorld(t)
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann), KubernetesGroups: []string{"devs"}})
	must[*sdk.AssociateAccessPolicyOutput](t)(w.AssociateAccessPolicy(w.ctx, &sdk.AssociateAccessPolicyInput{
		ClusterName: aws.String("web"), PrincipalArn: aws.String(ann), PolicyArn: aws.String(viewARN),
		AccessScope: &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: []string{"team-*"}},
	}))
	w.reconcile()
	want := link.AccessEntry{PrincipalARN: ann, Type: "STANDARD", Username: ann, Groups: []string{"devs"},
		Policies: []link.AccessPolicy{{ARN: viewARN, Namespaces: []string{"team-*"}}}}
	told := w.planes.told(arnPrefix + "cluster/web").AccessEntries
	if i := slices.IndexFunc(told, func(e link.AccessEntry) bool { return e.PrincipalARN == ann }); i < 0 {
		t.Errorf("not told: %+v", told)
	} else if d := cmp.Diff(want, told[i]); d != "" {
		t.Error(d)
	}
	must[*sdk.DeleteAccessEntryOutput](t)(w.DeleteAccessEntry(w.ctx, &sdk.DeleteAccessEntryInput{ClusterName: aws.String("web"), PrincipalArn: aws.String(ann)}))
	w.reconcile()
	if told = w.planes.told(arnPrefix + "cluster/web").AccessEntries; len(told) != 1 {
		t.Errorf("after the deletion: %+v", told)
	}
}
