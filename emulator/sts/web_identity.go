package sts

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/webtoken"
)

// This file gives roles to whoever has a token of an OpenID Connect issuer,
// above all to pods (IAM roles for service accounts).

// AssumeRoleWithWebIdentity issues credentials of a role whose trust policy
// lets the token's subject in. The role's account must have an OpenID Connect
// provider for the token's issuer. The request need not be signed.
func (a *API) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	role, err := roleARN(in)
	if err != nil {
		return nil, err
	}
	token, err := webtoken.Parse(aws.ToString(in.WebIdentityToken))
	if err != nil {
		return nil, badToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	audience, err := a.believe(ctx, role.Account, &token)
	if err != nil {
		return nil, err
	}
	provider := apiwire.ARN{Partition: role.Partition, Service: "iam", Account: role.Account, Resource: "oidc-provider/" + bare(token.Issuer)}
	out := &sts.AssumeRoleWithWebIdentityOutput{
		SubjectFromWebIdentityToken: &token.Subject, Audience: &audience, Provider: aws.String(provider.String()),
	}
	err = a.update(ctx, func(tx *store.Tx, _ apiwire.Call) error {
		assumed, err := a.roleOfToken(tx, role, in, request{
			action: "sts:AssumeRoleWithWebIdentity", issuer: provider.String(), keys: claimsSeen(&token, audience, provider.String(), in),
		})
		if err != nil {
			return err
		}
		d, err := durationOf(assumed, in.DurationSeconds)
		if err != nil {
			return err
		}
		g := ForRole(role.Partition, role.Account, *assumed.Arn, *assumed.RoleName, *assumed.RoleId, *in.RoleSessionName, d)
		g.MinToken = int(aws.ToInt32(in.MinimumSessionTokenSize))
		made, err := a.Issue(tx, g)
		if err != nil {
			return err
		}
		out.Credentials = &made
		out.AssumedRoleUser = &types.AssumedRoleUser{Arn: &g.ARN, AssumedRoleId: &g.UserID}
		out.SessionTokenSize, out.SessionTokenUtilization = tokenSize(made)
		if packed := packedSize(in.Policy, in.PolicyArns, nil); packed > 0 {
			out.PackedPolicySize = &packed
		}
		return nil
	})
	return out, err
}

// roleARN checks what the wire's own rules do not, and reads the role's name.
func roleARN(in *sts.AssumeRoleWithWebIdentityInput) (apiwire.ARN, error) {
	role, err := apiwire.ParseARN(aws.ToString(in.RoleArn))
	switch {
	case err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/"):
		return role, invalid("Request ARN is invalid")
	case in.ProviderId != nil:
		return role, invalid("ProviderId is for OAuth 2.0 access tokens, which Neargate's STS does not take.")
	case aws.ToInt32(in.MinimumSessionTokenSize) > maxToken:
		return role, invalid("MinimumSessionTokenSize must not exceed %d", maxToken)
	}
	return role, checkPolicies(in.Policy, in.PolicyArns)
}

// believe makes sure that a token is what an account's provider has given and
// good at the moment, and returns the audience that it is for. Nothing is
// reached out for: keys are known of issuers that are ours alone.
func (a *API) believe(ctx context.Context, account string, t *webtoken.Token) (audience string, err error) {
	var clientIDs []string
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		clientIDs, err = a.iam.ProviderClients(tx, account, bare(t.Issuer))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return "", badToken("No OpenIDConnect provider found in your account for " + t.Issuer)
	}
	if err != nil {
		return "", err
	}
	keys, err := a.keysOf(ctx, t.Issuer)
	if err == nil {
		err = t.Verify(keys)
	}
	switch {
	case errors.Is(err, webtoken.ErrSignatureBad):
		return "", badToken("The ID Token provided is not signed by its issuer.")
	case err != nil:
		return "", &keysError{err}
	}
	return checkClaims(t, clientIDs, time.Now())
}

func (a *API) keysOf(ctx context.Context, issuer string) ([]byte, error) {
	if a.keys == nil {
		return nil, fmt.Errorf("keys of %s: %w", issuer, store.ErrNotFound)
	}
	return a.keys(ctx, issuer)
}

// checkClaims looks at when and for whom a token is good. The words of a token
// that is not good yet are ours.
func checkClaims(t *webtoken.Token, clientIDs []string, now time.Time) (audience string, err error) {
	if !now.Before(t.Expires) {
		return "", &types.ExpiredTokenException{Message: aws.String(fmt.Sprintf(
			"Token expired: current date/time %d must be before the expiration date/time%d", now.Unix(), t.Expires.Unix()))}
	}
	if now.Before(t.NotBefore) {
		return "", badToken(fmt.Sprintf("Token not valid yet: current date/time %d must not be before the date/time %d", now.Unix(), t.NotBefore.Unix()))
	}
	audience, ok := t.Audience(clientIDs)
	if !ok {
		return "", badToken("Incorrect token audience")
	}
	return audience, nil
}

// roleOfToken finds the role and asks its trust policy. A role that does not
// exist and one that does not trust the token are the same, as in AWS.
func (a *API) roleOfToken(tx *store.Tx, arn apiwire.ARN, in *sts.AssumeRoleWithWebIdentityInput, r request) (iam.Role, error) {
	refused := denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
	role, err := a.iam.RoleOf(tx, arn.Account, arn.Resource[strings.LastIndex(arn.Resource, "/")+1:])
	if errors.Is(err, store.ErrNotFound) || err == nil && aws.ToString(role.Arn) != *in.RoleArn {
		return iam.Role{}, refused
	}
	if err != nil {
		return iam.Role{}, err
	}
	ok, err := trusts(aws.ToString(role.AssumeRolePolicyDocument), r)
	if err == nil && !ok {
		err = refused
	}
	return role, err
}

// claimsSeen is what a trust policy's conditions see: the token's claims under the
// issuer's name, "oidc.eks.us-east-1.amazonaws.com/id/…:sub".
func claimsSeen(t *webtoken.Token, audience, provider string, in *sts.AssumeRoleWithWebIdentityInput) map[string][]string {
	issuer := strings.ToLower(bare(t.Issuer))
	return map[string][]string{
		issuer + ":sub": {t.Subject}, issuer + ":aud": {audience},
		"aws:federatedprovider": {provider}, "sts:rolesessionname": {*in.RoleSessionName},
	}
}

// bare is an issuer without its scheme, as IAM names it.
func bare(issuer string) string { return strings.TrimPrefix(issuer, "https://") }

func badToken(message string) error {
	return &types.InvalidIdentityTokenException{Message: &message}
}

// keysError is AWS's answer when the keys of an issuer cannot be had, with the
// cause for whoever reads the log. SDKs try such a call again.
type keysError struct{ cause error }

const textNoKeys = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"

func (e *keysError) Error() string { return textNoKeys + ": " + e.cause.Error() }

// As makes it the SDK's error.
func (e *keysError) As(target any) bool { return errors.As(badToken(textNoKeys), target) }

func (e *keysError) Unwrap() error { return e.cause }
