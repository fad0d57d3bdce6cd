package apiwire

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// This file checks AWS Signature Version 4. What is signed, byte for byte, is
// canonical.go's business; who signed, unbelieved, is scope.go's. Codes and
// sentences are those of the JSON services; the query protocols put them into
// their own words when they fail.

// Keys knows the secrets of access keys.
type Keys interface {
	// Secret returns the secret access key; false when there is no such key.
	Secret(ctx context.Context, accessKeyID string) (secret string, ok bool)
}

// SessionKeys are [Keys] that also know the tokens of temporary keys. Token
// returns "" for a key that needs none.
type SessionKeys interface {
	Keys
	Token(ctx context.Context, accessKeyID string) string
}

const (
	clockSkew       = 5 * time.Minute
	longestPresign  = 7 * 24 * time.Hour
	defaultPresign  = 15 * time.Minute // of presigned STS requests that do not say, or say 0
	amzTime         = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
)

const (
	codeMissingToken        = "MissingAuthenticationTokenException"
	codeBadSignature        = "InvalidSignatureException"
	codeUnknownClient       = "UnrecognizedClientException"
	codeIncompleteSignature = "IncompleteSignatureException"
	codeRequestExpired      = "RequestExpired"
)

// Verify returns a check of a request's signature, in the Authorization header
// or in the query: that the key exists, that its secret signed this method,
// path, query, body and all headers it names, and that it did so within five
// minutes, or for a presigned request within X-Amz-Expires. The second
// argument of the check is the request's whole body. Its errors are
// [Failure]s. STS's two operations that trade a foreign token for keys
// pass unsigned, as in AWS.
func Verify(keys Keys, now func() time.Time) func(*http.Request, []byte) error {
	return func(r *http.Request, body []byte) error {
		s, err := signatureOf(r)
		if err != nil {
			if f, ok := err.(*Failure); ok && f.Code == codeMissingToken && passesUnsigned(r, body) {
				return nil
			}
			return err
		}
		if err := s.onTime(now()); err != nil {
			return err
		}
		hash, ok := payloadHash(s.declaredHash(r), body)
		if !ok {
			return s.mismatch()
		}
		return s.check(r.Context(), keys, signedRequest{
			method: r.Method, url: r.URL, host: r.Host, header: r.Header, length: r.ContentLength, payload: hash,
		})
	}
}

// passesUnsigned tells the operations that are for callers who have no keys
// yet. It looks at everything that could send the request to another service.
func passesUnsigned(r *http.Request, body []byte) bool {
	if strings.Trim(r.URL.Path, "/") != "" || r.Header.Get("X-Amz-Target") != "" {
		return false
	}
	switch formAction(&request{Request: r, body: body}) {
	case "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML":
		return true
	}
	return false
}

// Presigned is what a presigned URL says, once its signature is found genuine.
type Presigned struct {
	AccessKey, Region, Service string
	Signed                     time.Time
	Expires                    time.Duration // 15 minutes when the URL does not say
	Headers                    []string      // names of the signed headers, in lower case
}

// Expired tells whether the URL is past its time, or from the future by more
// than five minutes.
func (p Presigned) Expired(now time.Time) bool {
	return now.After(p.Signed.Add(p.Expires)) || p.Signed.After(now.Add(clockSkew))
}

// VerifyPresigned checks the signature of a presigned GET without a body that
// is not being served but handed about, such as the URL in an EKS token.
// Header has the signed headers besides the host, which is u's. It does not
// look at the time: see [Presigned.Expired]. Its errors are [Failure]s.
func VerifyPresigned(ctx context.Context, u *url.URL, header http.Header, keys Keys) (Presigned, error) {
	s, err := presignedSignature(u.Query())
	if err != nil {
		return Presigned{}, err
	}
	hash, _ := payloadHash("", nil)
	err = s.check(ctx, keys, signedRequest{method: http.MethodGet, url: u, host: u.Host, header: header, payload: hash})
	if err != nil {
		return Presigned{}, err
	}
	return Presigned{
		AccessKey: s.accessKey, Region: s.region, Service: s.service,
		Signed: s.at, Expires: s.expires, Headers: s.headers,
	}, nil
}

// onTime checks the clock.
func (s signature) onTime(now time.Time) error {
	now = now.UTC().Truncate(time.Second)
	if s.at.After(now.Add(clockSkew)) {
		return s.denied(codeBadSignature, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			s.at.Format(amzTime), now.Add(clockSkew).Format(amzTime), now.Format(amzTime)))
	}
	if s.presigned {
		if now.After(s.at.Add(s.expires)) {
			return s.denied(codeRequestExpired, "Request has expired.")
		}
		return nil
	}
	if earliest := now.Add(-clockSkew); s.at.Before(earliest) {
		return s.denied(codeBadSignature, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			s.at.Format(amzTime), earliest.Format(amzTime), now.Format(amzTime)))
	}
	return nil
}

// check compares the signature with the one that the key's secret gives.
func (s signature) check(ctx context.Context, keys Keys, r signedRequest) error {
	if day := s.at.Format("20060102"); day != s.date {
		return s.denied(codeBadSignature, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.date, day, s.at.Format(amzTime)))
	}
	if !slices.Contains(s.headers, "host") {
		return s.denied(codeBadSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if r.header.Get("X-Amz-Target") != "" && !slices.Contains(s.headers, "x-amz-target") {
		return s.mismatch()
	}
	secret, ok := keys.Secret(ctx, s.accessKey)
	if !ok || !s.tokenFits(ctx, keys) {
		return s.denied(codeUnknownClient, "The security token included in the request is invalid.")
	}
	key := s.signingKey(secret)
	for _, path := range canonicalPaths(r.url) {
		if subtle.ConstantTimeCompare([]byte(s.sign(key, r.canonical(path, s.headers))), []byte(s.signature)) == 1 {
			return nil
		}
	}
	return s.mismatch()
}

// tokenFits checks the session token where the keys know of such.
func (s signature) tokenFits(ctx context.Context, keys Keys) bool {
	sessions, ok := keys.(SessionKeys)
	return !ok || subtle.ConstantTimeCompare([]byte(sessions.Token(ctx, s.accessKey)), []byte(s.token)) == 1
}

// declaredHash is what the client says its body hashes to, "" when it does
// not say.
func (s signature) declaredHash(r *http.Request) string {
	if s.presigned {
		if h := r.URL.Query().Get("X-Amz-Content-Sha256"); h != "" {
			return h
		}
	}
	return r.Header.Get("X-Amz-Content-Sha256")
}

// payloadHash returns the hash that goes into the signature, and false when
// the body is not the one that the client declared.
func payloadHash(declared string, body []byte) (string, bool) {
	sum := sha256.Sum256(body)
	actual := hex.EncodeToString(sum[:])
	switch declared {
	case "":
		return actual, true
	case unsignedPayload:
		return declared, true
	}
	return declared, strings.EqualFold(declared, actual)
}

func (s signature) mismatch() *Failure {
	return s.denied(codeBadSignature, "The request signature we calculated does not match the signature you provided. "+
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}

// denied answers 400, as the JSON services do, or 403, as EKS's REST does.
func (s signature) denied(code, message string) *Failure {
	status := http.StatusBadRequest
	if s.service == "eks" {
		status = http.StatusForbidden
	}
	return denied(status, code, message)
}

func incomplete(message string) *Failure {
	return denied(http.StatusBadRequest, codeIncompleteSignature, message)
}

func denied(status int, code, message string) *Failure {
	return &Failure{Code: code, Message: message, Status: status}
}
