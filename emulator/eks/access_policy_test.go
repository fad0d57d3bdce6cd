package eks_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

var wholeCluster = &types.AccessScope{Type: types.AccessScopeTypeCluster}

func (w *world) associate(t *testing.T, principal, policy string, scope *types.AccessScope) *types.AssociatedAccessPolicy {
	t.Helper()
	out := must[*sdk.AssociateAccessPolicyOutput](t)(w.AssociateAccessPolicy(w.ctx, &sdk.AssociateAccessPolicyInput{
		ClusterName: aws.String("web"), PrincipalArn: &principal, PolicyArn: &policy, AccessScope: scope}))
	if *out.ClusterName != "web" || *out.PrincipalArn != principal {
		t.Errorf("associated with %s in %s", *out.PrincipalArn, *out.ClusterName)
	}
	return out.AssociatedAccessPolicy
}

func TestAssociateAccessPolicy(t *testing.T) {
	w := entryWorld(t)
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann)})
	first := w.associate(t, ann, viewARN, wholeCluster)
	if first.AccessScope.Type != "cluster" || first.AccessScope.Namespaces == nil || len(first.AccessScope.Namespaces) != 0 {
		t.Errorf("scope: %+v", first.AccessScope)
	}
	w.associate(t, ann, adminARN, wholeCluster)
	again := w.associate(t, ann, viewARN, &types.AccessScope{Type: types.AccessScopeTypeNamespace, Namespaces: []string{"a", "b"}})
	if !again.AssociatedAt.Equal(*first.AssociatedAt) || again.ModifiedAt.Before(*first.ModifiedAt) {
		t.Errorf("associated again at %s, modified at %s", again.AssociatedAt, again.ModifiedAt)
	}
	var seen []string
	for p := sdk.NewListAssociatedAccessPoliciesPaginator(w, &sdk.ListAssociatedAccessPoliciesInput{
		ClusterName: aws.String("web"), PrincipalArn: aws.String(ann), MaxResults: aws.Int32(1)}); p.HasMorePages(); {
		for _, one := range must[*sdk.ListAssociatedAccessPoliciesOutput](t)(p.NextPage(w.ctx)).AssociatedAccessPolicies {
			seen = append(seen, *one.PolicyArn)
		}
	}
	if len(seen) != 2 || seen[0] != adminARN || seen[1] != viewARN {
		t.Errorf("policies: %v", seen)
	}
	out := sdk.DisassociateAccessPolicyInput{ClusterName: aws.String("web"), PrincipalArn: aws.String(ann), PolicyArn: aws.String(viewARN)}
	must[*sdk.DisassociateAccessPolicyOutput](t)(w.DisassociateAccessPolicy(w.ctx, &out))
	_, err := w.DisassociateAccessPolicy(w.ctx, &out)
	refused(t, err, "ResourceNotFoundException: The specified policyArn is not associated with the access entry.")
}

func TestRefusedAccessPolicies(t *testing.T) {
	w := entryWorld(t)
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann)})
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(nodeRole), Type: aws.String("EC2_LINUX")})
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(podRole), Type: aws.String("EC2")})
	for _, row := range []struct {
		name, principal, policy string
		scope                   *types.AccessScope
		want                    string
	}{
		{"format", ann, "admin", wholeCluster, "InvalidParameterException: The policyArn parameter format is not valid"},
		{"IAM's", ann, "arn:aws:iam::aws:policy/AdministratorAccess", wholeCluster, "InvalidParameterException: The policyArn parameter format is not valid"},
		{"unknown", ann, "arn:aws:eks::aws:cluster-access-policy/Nope", wholeCluster, "ResourceNotFoundException: The specified policyArn could not be found."},
		{"three colons", ann, "arn:aws:eks:::cluster-access-policy/AmazonEKSViewPolicy", wholeCluster, "ResourceNotFoundException: The specified policyArn could not be found."},
		{"no namespace", ann, viewARN, &types.AccessScope{Type: types.AccessScopeTypeNamespace},
			"InvalidParameterException: At least 1 namespace must be provided if the type is set as namespace"},
		{"namespace", ann, viewARN, &types.AccessScope{Type: types.AccessScopeTypeCluster, Namespaces: []string{"a"}},
			"InvalidParameterException: accessScope should not include namespaces if the type is not set as namespace"},
		{"node", nodeRole, viewARN, wholeCluster, `InvalidRequestException: This operation can only be performed on Access Entries with a type of "STANDARD"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := w.AssociateAccessPolicy(w.ctx, &sdk.AssociateAccessPolicyInput{
				ClusterName: aws.String("web"), PrincipalArn: &row.principal, PolicyArn: &row.policy, AccessScope: row.scope})
			refused(t, err, row.want)
		})
	}
	w.associate(t, podRole, "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy", wholeCluster)
}

func TestListAccessPolicies(t *testing.T) {
	w := newWorld(t)
	all := map[string]string{}
	for p := sdk.NewListAccessPoliciesPaginator(w, &sdk.ListAccessPoliciesInput{MaxResults: aws.Int32(7)}); p.HasMorePages(); {
		for _, one := range must[*sdk.ListAccessPoliciesOutput](t)(p.NextPage(w.ctx)).AccessPolicies {
			all[*one.Name] = *one.Arn
		}
	}
	for _, name := range []string{"AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSViewPolicy", "AmazonEKSAdminViewPolicy"} {
		if all[name] != "arn:aws:eks::aws:cluster-access-policy/"+name {
			t.Errorf("%s is %q", name, all[name])
		}
	}
	_, err := w.ListAccessPolicies(w.ctx, &sdk.ListAccessPoliciesInput{NextToken: aws.String("junk")})
	refused(t, err, "InvalidParameterException: Invalid nextToken: junk")
}
