package sts

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// AssumeRole issues credentials of a role whose trust policy lets the caller
// in.
func (a *API) AssumeRole(ctx context.Context, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	if err := checkSession(in); err != nil {
		return nil, err
	}
	out := &sts.AssumeRoleOutput{SourceIdentity: in.SourceIdentity}
	err := a.update(ctx, func(tx *store.Tx, c apiwire.Call) error {
		by, err := a.caller(tx, c)
		if err != nil {
			return err
		}
		role, err := a.roleFor(tx, by, in)
		if err != nil {
			return err
		}
		g, err := grantOf(by, role, in)
		if err != nil {
			return err
		}
		made, err := a.Issue(tx, g)
		if err != nil {
			return err
		}
		out.Credentials = &made
		out.AssumedRoleUser = &types.AssumedRoleUser{Arn: &g.ARN, AssumedRoleId: &g.UserID}
		out.SessionTokenSize, out.SessionTokenUtilization = tokenSize(made)
		out.SourceIdentity = optional(g.SourceIdentity)
		if packed := packedSize(in.Policy, in.PolicyArns, in.Tags); packed > 0 {
			out.PackedPolicySize = aws.Int32(packed)
		}
		return nil
	})
	return out, err
}

// roleFor finds the role and asks its trust policy. A role that does not exist
// and one that does not trust the caller are the same to the caller, as in AWS.
func (a *API) roleFor(tx *store.Tx, by Caller, in *sts.AssumeRoleInput) (iam.Role, error) {
	arn, err := apiwire.ParseARN(*in.RoleArn)
	if err != nil || arn.Service != "iam" || !strings.HasPrefix(arn.Resource, "role/") {
		return iam.Role{}, invalid("%s is invalid", *in.RoleArn)
	}
	if strings.HasSuffix(by.ARN, ":root") {
		return iam.Role{}, denied("Roles may not be assumed by root accounts.")
	}
	refused := denied("User: %s is not authorized to perform: sts:AssumeRole on resource: %s", by.ARN, *in.RoleArn)
	role, err := a.iam.RoleOf(tx, arn.Account, arn.Resource[strings.LastIndex(arn.Resource, "/")+1:])
	if errors.Is(err, store.ErrNotFound) || err == nil && aws.ToString(role.Arn) != *in.RoleArn {
		return iam.Role{}, refused
	}
	if err != nil {
		return iam.Role{}, err
	}
	ok, err := trusts(aws.ToString(role.AssumeRolePolicyDocument), requestOf(by, in))
	if err == nil && !ok {
		err = refused
	}
	return role, err
}

// requestOf is what a trust policy sees of a request.
func requestOf(by Caller, in *sts.AssumeRoleInput) request {
	r := request{action: "sts:AssumeRole", arns: []string{by.ARN}, account: by.Account, keys: map[string][]string{
		"sts:rolesessionname": {*in.RoleSessionName}, "aws:principalarn": {by.ARN}, "aws:principalaccount": {by.Account}, "aws:userid": {by.UserID},
	}}
	if by.Session != nil && by.Session.Role != "" {
		r.arns = append(r.arns, by.Session.Role)
		r.keys["aws:principalarn"] = []string{by.Session.Role}
	}
	if in.ExternalId != nil {
		r.keys["sts:externalid"] = []string{*in.ExternalId}
	}
	if in.SourceIdentity != nil {
		r.keys["sts:sourceidentity"] = []string{*in.SourceIdentity}
	}
	for _, t := range in.Tags {
		r.keys["aws:requesttag/"+strings.ToLower(*t.Key)] = []string{*t.Value}
		r.keys["aws:tagkeys"] = append(r.keys["aws:tagkeys"], *t.Key)
	}
	return r
}

const (
	defaultSession = time.Hour
	chainedSession = time.Hour // at most, for a role assumed from a role
)

