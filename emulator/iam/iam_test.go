package iam_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/iam"
	"github.com/neargate/neargate/emulator/store"
	"github.com/rs/zerolog"
)

const (
	account = "000000000000"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	grant   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}}`
)

type world struct {
	*iam.API
	store *store.Store
	ctx   context.Context
}

func newWorld(t *testing.T) world {
	t.Helper()
	st, err := store.Open(t.Context(), "memory", store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return world{API: iam.New(iam.Config{Store: st}), store: st, ctx: as(t.Context(), account, "test")}
}

func as(ctx context.Context, account, key string) context.Context {
	return apiwire.WithCall(ctx, apiwire.Call{Service: "iam", Operation: "Test", Account: account, Partition: "aws", Region: "us-east-1", AccessKey: key, RequestID: "r"})
}

func must[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// wantError checks code and text, and the status where there is one to check.
func wantError(t *testing.T, err error, code, message string, status int) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	if e.ErrorCode() != code || message != "" && e.ErrorMessage() != message {
		t.Errorf("error = %s: %s\nwant    %s: %s", e.ErrorCode(), e.ErrorMessage(), code, message)
	}
	if f, ok := errors.AsType[*apiwire.Failure](err); !ok || f.Status != status {
		t.Errorf("status of %s = %+v, want %d", code, f, status)
	}
}

func (w world) role(t *testing.T, name string) *types.Role {
	t.Helper()
	return must[sdk.CreateRoleOutput](t)(w.CreateRole(w.ctx, &sdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trust)})).Role
}

func TestRole(t *testing.T) {
	w := newWorld(t)
	made := must[sdk.CreateRoleOutput](t)(w.CreateRole(w.ctx, &sdk.CreateRoleInput{
		RoleName: aws.String("Exec"), AssumeRolePolicyDocument: aws.String(trust), Path: aws.String("/app/"), Description: aws.String("d"),
		Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}, {Key: aws.String("a"), Value: aws.String("1")}},
	})).Role
	if *made.Arn != "arn:aws:iam::000000000000:role/app/Exec" || len(*made.RoleId) != 21 || !strings.HasPrefix(*made.RoleId, "AROA") {
		t.Errorf("role = %s %s", *made.Arn, *made.RoleId)
	}
	got := must[sdk.GetRoleOutput](t)(w.GetRole(w.ctx, &sdk.GetRoleInput{RoleName: aws.String("Exec")})).Role
	if document, err := url.PathUnescape(*got.AssumeRolePolicyDocument); err != nil || document != trust {
		t.Errorf("document = %s (%v)", document, err)
	}
	if strings.ContainsAny(*got.AssumeRolePolicyDocument, `{"+ `) {
		t.Errorf("document is not percent-encoded: %s", *got.AssumeRolePolicyDocument)
	}
	if *got.MaxSessionDuration != 3600 || got.RoleLastUsed == nil || len(got.Tags) != 2 || *got.Tags[0].Key != "a" {
		t.Errorf("role = %+v", got)
	}
	_, err := w.CreateRole(w.ctx, &sdk.CreateRoleInput{RoleName: aws.String("exec"), AssumeRolePolicyDocument: aws.String(trust)})
	wantError(t, err, "EntityAlreadyExists", "Role with name exec already exists.", 409)
	_, err = w.GetRole(w.ctx, &sdk.GetRoleInput{RoleName: aws.String("nobody")})
	wantError(t, err, "NoSuchEntity", "The role with name nobody cannot be found.", 404)
	_, err = w.GetRole(as(t.Context(), "111111111111", "test"), &sdk.GetRoleInput{RoleName: aws.String("Exec")})
	wantError(t, err, "NoSuchEntity", "", 404)
	if errors.As(err, new(*types.NoSuchEntityException)) == false {
		t.Errorf("%T is not the SDK's error", err)
	}
}

