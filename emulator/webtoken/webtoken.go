// Package webtoken reads and verifies the tokens that EKS clusters give to
// service accounts: JSON Web Tokens (RFC 7519) that are signed with RS256,
// which is all that EKS's issuers sign with. What follows from one is the
// matter of who was given it.
//
// Decision: the standard library, not go-jose: one algorithm and one kind of
// key are less code than choosing what of a library is to be allowed.
package webtoken

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"
)

// Token is a token, of which nothing is believed before Verify.
type Token struct {
	Issuer    string
	Subject   string
	Audiences []string
	Expires   time.Time
	NotBefore time.Time
	Claims    json.RawMessage // all of them

	algorithm, key string
	signed         []byte // what the signature is of
	signature      []byte
}

// Why a token is none.
var (
	ErrSegments = errors.New("token contains an invalid number of segments")
	ErrIssuer   = errors.New("token has no issuer")
)

// Parse reads a token. The error says why it is none.
func Parse(text string) (Token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return Token{}, ErrSegments
	}
	var header struct {
		Algorithm string `json:"alg"`
		Key       string `json:"kid"`
	}
	if err := decodePart("header", parts[0], &header); err != nil {
		return Token{}, err
	}
	var body json.RawMessage
	if err := decodePart("claim", parts[1], &body); err != nil {
		return Token{}, err
	}
	t := Token{Claims: body, algorithm: header.Algorithm, key: header.Key, signed: []byte(parts[0] + "." + parts[1])}
	var err error
	if t.signature, err = base64.RawURLEncoding.DecodeString(parts[2]); err != nil {
		return Token{}, fmt.Errorf("could not base64 decode signature: %w", err)
	}
	err = t.read()
	return t, err
}

// read reads the claims that every token has.
func (t *Token) read() error {
	var c struct {
		Issuer    string    `json:"iss"`
		Subject   string    `json:"sub"`
		Audiences audiences `json:"aud"`
		Expires   float64   `json:"exp"`
		NotBefore float64   `json:"nbf"`
	}
	if err := json.Unmarshal(t.Claims, &c); err != nil {
		return fmt.Errorf("could not JSON decode claim: %w", err)
	}
	if c.Issuer == "" {
		return ErrIssuer
	}
	t.Issuer, t.Subject, t.Audiences = c.Issuer, c.Subject, c.Audiences
	t.Expires, t.NotBefore = numericDate(c.Expires), numericDate(c.NotBefore)
	return nil
}

// audiences reads a list, or one in its place.
type audiences []string

func (a *audiences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audiences{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

func decodePart(name, part string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return fmt.Errorf("could not base64 decode %s: %w", name, err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("could not JSON decode %s: %w", name, err)
	}
	return nil
}

// numericDate is a NumericDate of RFC 7519, in whole seconds.
func numericDate(seconds float64) time.Time {
	return time.Unix(int64(math.Max(0, math.Min(seconds, math.MaxUint32))), 0)
}

// Why a token is not its issuer's.
var (
	ErrKeyUnknown   = errors.New("no key of the issuer has the token's key id")
	ErrSignatureBad = errors.New("the signature is not the issuer's")
)

// Verify makes sure that one of an issuer's keys, a JWKS (RFC 7517), has
// signed the token. ErrKeyUnknown: the token names none of them.
func (t *Token) Verify(jwks []byte) error {
	var set struct {
		Keys []struct {
			Type     string `json:"kty"`
			ID       string `json:"kid"`
			Modulus  string `json:"n"`
			Exponent string `json:"e"`
		}
	}
	if err := json.Unmarshal(jwks, &set); err != nil {
		return fmt.Errorf("keys of %s: %w", t.Issuer, err)
	}
	if t.algorithm != "RS256" {
		return ErrSignatureBad
	}
	for _, k := range set.Keys {
		if k.Type != "RSA" || k.ID != t.key {
			continue
		}
		n, errN := base64.RawURLEncoding.DecodeString(k.Modulus)
		e, errE := base64.RawURLEncoding.DecodeString(k.Exponent)
		if err := errors.Join(errN, errE); err != nil {
			return fmt.Errorf("key %s of %s: %w", k.ID, t.Issuer, err)
		}
		public := &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}
		sum := sha256.Sum256(t.signed)
		if rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], t.signature) != nil {
			return ErrSignatureBad
		}
		return nil
	}
	return ErrKeyUnknown
}

// Audience is the token's first audience that is one of the client ids.
func (t *Token) Audience(clientIDs []string) (string, bool) {
	for _, a := range t.Audiences {
		if slices.Contains(clientIDs, a) {
			return a, true
		}
	}
	return "", false
}