// grantOf is what a request that may be granted gets.
func grantOf(by Caller, role iam.Role, in *sts.AssumeRoleInput) (Grant, error) {
	arn, err := apiwire.ParseARN(aws.ToString(role.Arn))
	if err != nil {
		return Grant{}, err
	}
	chained := by.Session != nil && by.Session.Role != ""
	if chained && time.Duration(aws.ToInt32(in.DurationSeconds))*time.Second > chainedSession {
		return Grant{}, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	d, err := durationOf(role, in.DurationSeconds)
	if err != nil {
		return Grant{}, err
	}
	g := ForRole(arn.Partition, arn.Account, *role.Arn, *role.RoleName, *role.RoleId, *in.RoleSessionName, d)
	g.SourceIdentity, g.MinToken = aws.ToString(in.SourceIdentity), int(aws.ToInt32(in.MinimumSessionTokenSize))
	g.Tags, g.Transitive = map[string]string{}, slices.Clone(in.TransitiveTagKeys)
	if chained {
		err = inherit(&g, by.Session)
	}
	for _, t := range in.Tags {
		if slices.Contains(inheritedKeys(by), *t.Key) {
			return Grant{}, invalid("One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		g.Tags[*t.Key] = *t.Value
	}
	return g, err
}

// durationOf is how long a session of a role is good when so many seconds, or
// nothing, are asked for.
func durationOf(role iam.Role, seconds *int32) (time.Duration, error) {
	d := defaultSession
	if seconds != nil {
		d = time.Duration(*seconds) * time.Second
	}
	if d > time.Duration(cmp.Or(aws.ToInt32(role.MaxSessionDuration), 3600))*time.Second {
		return 0, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return d, nil
}

// inherit gives a session what goes on from the one it is assumed from.
func inherit(g *Grant, from *Session) error {
	for _, key := range from.Transitive {
		if value, ok := from.Tags[key]; ok {
			g.Tags[key] = value
			g.Transitive = append(g.Transitive, key)
		}
	}
	if from.SourceIdentity != "" && g.SourceIdentity != "" && g.SourceIdentity != from.SourceIdentity {
		return denied("The source identity of a session cannot be changed.")
	}
	g.SourceIdentity = cmp.Or(g.SourceIdentity, from.SourceIdentity)
	return nil
}

func inheritedKeys(by Caller) []string {
	if by.Session == nil {
		return nil
	}
	return by.Session.Transitive
}

// checkSession checks what the wire's own rules do not.
func checkSession(in *sts.AssumeRoleInput) error {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return noMFA()
	}
	if aws.ToInt32(in.MinimumSessionTokenSize) > maxToken {
		return invalid("MinimumSessionTokenSize must not exceed %d", maxToken)
	}
	if len(in.ProvidedContexts) > 0 {
		return invalid("ProvidedContexts are not available in Neargate's STS.")
	}
	seen := map[string]bool{}
	for _, t := range in.Tags {
		key := strings.ToLower(aws.ToString(t.Key))
		if seen[key] {
			return invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		if strings.HasPrefix(key, "aws:") {
			return invalid("Tag keys beginning with aws: are reserved for system use")
		}
		seen[key] = true
	}
	for _, key := range in.TransitiveTagKeys {
		if !seen[strings.ToLower(key)] {
			return invalid("The specified transitive tag key must be included in the requested tags.")
		}
	}
	return checkPolicies(in.Policy, in.PolicyArns)
}

func checkPolicies(policy *string, arns []types.PolicyDescriptorType) error {
	if policy != nil {
		var document struct{ Statement json.RawMessage }
		if err := json.Unmarshal([]byte(*policy), &document); err != nil || len(document.Statement) == 0 {
			return &types.MalformedPolicyDocumentException{Message: aws.String("The policy is not in the valid JSON format.")}
		}
	}
	for _, p := range arns {
		if arn, err := apiwire.ParseARN(aws.ToString(p.Arn)); err != nil || !strings.HasPrefix(arn.Resource, "policy/") {
			return invalid("ARN %s is not valid.", aws.ToString(p.Arn))
		}
	}
	return nil
}

func noMFA() error {
	return denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

// packedSize is how much of the room for session policies and tags a request
// takes, in percent of 2048 characters.
func packedSize(policy *string, arns []types.PolicyDescriptorType, tags []types.Tag) int32 {
	n := len(aws.ToString(policy))
	for _, p := range arns {
		n += len(aws.ToString(p.Arn))
	}
	for _, t := range tags {
		n += len(*t.Key) + len(*t.Value)
	}
	return int32((n*100 + 2047) / 2048)
}

func tokenSize(c types.Credentials) (size, percent *int32) {
	n := len(*c.SessionToken)
	return aws.Int32(int32(n)), aws.Int32(int32(n * 100 / maxToken))
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
