package sts

import "testing"

// FuzzWebToken: whatever a token holds is read or refused, and what has not
// been signed is never taken for signed.
func FuzzWebToken(f *testing.F) {
	jwks := []byte(`{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"","n":"","e":""}]}`)
	for _, seed := range []string{"", "..", "e30.e30.", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJ4IiwiYXVkIjpbInkiXSwiZXhwIjoxZTk5OX0.c2ln",
		"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4IiwiYXVkIjoieSIsImV4cCI6LTF9."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := parseWebToken(text)
		if err != nil {
			return
		}
		if token.Issuer == "" || token.Expires.Unix() < 0 {
			t.Errorf("%+v", token)
		}
		if token.verify(jwks) == nil {
			t.Errorf("%q passes for signed", text)
		}
	})
}