func TestDeleteRoleWaitsForItsPolicies(t *testing.T) {
	w := newWorld(t)
	name := w.role(t, "r").RoleName
	managed := aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	must[sdk.AttachRolePolicyOutput](t)(w.AttachRolePolicy(w.ctx, &sdk.AttachRolePolicyInput{RoleName: name, PolicyArn: managed}))
	must[sdk.AttachRolePolicyOutput](t)(w.AttachRolePolicy(w.ctx, &sdk.AttachRolePolicyInput{RoleName: name, PolicyArn: managed}))
	must[sdk.PutRolePolicyOutput](t)(w.PutRolePolicy(w.ctx, &sdk.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(grant)}))
	must[sdk.CreateInstanceProfileOutput](t)(w.CreateInstanceProfile(w.ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: aws.String("ip")}))
	must[sdk.AddRoleToInstanceProfileOutput](t)(w.AddRoleToInstanceProfile(w.ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("ip"), RoleName: name}))
	remove := func() error { _, err := w.DeleteRole(w.ctx, &sdk.DeleteRoleInput{RoleName: name}); return err }

	wantError(t, remove(), "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first.", 409)
	in := must[sdk.ListInstanceProfilesForRoleOutput](t)(w.ListInstanceProfilesForRole(w.ctx, &sdk.ListInstanceProfilesForRoleInput{RoleName: name}))
	if len(in.InstanceProfiles) != 1 || len(in.InstanceProfiles[0].Roles) != 1 {
		t.Errorf("instance profiles = %+v", in.InstanceProfiles)
	}
	must[sdk.RemoveRoleFromInstanceProfileOutput](t)(w.RemoveRoleFromInstanceProfile(w.ctx, &sdk.RemoveRoleFromInstanceProfileInput{InstanceProfileName: aws.String("ip"), RoleName: name}))

	wantError(t, remove(), "DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
	attached := must[sdk.ListAttachedRolePoliciesOutput](t)(w.ListAttachedRolePolicies(w.ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: name})).AttachedPolicies
	if len(attached) != 1 || *attached[0].PolicyName != "AmazonECSTaskExecutionRolePolicy" {
		t.Errorf("attached = %+v", attached)
	}
	must[sdk.DetachRolePolicyOutput](t)(w.DetachRolePolicy(w.ctx, &sdk.DetachRolePolicyInput{RoleName: name, PolicyArn: managed}))

	wantError(t, remove(), "DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
	inline := must[sdk.GetRolePolicyOutput](t)(w.GetRolePolicy(w.ctx, &sdk.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))
	if document, err := url.PathUnescape(*inline.PolicyDocument); err != nil || document != grant {
		t.Errorf("inline policy = %s (%v)", document, err)
	}
	must[sdk.DeleteRolePolicyOutput](t)(w.DeleteRolePolicy(w.ctx, &sdk.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	_, err := w.DetachRolePolicy(w.ctx, &sdk.DetachRolePolicyInput{RoleName: name, PolicyArn: managed})
	wantError(t, err, "NoSuchEntity", "The role with name r cannot be found.", 404)
}

func TestAttachable(t *testing.T) {
	w := newWorld(t)
	name := w.role(t, "r").RoleName
	for arn, c := range map[string]struct {
		code, message string
		status        int
	}{
		"arn:aws:iam::aws:policy/SomethingNew":     {},
		"arn:aws:iam::000000000000:policy/missing": {"NoSuchEntity", "Policy arn:aws:iam::000000000000:policy/missing does not exist or is not attachable.", 404},
		"arn:aws:s3:::bucket/policy/xxxxx":         {"ValidationError", "ARN arn:aws:s3:::bucket/policy/xxxxx is not valid.", 400},
	} {
		_, err := w.AttachRolePolicy(w.ctx, &sdk.AttachRolePolicyInput{RoleName: name, PolicyArn: &arn})
		if c.code == "" && err != nil {
			t.Errorf("%s: %v", arn, err)
		}
		if c.code != "" {
			wantError(t, err, c.code, c.message, c.status)
		}
	}
}

func TestPolicyVersions(t *testing.T) {
	w := newWorld(t)
	made := must[sdk.CreatePolicyOutput](t)(w.CreatePolicy(w.ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(grant), Description: aws.String("why")})).Policy
	_, err := w.CreatePolicy(w.ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("p"), Path: aws.String("/x/"), PolicyDocument: aws.String(grant)})
	wantError(t, err, "EntityAlreadyExists", "A policy called p already exists. Duplicate names are not allowed.", 409)
	for range 4 {
		must[sdk.CreatePolicyVersionOutput](t)(w.CreatePolicyVersion(w.ctx, &sdk.CreatePolicyVersionInput{PolicyArn: made.Arn, PolicyDocument: aws.String(grant), SetAsDefault: true}))
	}
	_, err = w.CreatePolicyVersion(w.ctx, &sdk.CreatePolicyVersionInput{PolicyArn: made.Arn, PolicyDocument: aws.String(grant)})
	wantError(t, err, "LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.", 409)
	first := must[sdk.ListPolicyVersionsOutput](t)(w.ListPolicyVersions(w.ctx, &sdk.ListPolicyVersionsInput{PolicyArn: made.Arn, MaxItems: aws.Int32(2)}))
	rest := must[sdk.ListPolicyVersionsOutput](t)(w.ListPolicyVersions(w.ctx, &sdk.ListPolicyVersionsInput{PolicyArn: made.Arn, Marker: first.Marker}))
	var ids []string
	for _, v := range append(first.Versions, rest.Versions...) {
		ids = append(ids, *v.VersionId)
	}
	if got := strings.Join(ids, " "); got != "v5 v4 v3 v2 v1" {
		t.Errorf("versions = %s", got)
	}
	_, err = w.DeletePolicyVersion(w.ctx, &sdk.DeletePolicyVersionInput{PolicyArn: made.Arn, VersionId: aws.String("v5")})
	wantError(t, err, "DeleteConflict", "Cannot delete the default version of a policy.", 409)
	_, err = w.DeletePolicy(w.ctx, &sdk.DeletePolicyInput{PolicyArn: made.Arn})
	wantError(t, err, "DeleteConflict", "", 409)
	for _, id := range []string{"v1", "v2", "v3", "v4"} {
		must[sdk.DeletePolicyVersionOutput](t)(w.DeletePolicyVersion(w.ctx, &sdk.DeletePolicyVersionInput{PolicyArn: made.Arn, VersionId: &id}))
	}
	role := w.role(t, "r")
	must[sdk.AttachRolePolicyOutput](t)(w.AttachRolePolicy(w.ctx, &sdk.AttachRolePolicyInput{RoleName: role.RoleName, PolicyArn: made.Arn}))
	got := must[sdk.GetPolicyOutput](t)(w.GetPolicy(w.ctx, &sdk.GetPolicyInput{PolicyArn: made.Arn})).Policy
	if *got.AttachmentCount != 1 || *got.DefaultVersionId != "v5" || *got.Description != "why" {
		t.Errorf("policy = %+v", got)
	}
	entities := must[sdk.ListEntitiesForPolicyOutput](t)(w.ListEntitiesForPolicy(w.ctx, &sdk.ListEntitiesForPolicyInput{PolicyArn: made.Arn}))
	if len(entities.PolicyRoles) != 1 || *entities.PolicyRoles[0].RoleName != "r" {
		t.Errorf("entities = %+v", entities.PolicyRoles)
	}
	_, err = w.DeletePolicy(w.ctx, &sdk.DeletePolicyInput{PolicyArn: made.Arn})
	wantError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.", 409)
	must[sdk.DetachRolePolicyOutput](t)(w.DetachRolePolicy(w.ctx, &sdk.DetachRolePolicyInput{RoleName: role.RoleName, PolicyArn: made.Arn}))
	must[sdk.DeletePolicyOutput](t)(w.DeletePolicy(w.ctx, &sdk.DeletePolicyInput{PolicyArn: made.Arn}))
	_, err = w.GetPolicy(w.ctx, &sdk.GetPolicyInput{PolicyArn: made.Arn})
	wantError(t, err, "NoSuchEntity", "Policy arn:aws:iam::000000000000:policy/p was not found.", 404)
}

