package apiwire

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// This file reads what a client says about its signature, from the header or
// the query; signature.go checks it.

// signature is everything a client says about its signature.
type signature struct {
	credential
	scope     string // DATE/REGION/SERVICE/aws4_request
	headers   []string
	signature string
	token     string
	at        time.Time
	presigned bool
	expires   time.Duration
}

// signatureOf reads the signature of a request.
func signatureOf(r *http.Request) (signature, error) {
	header := r.Header.Get("Authorization")
	if header == "" {
		query := r.URL.Query()
		if !isPresigned(query) {
			return signature{}, denied(http.StatusForbidden, codeMissingToken, "Missing Authentication Token")
		}
		return presignedSignature(query)
	}
	a, ok := parseAuthorization(header)
	if !ok {
		return signature{}, incomplete("Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter.")
	}
	at, err := headerTime(r.Header)
	if err != nil {
		return signature{}, err
	}
	return newSignature(a, at, r.Header.Get("X-Amz-Security-Token"), "Authorization header requires '%s' parameter.")
}

// presignedSignature reads the signature of a presigned URL's query. An expiry
// of 0 is as none: STS takes the requests that Terraform's AWS provider presigns
// so, as tokens for EKS.
func presignedSignature(query url.Values) (signature, error) {
	at, err := time.Parse(amzTime, query.Get("X-Amz-Date"))
	if err != nil {
		return signature{}, incomplete("AWS query-string parameters must include 'X-Amz-Date'. Date must be in ISO-8601 'basic format'.")
	}
	expires := defaultPresign
	if e := query.Get("X-Amz-Expires"); e != "" {
		seconds, err := strconv.Atoi(e)
		if err != nil || seconds < 0 || seconds > int(longestPresign.Seconds()) {
			return signature{}, incomplete("X-Amz-Expires must be a number between 0 and 604800")
		}
		if seconds > 0 {
			expires = time.Duration(seconds) * time.Second
		}
	}
	s, err := newSignature(authorization{
		algorithm:     query.Get("X-Amz-Algorithm"),
		credential:    query.Get("X-Amz-Credential"),
		signedHeaders: query.Get("X-Amz-SignedHeaders"),
		signature:     query.Get("X-Amz-Signature"),
	}, at, query.Get("X-Amz-Security-Token"), "AWS query-string parameters must include 'X-Amz-%s'.")
	s.presigned, s.expires = true, expires
	return s, err
}

// newSignature checks that nothing is missing; lacking is the sentence for a
// part that is.
func newSignature(a authorization, at time.Time, token, lacking string) (signature, error) {
	if a.algorithm != algorithmV4 {
		return signature{}, incomplete("Unsupported AWS 'algorithm': '" + a.algorithm + "'.")
	}
	var missing []string
	for _, part := range []struct{ name, value string }{
		{"Credential", a.credential}, {"Signature", a.signature}, {"SignedHeaders", a.signedHeaders},
	} {
		if part.value == "" {
			missing = append(missing, fmt.Sprintf(lacking, part.name))
		}
	}
	if len(missing) > 0 {
		return signature{}, incomplete(strings.Join(missing, " "))
	}
	c, ok := parseCredential(a.algorithm, a.credential)
	if !ok {
		return signature{}, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + a.credential + "'")
	}
	return signature{
		credential: c,
		scope:      strings.Join([]string{c.date, c.region, c.service, terminator}, "/"),
		headers:    strings.Split(strings.ToLower(a.signedHeaders), ";"),
		signature:  a.signature,
		token:      token,
		at:         at,
	}, nil
}

// headerTime reads when a request was signed, from X-Amz-Date or else Date.
func headerTime(h http.Header) (time.Time, error) {
	text := h.Get("X-Amz-Date")
	if text == "" {
		text = h.Get("Date")
	}
	if text == "" {
		return time.Time{}, incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if t, err := time.Parse(amzTime, text); err == nil {
		return t, nil
	}
	t, err := http.ParseTime(text)
	if err != nil {
		return time.Time{}, incomplete("Date must be in ISO-8601 'basic format'. Got '" + text + "'.")
	}
	return t.UTC(), nil
}
