package apiwire

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// This file writes a request in the canonical form of Signature Version 4 and
// computes signatures. It does so itself, and not with the SDK's signer, because a
// verifier must sign exactly the headers that the client named, and the path
// and query exactly as they were sent.

// signedRequest is what a signature covers.
type signedRequest struct {
	method  string
	url     *url.URL
	host    string
	header  http.Header
	length  int64  // of the body; a server's headers do not have it
	payload string // hash of the body
}

// canonical returns the canonical request with the given path and headers.
func (r signedRequest) canonical(path string, headers []string) string {
	var b strings.Builder
	b.WriteString(r.method + "\n" + path + "\n" + canonicalQuery(r.url.RawQuery) + "\n")
	for _, name := range headers {
		b.WriteString(name + ":" + r.value(name) + "\n")
	}
	b.WriteString("\n" + strings.Join(headers, ";") + "\n" + r.payload)
	return b.String()
}

// value is a header's values, each with its white space folded.
func (r signedRequest) value(name string) string {
	switch name {
	case "host":
		return r.host
	case "content-length":
		return strconv.FormatInt(r.length, 10)
	}
	values := r.header.Values(name)
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(folded, ",")
}

// canonicalPaths are the forms in which clients sign a path: all but S3's
// escape the escaped path once more, and some clean it of dots and double
// slashes first.
func canonicalPaths(u *url.URL) []string {
	escaped := u.EscapedPath()
	if escaped == "" {
		escaped = "/"
	}
	clean := path.Clean(escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	paths := []string{escapeURI(escaped, true)}
	if clean != escaped {
		paths = append(paths, escapeURI(clean, true))
	}
	return paths
}

// canonicalQuery is the query in order, escaped strictly, without the
// signature that a presigned URL carries in it.
func canonicalQuery(raw string) string {
	type pair struct{ key, value string }
	var pairs []pair
	for p := range strings.SplitSeq(raw, "&") {
		k, v, _ := strings.Cut(p, "=")
		if p == "" || k == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, pair{reescape(k), reescape(v)})
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.key, b.key); c != 0 {
			return c
		}
		return strings.Compare(a.value, b.value)
	})
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = p.key + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// reescape brings a query's key or value into the strict form; one that cannot
// be read is escaped as it is, so that it matches no signature by accident.
func reescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	return escapeURI(s, false)
}

// escapeURI escapes all but the unreserved characters of RFC 3986.
func escapeURI(s string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

// signingKey derives the key of the signature's day, region and service.
func (s signature) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, terminator} {
		key = hmacSHA256(key, part)
	}
	return key
}

// sign returns the signature of a canonical request.
func (s signature) sign(key []byte, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{algorithmV4, s.at.Format(amzTime), s.scope, hex.EncodeToString(sum[:])}, "\n")
	return hex.EncodeToString(hmacSHA256(key, text))
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
