package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/neargate/neargate/emulator/store"
)

// replay remembers what a request with a client token has made.
type replay struct {
	ID   string // of the resource
	Hash string // of the request
}

// replays are keyed by scope, operation and token.
var replays = store.NewTable[replay]("ec2/client-token")

// once makes a resource unless a request with the same token has made it
// before. Another request with the same token is refused.
func (r *resource[T]) once(tx *store.Tx, p place, operation string, token *string, in any, make func() (*T, error)) (*T, error) {
	if aws.ToString(token) == "" {
		return make()
	}
	hash, err := hashOf(in)
	if err != nil {
		return nil, err
	}
	key := p.scope() + "/" + operation + "/" + *token
	old, err := replays.Get(tx, key)
	switch {
	case err == nil && old.Value.Hash != hash:
		return nil, fail("IdempotentParameterMismatch", "The client token you have provided is associated with a resource that was created with different parameters.")
	case err == nil:
		return r.get(tx, p, old.Value.ID)
	case !errors.Is(err, store.ErrNotFound):
		return nil, err
	}
	v, err := make()
	if err != nil {
		return nil, err
	}
	return v, replays.Put(tx, key, &replay{ID: *r.id(v), Hash: hash})
}

func hashOf(in any) (string, error) {
	raw, err := json.Marshal(in)
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), err
}
