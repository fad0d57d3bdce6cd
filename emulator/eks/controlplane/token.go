package controlplane

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// This file reads tokens of `aws eks get-token`: a presigned URL of STS's
// GetCallerIdentity. The rules are those of aws-iam-authenticator.

// Tokens knows who signs; STS stands behind it.
type Tokens interface {
	// Caller finds out whose the access key of a presigned GetCallerIdentity is,
	// and checks the signature if this emulator checks any. header has what was
	// signed beside the host. An error says why it is not good.
	Caller(ctx context.Context, u *url.URL, header http.Header) (Caller, error)
}

// Caller is what GetCallerIdentity answers.
type Caller struct{ Account, ARN, UserID string }

const (
	tokenPrefix   = "k8s-aws-v1."
	clusterHeader = "X-K8s-Aws-Id"
	tokenLife     = 15 * time.Minute // from the time it was signed
	tokenSkew     = 5 * time.Minute  // so far ahead a clock may be
	maxTokenLife  = 900              // seconds
	maxToken      = 16 << 10
	amzTime       = "20060102T150405Z"
)

// tokenParameters are those that the URL may have, in lower case.
var tokenParameters = []string{
	"action", "version", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires",
	"x-amz-security-token", "x-amz-signature", "x-amz-signedheaders", "x-amz-user-agent",
}

var stsHost = regexp.MustCompile(`^sts(-fips)?(\.[a-z0-9-]+)?\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn)$`)

// signedURL is a token that could be good.
type signedURL struct {
	url       *url.URL
	accessKey string
}

// parseToken reads a token and checks everything but who signed it. own tells
// the host names of this emulator, which may be asked without TLS as well.
func parseToken(token string, now time.Time, own func(host string) bool) (signedURL, error) {
	text, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return signedURL{}, fmt.Errorf("the token does not begin with %q", tokenPrefix)
	}
	if len(token) > maxToken {
		return signedURL{}, errors.New("the token is too long")
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return signedURL{}, fmt.Errorf("the token is not base64: %w", err)
	}
	u, err := url.Parse(string(b))
	if err != nil {
		return signedURL{}, errors.New("the token holds no URL")
	}
	if err := checkHost(u, own); err != nil {
		return signedURL{}, err
	}
	query, err := parameters(u.RawQuery)
	if err != nil {
		return signedURL{}, err
	}
	if err := checkTime(query, now); err != nil {
		return signedURL{}, err
	}
	if query["action"] != "GetCallerIdentity" {
		return signedURL{}, fmt.Errorf("the token asks for %q, not GetCallerIdentity", query["action"])
	}
	if !slices.Contains(strings.Split(strings.ToLower(query["x-amz-signedheaders"]), ";"), strings.ToLower(clusterHeader)) {
		return signedURL{}, errors.New("the token's signature does not cover x-k8s-aws-id, the name of the cluster")
	}
	accessKey, scope, ok := strings.Cut(query["x-amz-credential"], "/")
	if !ok || accessKey == "" || strings.Count(scope, "/") != 3 {
		return signedURL{}, errors.New("the token's X-Amz-Credential is not that of a signature")
	}
	return signedURL{u, accessKey}, nil
}

func checkHost(u *url.URL, own func(string) bool) error {
	switch host := u.Hostname(); {
	case u.Opaque != "" || u.User != nil || u.Fragment != "":
		return errors.New("the token's URL has parts that none of STS has")
	case u.Path != "/":
		return fmt.Errorf("the token's URL has the path %q, not /", u.Path)
	case u.Scheme == "https" && u.Port() == "" && stsHost.MatchString(host):
		return nil
	case (u.Scheme == "https" || u.Scheme == "http") && host != "" && own(host):
		return nil
	default:
		return fmt.Errorf("the token is for %s://%s, which is neither STS nor this emulator", u.Scheme, u.Host)
	}
}

// isLoopback tells the names that a host always has for itself.
func isLoopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// parameters reads the query; names in lower case, each once.
func parameters(raw string) (map[string]string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errors.New("the token's query cannot be read")
	}
	query := map[string]string{}
	for name, list := range values {
		lower := strings.ToLower(name)
		if _, again := query[lower]; again || len(list) != 1 {
			return nil, fmt.Errorf("the token has the parameter %q more than once", name)
		}
		if !slices.Contains(tokenParameters, lower) {
			return nil, fmt.Errorf("the token has the parameter %q, which none has", name)
		}
		query[lower] = list[0]
	}
	return query, nil
}

func checkTime(query map[string]string, now time.Time) error {
	if n, err := strconv.Atoi(query["x-amz-expires"]); err != nil || n < 0 || n > maxTokenLife {
		return fmt.Errorf("the token's X-Amz-Expires is %q; it is a number of seconds, at most %d", query["x-amz-expires"], maxTokenLife)
	}
	signed, err := time.Parse(amzTime, query["x-amz-date"])
	switch {
	case err != nil:
		return fmt.Errorf("the token's X-Amz-Date is %q, which is no time", query["x-amz-date"])
	case now.After(signed.Add(tokenLife)):
		return fmt.Errorf("the token has expired: it was signed at %s and is good for %v", signed.Format(time.RFC3339), tokenLife)
	case signed.After(now.Add(tokenSkew)):
		return fmt.Errorf("the token is not good yet: it was signed at %s, and it is %s", signed.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	return nil
}

// verifier verifies tokens for one cluster.
type verifier struct {
	cluster string
	tokens  Tokens
	own     func(string) bool
	now     func() time.Time
}

// verify returns who stands behind a token; link.ErrUnauthorized when nobody
// does.
func (v *verifier) verify(ctx context.Context, token string) (link.Identity, error) {
	s, err := parseToken(token, v.now(), v.own)
	if err != nil {
		return link.Identity{}, fmt.Errorf("%w: %w", link.ErrUnauthorized, err)
	}
	c, err := v.tokens.Caller(ctx, s.url, http.Header{clusterHeader: {v.cluster}})
	if err != nil {
		return link.Identity{}, fmt.Errorf("%w: %w", link.ErrUnauthorized, err)
	}
	canonical, session := canonicalARN(c.ARN)
	return link.Identity{
		ARN: c.ARN, CanonicalARN: canonical, Account: c.Account, UserID: c.UserID, AccessKeyID: s.accessKey, SessionName: session,
	}, nil
}

// canonicalARN turns the ARN of an assumed role into the role's own, without
// its path, which is not known; and tells the session's name. Others stay.
func canonicalARN(arn string) (canonical, session string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return arn, ""
	}
	resource := strings.Split(parts[5], "/")
	switch {
	case resource[0] == "assumed-role" && len(resource) >= 3:
		parts[2], parts[5] = "iam", "role/"+strings.Join(resource[1:len(resource)-1], "/")
		return strings.Join(parts, ":"), resource[len(resource)-1]
	case resource[0] == "federated-user" && len(resource) == 2:
		return arn, resource[1]
	}
	return arn, ""
}
