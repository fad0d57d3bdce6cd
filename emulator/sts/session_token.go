package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

const (
	userSession = 12 * time.Hour // of GetSessionToken when nobody says
	rootSession = time.Hour      // at most, for an account's root user
)

// GetSessionToken issues credentials of the calling user.
func (a *API) GetSessionToken(ctx context.Context, in *sts.GetSessionTokenInput) (*sts.GetSessionTokenOutput, error) {
	if in.SerialNumber != nil || in.TokenCode != nil {
		return nil, noMFA()
	}
	if aws.ToInt32(in.MinimumSessionTokenSize) > maxToken {
		return nil, invalid("MinimumSessionTokenSize must not exceed %d", maxToken)
	}
	out := &sts.GetSessionTokenOutput{}
	err := a.update(ctx, func(tx *store.Tx, c apiwire.Call) error {
		by, err := a.caller(tx, c)
		if err != nil {
			return err
		}
		if by.Session != nil {
			return denied("Cannot call GetSessionToken with session credentials")
		}
		d := userSession
		if in.DurationSeconds != nil {
			d = time.Duration(*in.DurationSeconds) * time.Second
		}
		if strings.HasSuffix(by.ARN, ":root") {
			d = min(d, rootSession)
		}
		made, err := a.Issue(tx, Grant{
			Session:  Session{Account: by.Account, ARN: by.ARN, UserID: by.UserID},
			Duration: d, MinToken: int(aws.ToInt32(in.MinimumSessionTokenSize)),
		})
		if err != nil {
			return err
		}
		out.Credentials = &made
		out.SessionTokenSize, out.SessionTokenUtilization = tokenSize(made)
		return nil
	})
	return out, err
}

// AssumeRoleWithWebIdentity refuses every token, for the reason that AWS would
// give: no provider is known for its issuer, or that provider's keys cannot be
// had.
func (a *API) AssumeRoleWithWebIdentity(ctx context.Context, in *sts.AssumeRoleWithWebIdentityInput) (*sts.AssumeRoleWithWebIdentityOutput, error) {
	role, err := apiwire.ParseARN(aws.ToString(in.RoleArn))
	if err != nil || role.Service != "iam" || !strings.HasPrefix(role.Resource, "role/") {
		return nil, invalid("Request ARN is invalid")
	}
	issuer, ok := issuerOf(aws.ToString(in.WebIdentityToken))
	if !ok {
		return nil, badToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	known := false
	err = a.store.View(ctx, func(tx *store.Tx) (err error) {
		known, err = a.iam.HasProvider(tx, role.Account, strings.TrimPrefix(issuer, "https://"))
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case known:
		return nil, badToken("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	}
	return nil, badToken("No OpenIDConnect provider found in your account for " + issuer)
}

func badToken(message string) error {
	return &types.InvalidIdentityTokenException{Message: &message}
}

// issuerOf reads the issuer of a JWT, believing nothing of it.
func issuerOf(token string) (string, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	err = json.Unmarshal(raw, &claims)
	return claims.Issuer, err == nil && claims.Issuer != ""
}

// DecodeAuthorizationMessage refuses every message: none is encoded here, so
// that none can be genuine.
func (a *API) DecodeAuthorizationMessage(context.Context, *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	return nil, &types.InvalidAuthorizationMessageException{Message: aws.String("Message is not valid")}
}
