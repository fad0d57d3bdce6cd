package webtoken_test

import (
	"testing"

	"github.com/neargate/neargate/emulator/webtoken"
)

// FuzzWebToken: whatever a token holds is read or refused, and what has not
// been signed is never taken for signed.
func FuzzWebToken(f *testing.F) {
	jwks := []byte(`{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"},{"kty":"RSA","kid":"","n":"","e":""}]}`)
	for _, seed := range []string{"", "..", "e30.e30.", "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.eyJpc3MiOiJ4IiwiYXVkIjpbInkiXSwiZXhwIjoxZTk5OX0.c2ln",
		"eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4IiwiYXVkIjoieSIsImV4cCI6LTF9."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := webtoken.Parse(text)
		if err != nil {
			return
		}
		if token.Issuer == "" || token.Expires.Unix() < 0 {
			t.Errorf("%+v", token)
		}
		if token.Verify(jwks) == nil {
			t.Errorf("%q passes for signed", text)
		}
	})
}

// TestWhyNone: the words are those of golang-jwt, which the EKS Pod Identity
// Agent shows.
func TestWhyNone(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "token contains an invalid number of segments",
		"Bearer e30.e30.x": "could not base64 decode header: illegal base64 data at input byte 6",
		"e30.!.x":          "could not base64 decode claim: illegal base64 data at input byte 0",
		"e30.e30.!":        "could not base64 decode signature: illegal base64 data at input byte 0",
		"e30.e30.":         "token has no issuer",
		"eyI.e30.":         "could not JSON decode header: unexpected end of JSON input",
	} {
		if _, err := webtoken.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
