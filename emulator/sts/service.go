package sts

import (
	"errors"
	"maps"
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

// This file gives roles to AWS services that act for somebody, such as EKS
// Pod Identity for a pod.

// ServiceSession is what a service wants of a role.
type ServiceSession struct {
	Service     string // pods.eks.amazonaws.com
	Role        string // ARN
	SessionName string
	Source      string            // ARN of the resource that the service acts for: aws:SourceArn
	Tags        map[string]string // of the session; they go on to roles assumed from it
	Duration    time.Duration
}

// ErrNotTrusted: there is no such role, or its trust policy does not let the
// caller do what is wanted.
var ErrNotTrusted = errors.New("the role's trust policy does not allow it")

// AssumeForService issues credentials of a role whose trust policy lets the
// service assume it and, where there are tags, tag the session.
func (a *API) AssumeForService(tx *store.Tx, s ServiceSession) (types.Credentials, Caller, error) {
	arn, role, err := a.roleNamed(tx, s.Role)
	if err != nil {
		return types.Credentials{}, Caller{}, err
	}
	for _, action := range actions(s.Tags) {
		ok, err := trusts(aws.ToString(role.AssumeRolePolicyDocument), serviceRequest(s, action))
		if err != nil || !ok {
			return types.Credentials{}, Caller{}, errors.Join(ErrNotTrusted, err)
		}
	}
	g := ForRole(arn.Partition, arn.Account, *role.Arn, *role.RoleName, *role.RoleId, s.SessionName, s.Duration)
	g.Tags, g.Transitive = s.Tags, slices.Sorted(maps.Keys(s.Tags))
	made, err := a.Issue(tx, g)
	return made, Caller{Account: g.Account, ARN: g.ARN, UserID: g.UserID, Session: &g.Session}, err
}

// AssumeFrom issues credentials of a role to a session that AssumeForService
// has made, as role chaining does: for an hour at most, with the session's
// tags.
func (a *API) AssumeFrom(tx *store.Tx, by Caller, role, sessionName, externalID string) (types.Credentials, Caller, error) {
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: &sessionName, ExternalId: optional(externalID)}
	_, target, err := a.roleNamed(tx, role)
	if err != nil {
		return types.Credentials{}, Caller{}, err
	}
	for _, action := range actions(by.Session.Tags) {
		r := requestOf(by, in)
		r.action = action
		tagged(r.keys, by.Session.Tags)
		ok, err := trusts(aws.ToString(target.AssumeRolePolicyDocument), r)
		if err != nil || !ok {
			return types.Credentials{}, Caller{}, errors.Join(ErrNotTrusted, err)
		}
	}
	g, err := grantOf(by, target, in)
	if err != nil {
		return types.Credentials{}, Caller{}, err
	}
	made, err := a.Issue(tx, g)
	return made, Caller{Account: g.Account, ARN: g.ARN, UserID: g.UserID, Session: &g.Session}, err
}

// roleNamed finds a role by its ARN; ErrNotTrusted when there is none.
func (a *API) roleNamed(tx *store.Tx, text string) (apiwire.ARN, iam.Role, error) {
	arn, err := apiwire.ParseARN(text)
	if err != nil || arn.Service != "iam" || !strings.HasPrefix(arn.Resource, "role/") {
		return arn, iam.Role{}, ErrNotTrusted
	}
	role, err := a.iam.RoleOf(tx, arn.Account, arn.Resource[strings.LastIndex(arn.Resource, "/")+1:])
	if errors.Is(err, store.ErrNotFound) || err == nil && aws.ToString(role.Arn) != text {
		err = ErrNotTrusted
	}
	return arn, role, err
}

// actions are what a trust policy has to allow for a session with tags or
// without.
func actions(tags map[string]string) []string {
	if len(tags) == 0 {
		return []string{"sts:AssumeRole"}
	}
	return []string{"sts:AssumeRole", "sts:TagSession"}
}

// serviceRequest is what a trust policy sees of a service that acts for a
// resource.
func serviceRequest(s ServiceSession, action string) request {
	r := request{action: action, service: s.Service, keys: map[string][]string{
		"sts:rolesessionname": {s.SessionName}, "aws:principalservicename": {s.Service}, "aws:principalisawsservice": {"true"},
	}}
	if arn, err := apiwire.ParseARN(s.Source); err == nil {
		r.keys["aws:sourcearn"], r.keys["aws:sourceaccount"] = []string{s.Source}, []string{arn.Account}
	}
	tagged(r.keys, s.Tags)
	return r
}

// tagged adds the condition keys of a session's tags.
func tagged(keys map[string][]string, tags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		keys["aws:requesttag/"+strings.ToLower(key)] = []string{tags[key]}
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], key)
		keys["sts:transitivetagkeys"] = append(keys["sts:transitivetagkeys"], key)
	}
}
