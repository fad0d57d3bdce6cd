package sts

import (
	"context"
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

// DecodeAuthorizationMessage refuses every message: none is encoded here, so
// that none can be genuine.
func (a *API) DecodeAuthorizationMessage(context.Context, *sts.DecodeAuthorizationMessageInput) (*sts.DecodeAuthorizationMessageOutput, error) {
	return nil, &types.InvalidAuthorizationMessageException{Message: aws.String("Message is not valid")}
}