func TestManagedPolicies(t *testing.T) {
	w := newWorld(t)
	arn := aws.String("arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy")
	got := must[sdk.GetPolicyOutput](t)(w.GetPolicy(w.ctx, &sdk.GetPolicyInput{PolicyArn: arn})).Policy
	if *got.PolicyName != "AmazonECSTaskExecutionRolePolicy" || *got.Path != "/service-role/" {
		t.Errorf("policy = %+v", got)
	}
	v := must[sdk.GetPolicyVersionOutput](t)(w.GetPolicyVersion(w.ctx, &sdk.GetPolicyVersionInput{PolicyArn: arn, VersionId: got.DefaultVersionId})).PolicyVersion
	document, err := url.PathUnescape(*v.Document)
	if err != nil || !strings.Contains(document, `"logs:PutLogEvents"`) {
		t.Errorf("document = %s (%v)", document, err)
	}
	seen := map[string]bool{}
	for marker, more := (*string)(nil), true; more; {
		page := must[sdk.ListPoliciesOutput](t)(w.ListPolicies(w.ctx, &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: aws.Int32(10), Marker: marker}))
		for _, p := range page.Policies {
			if seen[*p.Arn] {
				t.Errorf("%s is listed twice", *p.Arn)
			}
			seen[*p.Arn] = true
		}
		marker, more = page.Marker, page.IsTruncated
	}
	if !seen[*arn] || len(seen) < 60 {
		t.Errorf("%d policies of AWS's listed", len(seen))
	}
	_, err = w.CreatePolicyVersion(w.ctx, &sdk.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(grant)})
	wantError(t, err, "AccessDenied", "", 403)
}

