package eks

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// This file makes requests idempotent by their clientRequestToken: what a
// request made remembers the token and a hash of all that was asked.

// asked is the mark that a request leaves on what it makes; the zero value is
// that of a request without a token.
type asked struct {
	Token string `json:",omitempty"`
	Hash  string `json:",omitempty"` // SHA-256 of the request
}

// askedBy makes the mark of a request.
func askedBy(token *string, in any) (asked, error) {
	if aws.ToString(token) == "" {
		return asked{}, nil
	}
	body, err := json.Marshal(in)
	if err != nil {
		return asked{}, err
	}
	sum := sha256.Sum256(body)
	return asked{Token: *token, Hash: hex.EncodeToString(sum[:])}, nil
}

// again tells whether the request that left mark is the one that made a: a
// repetition, to be answered as the first was.
func (a asked) again(mark asked) bool { return mark.Token != "" && a == mark }
