package sts

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// Caller is who asks.
type Caller struct {
	Account string
	ARN     string
	UserID  string
	Session *Session // nil for long-term keys
}

// GetCallerIdentity tells who the caller is.
func (a *API) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	c, err := a.CallerOf(ctx)
	if err != nil {
		return nil, err
	}
	return &sts.GetCallerIdentityOutput{Account: &c.Account, Arn: &c.ARN, UserId: &c.UserID}, nil
}

// CallerOf finds out who makes the call that ctx carries. Its errors are AWS's:
// an expired token, a session that does not exist, an unsigned request.
func (a *API) CallerOf(ctx context.Context) (Caller, error) {
	var found Caller
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		found, err = a.caller(tx, apiwire.CallFrom(ctx))
		return err
	})
	return found, err
}

func (a *API) caller(tx *store.Tx, c apiwire.Call) (Caller, error) {
	switch {
	case c.AccessKey == "":
		return Caller{}, &Error{Code: "MissingAuthenticationToken", Message: "Request is missing Authentication Token", Status: http.StatusForbidden}
	case isAccount(c.AccessKey):
		return Caller{Account: c.AccessKey, ARN: "arn:" + c.Partition + ":iam::" + c.AccessKey + ":root", UserID: c.AccessKey}, nil
	}
	s, err := session(tx, c.AccessKey)
	switch {
	case err == nil && tx.Now().After(s.Expires):
		return Caller{}, &Error{Code: "ExpiredToken", Message: "The security token included in the request is expired", Status: http.StatusForbidden}
	case err == nil:
		return Caller{Account: s.Account, ARN: s.ARN, UserID: s.UserID, Session: &s}, nil
	case !errors.Is(err, store.ErrNotFound):
		return Caller{}, err
	}
	u, err := a.iam.UserOf(tx, c.Partition, c.Account, c.AccessKey)
	if err != nil {
		return Caller{}, err
	}
	arn, err := apiwire.ParseARN(aws.ToString(u.Arn))
	return Caller{Account: arn.Account, ARN: aws.ToString(u.Arn), UserID: aws.ToString(u.UserId)}, err
}

// GetAccessKeyInfo tells the account of an access key.
func (a *API) GetAccessKeyInfo(ctx context.Context, in *sts.GetAccessKeyInfoInput) (*sts.GetAccessKeyInfoOutput, error) {
	account := a.account
	if known, ok := a.AccountOf(ctx, aws.ToString(in.AccessKeyId)); ok {
		account = known
	}
	return &sts.GetAccessKeyInfoOutput{Account: &account}, nil
}
