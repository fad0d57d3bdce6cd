package sts

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/emulator/store"
)

// This file is temporary credentials as records: issuing, finding and
// forgetting them.

// Session is what stands behind temporary credentials.
type Session struct {
	Account        string
	ARN            string // of the caller, as GetCallerIdentity answers it
	UserID         string
	Role           string // ARN of the role; "" for GetSessionToken
	Secret, Token  string
	Expires        time.Time
	SourceIdentity string
	Tags           map[string]string
	Transitive     []string // keys of tags that go on to roles assumed from here
}

// sessions are keyed by access key id.
var sessions = store.NewTable[Session]("sts/session")

// Grant is what temporary credentials are issued for.
type Grant struct {
	Session
	Duration time.Duration
	MinToken int // least length of the token in bytes
}

// ForRole is the grant of a role to a session of it. RoleID is the role's
// unique id (AROA…).
func ForRole(partition, account, roleARN, roleName, roleID, session string, d time.Duration) Grant {
	return Grant{
		Session: Session{
			Account: account, Role: roleARN, UserID: roleID + ":" + session,
			ARN: "arn:" + partition + ":sts::" + account + ":assumed-role/" + roleName + "/" + session,
		},
		Duration: d,
	}
}

// Issue makes temporary credentials; the services that give tasks and pods
// their roles use it inside their own transactions.
func (a *API) Issue(tx *store.Tx, g Grant) (types.Credentials, error) {
	if err := sweep(tx); err != nil {
		return types.Credentials{}, err
	}
	s := g.Session
	s.Expires = tx.Now().Add(g.Duration).Truncate(time.Second)
	s.Secret, s.Token = randomText(30), randomText(max(tokenBytes, (g.MinToken*3+3)/4))
	id := accessKeyID("ASIA", s.Account)
	err := sessions.Insert(tx, id, &s)
	for errors.Is(err, store.ErrExists) {
		id = accessKeyID("ASIA", s.Account)
		err = sessions.Insert(tx, id, &s)
	}
	if err != nil {
		return types.Credentials{}, err
	}
	return types.Credentials{AccessKeyId: &id, SecretAccessKey: &s.Secret, SessionToken: &s.Token, Expiration: &s.Expires}, nil
}

const (
	tokenBytes = 267  // random bytes of a token: 356 characters
	maxToken   = 4096 // characters
)

func randomText(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// accessKeyID makes the id of an access key. As in AWS's, the account is in
// it, in base 32.
func accessKeyID(prefix, account string) string {
	n, err := strconv.ParseUint(account, 10, 64)
	if err != nil {
		n = 0
	}
	var b [10]byte
	rand.Read(b[:])
	rest := binary.BigEndian.Uint64(b[:8]) & (1<<23 - 1)
	binary.BigEndian.PutUint64(b[:8], (n|1<<40)<<23|rest)
	return prefix + base32.StdEncoding.EncodeToString(b[:])
}

// session finds the session of an access key; store.ErrNotFound when there is
// none, or none that is still known.
func session(tx *store.Tx, accessKeyID string) (Session, error) {
	r, err := sessions.Get(tx, accessKeyID)
	return r.Value, err
}

// sweeping remembers when expired sessions were deleted last.
type sweeping struct{ At time.Time }

var sweepings = store.NewTable[sweeping]("sts/sweeping")

// sweep deletes sessions that expired, once an hour.
func sweep(tx *store.Tx) error {
	last, err := sweepings.Get(tx, "last")
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if tx.Now().Sub(last.Value.At) < time.Hour {
		return nil
	}
	var expired []string
	for r, err := range sessions.All(tx, store.Range{}) {
		if err != nil {
			return err
		}
		if tx.Now().After(r.Value.Expires) {
			expired = append(expired, r.Key)
		}
	}
	for _, id := range expired {
		if err := sessions.Delete(tx, id); err != nil {
			return err
		}
	}
	return sweepings.Put(tx, "last", &sweeping{At: tx.Now()})
}

// Secret returns the secret of an access key: of a session that has not
// expired, of IAM's active keys, of the static ones. With [API.Token] it makes
// an API the keys that apiwire.Verify checks signatures with.
func (a *API) Secret(ctx context.Context, accessKeyID string) (string, bool) {
	secret := ""
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		secret, err = a.secret(tx, accessKeyID)
		return err
	})
	return secret, err == nil
}

func (a *API) secret(tx *store.Tx, id string) (string, error) {
	s, err := session(tx, id)
	if err == nil && tx.Now().After(s.Expires) {
		return "", store.ErrNotFound
	}
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return s.Secret, err
	}
	if a.iam != nil {
		_, key, err := a.iam.AccessKey(tx, id)
		if err == nil && key.Status != "Active" {
			return "", store.ErrNotFound
		}
		if err == nil || !errors.Is(err, store.ErrNotFound) {
			return aws.ToString(key.SecretAccessKey), err
		}
	}
	return a.staticSecret(id)
}

func (a *API) staticSecret(id string) (string, error) {
	secret, ok := a.static[id]
	if a.static == nil && (id == "test" || isAccount(id)) {
		secret, ok = "test", true
	}
	if !ok {
		return "", store.ErrNotFound
	}
	return secret, nil
}

// Token returns the token that goes with an access key, "" for a key that
// needs none.
func (a *API) Token(ctx context.Context, accessKeyID string) string {
	token := ""
	err := a.store.View(ctx, func(tx *store.Tx) error {
		s, err := session(tx, accessKeyID)
		token = s.Token
		return err
	})
	if err != nil {
		return ""
	}
	return token
}

// AccountOf returns the account that an access key belongs to, where it is a
// session's, IAM's or an account's own; false otherwise.
func (a *API) AccountOf(ctx context.Context, accessKeyID string) (string, bool) {
	account := ""
	err := a.store.View(ctx, func(tx *store.Tx) (err error) {
		account, err = a.accountOf(tx, accessKeyID)
		return err
	})
	return account, err == nil
}

func (a *API) accountOf(tx *store.Tx, id string) (string, error) {
	if isAccount(id) {
		return id, nil
	}
	s, err := session(tx, id)
	if err == nil || !errors.Is(err, store.ErrNotFound) || a.iam == nil {
		return s.Account, err
	}
	account, _, err := a.iam.AccessKey(tx, id)
	return account, err
}

// isAccount tells whether an access key is an account id: that account's root
// user.
func isAccount(key string) bool {
	_, err := strconv.ParseUint(key, 10, 64)
	return len(key) == 12 && err == nil
}