func TestPolicyDocuments(t *testing.T) {
	w := newWorld(t)
	statement := func(s string) string { return `{"Version":"2012-10-17","Statement":[` + s + `]}` }
	for name, c := range map[string]struct{ document, message string }{
		"no json":       {`{`, "This policy contains invalid Json"},
		"no statement":  {`{"Version":"2012-10-17"}`, "Syntax errors in policy."},
		"empty":         {statement(``), "Syntax errors in policy."},
		"version":       {`{"Version":"2020-01-01","Statement":[]}`, "The policy must contain a valid version string"},
		"effect":        {statement(`{"Effect":"allow","Action":"s3:*","Resource":"*"}`), "Syntax errors in policy."},
		"no action":     {statement(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions."},
		"no vendor":     {statement(`{"Effect":"Allow","Action":"Get","Resource":"*"}`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."},
		"no resource":   {statement(`{"Effect":"Allow","Action":"s3:*"}`), "Policy statement must contain resources."},
		"resource":      {statement(`{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}`), `Resource bucket must be in ARN format or "*".`},
		"principal":     {statement(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}`), "Policy document should not specify a principal."},
		"sid twice":     {statement(`{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:*","Resource":"*"}`), "Statement IDs (SID) in a single policy must be unique."},
		"action number": {statement(`{"Effect":"Allow","Action":3,"Resource":"*"}`), "Syntax errors in policy."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreatePolicy(w.ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: &c.document})
			wantError(t, err, "MalformedPolicyDocument", c.message, 400)
		})
	}
	for name, c := range map[string]struct{ document, message string }{
		"resource":  {statement(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}`), "Has prohibited field Resource"},
		"principal": {statement(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "Missing required field Principal"},
		"kind":      {statement(`{"Effect":"Allow","Principal":{"User":"x"},"Action":"sts:AssumeRole"}`), `Invalid principal in policy: "User"`},
		"service":   {statement(`{"Effect":"Allow","Principal":{"Service":"ecs-tasks"},"Action":"sts:AssumeRole"}`), `Invalid principal in policy: "Service":"ecs-tasks"`},
		"action":    {statement(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject"}`), "AssumeRole policy may only specify STS AssumeRole actions."},
	} {
		t.Run("trust "+name, func(t *testing.T) {
			_, err := w.CreateRole(w.ctx, &sdk.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: &c.document})
			wantError(t, err, "MalformedPolicyDocument", c.message, 400)
		})
	}
}

func TestServiceLinkedRole(t *testing.T) {
	w := newWorld(t)
	made := must[sdk.CreateServiceLinkedRoleOutput](t)(w.CreateServiceLinkedRole(w.ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("ecs.amazonaws.com")})).Role
	want := "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
	if *made.Arn != want {
		t.Errorf("arn = %s, want %s", *made.Arn, want)
	}
	_, err := w.CreateServiceLinkedRole(w.ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("ecs.amazonaws.com")})
	wantError(t, err, "InvalidInput", "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix.", 400)
	_, err = w.DeleteRole(w.ctx, &sdk.DeleteRoleInput{RoleName: made.RoleName})
	wantError(t, err, "UnmodifiableEntity", "", 400)
	err = w.store.Update(t.Context(), "test", func(tx *store.Tx) error {
		arn, err := w.EnsureServiceLinkedRole(tx, "aws", account, "ecs.amazonaws.com")
		if arn != want {
			t.Errorf("ensured %s, want %s", arn, want)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	task := must[sdk.DeleteServiceLinkedRoleOutput](t)(w.DeleteServiceLinkedRole(w.ctx, &sdk.DeleteServiceLinkedRoleInput{RoleName: made.RoleName}))
	status := must[sdk.GetServiceLinkedRoleDeletionStatusOutput](t)(w.GetServiceLinkedRoleDeletionStatus(w.ctx, &sdk.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: task.DeletionTaskId}))
	if status.Status != types.DeletionTaskStatusTypeSucceeded {
		t.Errorf("deletion = %s", status.Status)
	}
	_, err = w.GetRole(w.ctx, &sdk.GetRoleInput{RoleName: made.RoleName})
	wantError(t, err, "NoSuchEntity", "", 404)
}

func TestOpenIDConnectProvider(t *testing.T) {
	w := newWorld(t)
	create := func(u string) (*sdk.CreateOpenIDConnectProviderOutput, error) {
		return w.CreateOpenIDConnectProvider(w.ctx, &sdk.CreateOpenIDConnectProviderInput{
			Url: &u, ClientIDList: []string{"sts.amazonaws.com"}, ThumbprintList: []string{strings.Repeat("a", 40)},
		})
	}
	arn := must[sdk.CreateOpenIDConnectProviderOutput](t)(create("https://oidc.eks.us-east-1.amazonaws.com/id/AB")).OpenIDConnectProviderArn
	if *arn != "arn:aws:iam::000000000000:oidc-provider/oidc.eks.us-east-1.amazonaws.com/id/AB" {
		t.Errorf("arn = %s", *arn)
	}
	_, err := create("https://oidc.eks.us-east-1.amazonaws.com/id/AB")
	wantError(t, err, "EntityAlreadyExists", "Provider with url https://oidc.eks.us-east-1.amazonaws.com/id/AB already exists.", 409)
	_, err = create("http://oidc.example.com")
	wantError(t, err, "ValidationError", "Invalid Open ID Connect Provider URL", 400)
	must[sdk.AddClientIDToOpenIDConnectProviderOutput](t)(w.AddClientIDToOpenIDConnectProvider(w.ctx, &sdk.AddClientIDToOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn, ClientID: aws.String("x")}))
	got := must[sdk.GetOpenIDConnectProviderOutput](t)(w.GetOpenIDConnectProvider(w.ctx, &sdk.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
	if *got.Url != "oidc.eks.us-east-1.amazonaws.com/id/AB" || len(got.ClientIDList) != 2 {
		t.Errorf("provider = %+v", got)
	}
	must[sdk.DeleteOpenIDConnectProviderOutput](t)(w.DeleteOpenIDConnectProvider(w.ctx, &sdk.DeleteOpenIDConnectProviderInput{OpenIDConnectProviderArn: arn}))
	if all := must[sdk.ListOpenIDConnectProvidersOutput](t)(w.ListOpenIDConnectProviders(w.ctx, nil)); len(all.OpenIDConnectProviderList) != 0 {
		t.Errorf("providers = %+v", all.OpenIDConnectProviderList)
	}
}

func TestUsersAndKeys(t *testing.T) {
	w := newWorld(t)
	me := must[sdk.GetUserOutput](t)(w.GetUser(as(t.Context(), account, "alice"), &sdk.GetUserInput{})).User
	if *me.Arn != "arn:aws:iam::000000000000:user/alice" {
		t.Errorf("caller = %s", *me.Arn)
	}
	again := must[sdk.GetUserOutput](t)(w.GetUser(w.ctx, &sdk.GetUserInput{UserName: aws.String("alice")})).User
	if *again.UserId != *me.UserId || !again.CreateDate.Equal(*me.CreateDate) {
		t.Errorf("user changed: %+v, then %+v", me, again)
	}
	root := must[sdk.GetUserOutput](t)(w.GetUser(as(t.Context(), account, account), &sdk.GetUserInput{})).User
	if *root.Arn != "arn:aws:iam::000000000000:root" || root.UserName != nil {
		t.Errorf("root = %+v", root)
	}
	_, err := w.GetUser(as(t.Context(), account, "ASIAXXXXXXXXXXXXXXXX"), &sdk.GetUserInput{})
	wantError(t, err, "ValidationError", "Must specify userName when calling with non-User credentials", 400)

	must[sdk.CreateUserOutput](t)(w.CreateUser(w.ctx, &sdk.CreateUserInput{UserName: aws.String("bob")}))
	var keys []*types.AccessKey
	for range 2 {
		keys = append(keys, must[sdk.CreateAccessKeyOutput](t)(w.CreateAccessKey(w.ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")})).AccessKey)
	}
	_, err = w.CreateAccessKey(w.ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")})
	wantError(t, err, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
	bob := must[sdk.GetUserOutput](t)(w.GetUser(as(t.Context(), account, *keys[0].AccessKeyId), &sdk.GetUserInput{})).User
	if *bob.UserName != "bob" {
		t.Errorf("user behind %s = %s", *keys[0].AccessKeyId, *bob.UserName)
	}
	_, err = w.DeleteUser(w.ctx, &sdk.DeleteUserInput{UserName: aws.String("bob")})
	wantError(t, err, "DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
	for _, k := range keys {
		must[sdk.DeleteAccessKeyOutput](t)(w.DeleteAccessKey(w.ctx, &sdk.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: k.AccessKeyId}))
	}
	must[sdk.DeleteUserOutput](t)(w.DeleteUser(w.ctx, &sdk.DeleteUserInput{UserName: aws.String("bob")}))
	if all := must[sdk.ListUsersOutput](t)(w.ListUsers(w.ctx, &sdk.ListUsersInput{})).Users; len(all) != 1 {
		t.Errorf("users = %+v", all)
	}
}

func TestPagesAndTags(t *testing.T) {
	w := newWorld(t)
	for _, name := range []string{"b", "A", "c", "D"} {
		w.role(t, name)
	}
	first := must[sdk.ListRolesOutput](t)(w.ListRoles(w.ctx, &sdk.ListRolesInput{MaxItems: aws.Int32(3)}))
	rest := must[sdk.ListRolesOutput](t)(w.ListRoles(w.ctx, &sdk.ListRolesInput{MaxItems: aws.Int32(3), Marker: first.Marker}))
	if !first.IsTruncated || rest.IsTruncated || len(first.Roles) != 3 || len(rest.Roles) != 1 || *rest.Roles[0].RoleName != "D" {
		t.Errorf("pages = %d, %d", len(first.Roles), len(rest.Roles))
	}
	_, err := w.ListRoles(w.ctx, &sdk.ListRolesInput{Marker: aws.String("nonsense")})
	wantError(t, err, "ValidationError", "Invalid Marker.", 400)
	tag := func(key, value string) error {
		_, err := w.TagRole(w.ctx, &sdk.TagRoleInput{RoleName: aws.String("A"), Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	if err := errors.Join(tag("Env", "one"), tag("env", "two")); err != nil {
		t.Fatal(err)
	}
	tags := must[sdk.ListRoleTagsOutput](t)(w.ListRoleTags(w.ctx, &sdk.ListRoleTagsInput{RoleName: aws.String("a")})).Tags
	if len(tags) != 1 || *tags[0].Value != "two" {
		t.Errorf("tags = %+v", tags)
	}
	wantError(t, tag("aws:x", "y"), "InvalidInput", "Tag keys beginning with aws: are reserved for system use", 400)
	must[sdk.UntagRoleOutput](t)(w.UntagRole(w.ctx, &sdk.UntagRoleInput{RoleName: aws.String("A"), TagKeys: []string{"ENV"}}))
	if tags := must[sdk.ListRoleTagsOutput](t)(w.ListRoleTags(w.ctx, &sdk.ListRoleTagsInput{RoleName: aws.String("a")})).Tags; len(tags) != 0 {
		t.Errorf("tags = %+v", tags)
	}
}
