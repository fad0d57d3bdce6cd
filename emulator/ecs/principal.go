package ecs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/neargate/neargate/apiwire"
)

// This file says who calls, and under whose account settings.

// callerARN is the identity that signed the call that ctx carries.
func (a *API) callerARN(ctx context.Context) (string, error) {
	if a.callers == nil {
		return rootARN(apiwire.CallFrom(ctx)), nil
	}
	return a.callers.CallerARN(ctx)
}

// rootARN is the account's root user.
func rootARN(call apiwire.Call) string {
	return apiwire.ARN{Partition: call.Partition, Service: "iam", Account: call.Account, Resource: "root"}.String()
}

// principalOf is the principal that a request means. It has to be of the
// caller's own account.
func (a *API) principalOf(ctx context.Context, arn *string) (string, error) {
	if aws.ToString(arn) == "" {
		return a.callingPrincipal(ctx)
	}
	call := apiwire.CallFrom(ctx)
	p, err := apiwire.ParseARN(*arn)
	if err != nil || p.Service != "iam" || !isPrincipal(p.Resource) {
		return "", invalid("Invalid principal ARN: %s", *arn)
	}
	if p.Account != call.Account {
		return "", invalid("The principal %s is not of the account %s.", *arn, call.Account)
	}
	return *arn, nil
}

// callingPrincipal is the principal whose settings a call is under. Sessions of
// a role have the role's; other federated callers have the root user's.
func (a *API) callingPrincipal(ctx context.Context) (string, error) {
	caller, err := a.callerARN(ctx)
	if err != nil {
		return "", err
	}
	arn, err := apiwire.ParseARN(caller)
	if err != nil {
		return "", err
	}
	if arn.Service == "iam" {
		return caller, nil
	}
	if session, ok := strings.CutPrefix(arn.Resource, "assumed-role/"); ok {
		role, _, _ := strings.Cut(session, "/")
		arn.Service, arn.Resource = "iam", "role/"+role
		return arn.String(), nil
	}
	return rootARN(apiwire.CallFrom(ctx)), nil
}

func isPrincipal(resource string) bool {
	return resource == "root" || strings.HasPrefix(resource, "user/") || strings.HasPrefix(resource, "role/")
}
