package access_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

// What is decided is told in the words of aws-iam-authenticator.
func TestDecisions(t *testing.T) {
	good := "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte("https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity"))
	var log bytes.Buffer
	told := true
	var settings link.Settings
	tokens := &access.Tokens{
		Verifier: verifier{good: assumed("Ops")}, Settings: func() link.Settings { return settings }, Log: zerolog.New(&log), IsTold: func() bool { return told },
	}
	ask := func(token string) string {
		t.Helper()
		log.Reset()
		r, err := http.NewRequest(http.MethodGet, "https://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.RemoteAddr = "127.0.0.1:54812"
		_, _, _ = access.Request(tokens).AuthenticateRequest(r) // TestTokens has what it answers
		if log.Len() == 0 {
			return ""
		}
		var l struct{ Message string }
		if err := json.Unmarshal(log.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`^time="[^"]+Z" `).ReplaceAllString(l.Message, "")
	}
	settings = link.Settings{AuthenticationMode: "API", AccessEntries: []link.AccessEntry{{
		PrincipalARN: "arn:aws:iam::111122223333:role/Ops", Username: "ops", Groups: []string{"a", "b"},
	}}}
	want := `level=info msg="access granted" arn="arn:aws:iam::111122223333:role/Ops" client="127.0.0.1:54812" groups="[a b]" method=POST path=/authenticate stsendpoint=sts.us-east-1.amazonaws.com uid="aws-iam-authenticator:111122223333:` +
		assumed("Ops").UserID + `" username=ops`
	if got := ask(good); got != want {
		t.Errorf("granted:\n%s\n%s", got, want)
	}
	told = false
	if got := ask(good); got != "" {
		t.Errorf("not exported, yet told: %s", got)
	}
	settings.AccessEntries = nil
	want = `level=warning msg="access denied" arn="arn:aws:iam::111122223333:role/Ops" client="127.0.0.1:54812" error="ARN is not mapped: arn:aws:iam::111122223333:role/Ops" method=POST path=/authenticate stsendpoint=sts.us-east-1.amazonaws.com`
	if got := ask(good); got != want {
		t.Errorf("not mapped:\n%s\n%s", got, want)
	}
	want = `level=warning msg="access denied" client="127.0.0.1:54812" error="` + errForged.Error() + `" method=POST path=/authenticate`
	if got := ask("k8s-aws-v1.forged"); got != want {
		t.Errorf("forged:\n%s\n%s", got, want)
	}
}
