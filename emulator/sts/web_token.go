package sts

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

// This file reads and verifies the tokens that clusters give to service
// accounts: JSON Web Tokens (RFC 7519) that are signed with RS256, which is
// all that EKS's issuers sign with. What follows from one is in
// web_identity.go.
//
// Decision: the standard library, not go-jose: one algorithm and one kind of
// key are less code than choosing what of a library is to be allowed.

// webToken is a token, of which nothing is believed before verify.
type webToken struct {
	Issuer    string
	Subject   string
	Audiences list[string]
	Expires   time.Time
	NotBefore time.Time

	algorithm, key string
	signed         []byte // what the signature is of
	signature      []byte
}

var errNoToken = errors.New("no JSON Web Token")

// parseWebToken reads a token. The error only says that it is none.
func parseWebToken(text string) (webToken, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return webToken{}, errNoToken
	}
	var header struct {
		Algorithm string `json:"alg"`
		Key       string `json:"kid"`
	}
	var claims struct {
		Issuer    string       `json:"iss"`
		Subject   string       `json:"sub"`
		Audiences list[string] `json:"aud"`
		Expires   float64      `json:"exp"`
		NotBefore float64      `json:"nbf"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || decodePart(parts[0], &header) != nil || decodePart(parts[1], &claims) != nil || claims.Issuer == "" {
		return webToken{}, errNoToken
	}
	return webToken{
		Issuer: claims.Issuer, Subject: claims.Subject, Audiences: claims.Audiences,
		Expires: numericDate(claims.Expires), NotBefore: numericDate(claims.NotBefore),
		algorithm: header.Algorithm, key: header.Key, signed: []byte(parts[0] + "." + parts[1]), signature: signature,
	}, nil
}

func decodePart(part string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// numericDate is a NumericDate of RFC 7519, in whole seconds.
func numericDate(seconds float64) time.Time {
	return time.Unix(int64(math.Max(0, math.Min(seconds, math.MaxUint32))), 0)
}

var (
	errKeyUnknown   = errors.New("no key of the issuer has the token's key id")
	errSignatureBad = errors.New("the signature is not the issuer's")
)

// verify makes sure that one of an issuer's keys, a JWKS (RFC 7517), has
// signed the token. errKeyUnknown: the token names none of them.
func (t *webToken) verify(jwks []byte) error {
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
		return errSignatureBad
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
			return errSignatureBad
		}
		return nil
	}
	return errKeyUnknown
}

// audience is the token's first audience that is one of the client ids.
func (t *webToken) audience(clientIDs []string) (string, bool) {
	for _, a := range t.Audiences {
		if slices.Contains(clientIDs, a) {
			return a, true
		}
	}
	return "", false
}
