package iam

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/neargate/neargate/emulator/store"
)

// accountAlias is the other name of an account; it has one at most.
type accountAlias struct{ Account, Alias string }

// accountAliases are keyed by the account; aliases are unique in all of AWS.
var accountAliases = store.NewTable("iam/account-alias", store.By("alias", func(_ string, a *accountAlias) []string { return []string{a.Alias} }))

// CreateAccountAlias gives the account another name, in place of the one it
// has.
func (a *API) CreateAccountAlias(ctx context.Context, in *iam.CreateAccountAliasInput) (*iam.CreateAccountAliasOutput, error) {
	return &iam.CreateAccountAliasOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		n, err := accountAliases.Count(tx, "alias", *in.AccountAlias)
		if err != nil {
			return err
		}
		if n > 0 {
			return exists("The account alias %s already exists.", *in.AccountAlias)
		}
		return accountAliases.Put(tx, h.account, &accountAlias{Account: h.account, Alias: *in.AccountAlias})
	})
}

// ListAccountAliases lists the account's other name, if it has one.
func (a *API) ListAccountAliases(ctx context.Context, _ *iam.ListAccountAliasesInput) (*iam.ListAccountAliasesOutput, error) {
	out := &iam.ListAccountAliasesOutput{AccountAliases: []string{}}
	err := a.view(ctx, func(tx *store.Tx, h home) error {
		r, err := accountAliases.Get(tx, h.account)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		out.AccountAliases = append(out.AccountAliases, r.Value.Alias)
		return err
	})
	return out, err
}

// DeleteAccountAlias takes the account's other name away.
func (a *API) DeleteAccountAlias(ctx context.Context, in *iam.DeleteAccountAliasInput) (*iam.DeleteAccountAliasOutput, error) {
	return &iam.DeleteAccountAliasOutput{}, a.update(ctx, func(tx *store.Tx, h home) error {
		r, err := accountAliases.Get(tx, h.account)
		if errors.Is(err, store.ErrNotFound) || err == nil && r.Value.Alias != *in.AccountAlias {
			return noSuch("The account alias with name %s cannot be found.", *in.AccountAlias)
		}
		if err != nil {
			return err
		}
		return accountAliases.Delete(tx, h.account)
	})
}
