package apiwire

import (
	"net/http"
	"net/url"
	"strings"
)

// This file reads who signed a request, without believing it; whether the
// signature is genuine is signature.go's question.

const (
	algorithmV4  = "AWS4-HMAC-SHA256"
	algorithmV4A = "AWS4-ECDSA-P256-SHA256"
	terminator   = "aws4_request"
)

// Scope reads the access key and the credential scope that a request is signed
// for, from its Authorization header or, when it is presigned, from its query.
// It does not check the signature: see [Verify]. It returns false when the
// request is not signed in AWS's way. A request signed for a set of regions
// (SigV4a) has the first region of its X-Amz-Region-Set.
func Scope(r *http.Request) (accessKey, region, service string, ok bool) {
	if a, ok := parseAuthorization(r.Header.Get("Authorization")); ok {
		c, ok := parseCredential(a.algorithm, a.credential)
		if c.region == "" {
			c.region = firstRegion(r.Header.Get("X-Amz-Region-Set"))
		}
		return c.accessKey, c.region, c.service, ok
	}
	if r.URL == nil || !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return "", "", "", false
	}
	query := r.URL.Query()
	c, ok := parseCredential(query.Get("X-Amz-Algorithm"), query.Get("X-Amz-Credential"))
	if c.region == "" {
		c.region = firstRegion(query.Get("X-Amz-Region-Set"))
	}
	return c.accessKey, c.region, c.service, ok
}

// authorization is an Authorization header taken apart, nothing checked.
type authorization struct {
	algorithm, credential, signedHeaders, signature string
}

// parseAuthorization takes apart "ALGORITHM Credential=…, SignedHeaders=…,
// Signature=…". Clients put commas, blanks or both between the parts. It
// returns false for other kinds of authorization, such as Basic.
func parseAuthorization(header string) (authorization, bool) {
	algorithm, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if algorithm != algorithmV4 && algorithm != algorithmV4A {
		return authorization{}, false
	}
	a := authorization{algorithm: algorithm}
	for part := range strings.FieldsFuncSeq(rest, func(c rune) bool { return c == ',' || c == ' ' || c == '\t' }) {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "Credential":
			a.credential = value
		case "SignedHeaders":
			a.signedHeaders = value
		case "Signature":
			a.signature = value
		}
	}
	return a, true
}

// credential is a credential scope: ACCESSKEY/DATE/REGION/SERVICE/aws4_request,
// in SigV4a without the region.
type credential struct {
	accessKey, date, region, service string
}

// parseCredential reads s from its end, because an access key of an emulator's
// user may hold slashes.
func parseCredential(algorithm, s string) (credential, bool) {
	scope := 4
	if algorithm == algorithmV4A {
		scope = 3
	}
	parts := strings.Split(s, "/")
	if len(parts) <= scope || parts[len(parts)-1] != terminator {
		return credential{}, false
	}
	key, tail := parts[:len(parts)-scope], parts[len(parts)-scope:]
	c := credential{accessKey: strings.Join(key, "/"), date: tail[0], service: tail[scope-2]}
	if scope == 4 {
		c.region = tail[1]
	}
	return c, c.accessKey != "" && c.service != ""
}

func firstRegion(set string) string {
	first, _, _ := strings.Cut(set, ",")
	if first = strings.TrimSpace(first); first == "*" {
		return ""
	}
	return first
}

// isPresigned tells whether the signature of a URL is in its query.
func isPresigned(query url.Values) bool {
	return query.Has("X-Amz-Signature") || query.Has("X-Amz-Algorithm")
}
