package access_test

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

func (v verifier) Authenticate(_ context.Context, token string) (link.Identity, error) {
	id, ok := v[token]
	if !ok {
		return id, errForged
	}
	return id, nil
}

func TestTokens(t *testing.T) {
	var log bytes.Buffer
	settings := link.Settings{AuthenticationMode: "CONFIG_MAP"}
	tokens := &access.Tokens{
		Verifier: verifier{"k8s-aws-v1.jo": assumed("Ops")}, Settings: func() link.Settings { return settings }, Log: zerolog.New(&log),
	}
	ask := func(token string) (name string, err error) {
		r, err := http.NewRequest(http.MethodGet, "https://x/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		who, ok, err := access.Request(tokens).AuthenticateRequest(r)
		if !ok {
			return "", err
		}
		return who.User.GetName(), err
	}
	if name, err := ask("eyJhbGciOi"); name != "" || err == nil || log.Len() > 0 {
		t.Errorf("another kind of token: %q %v, %s", name, err, &log)
	}
	if _, err := ask("k8s-aws-v1.forged"); err == nil || !strings.Contains(err.Error(), "nobody signed") || !strings.Contains(log.String(), "nobody signed") {
		t.Errorf("forged: %v, %s", err, &log)
	}
	if _, err := ask("k8s-aws-v1.jo"); err == nil || !strings.Contains(log.String(), "ARN is not mapped: arn:aws:iam::111122223333:role/Ops") {
		t.Errorf("not mapped: %v, %s", err, &log)
	}
	aws, err := access.ParseAWSAuth(map[string]string{"mapRoles": configMap})
	if err != nil {
		t.Fatal(err)
	}
	tokens.SetAWSAuth(aws)
	if name, err := ask("k8s-aws-v1.jo"); name != "ops:jo-example.com" || err != nil {
		t.Errorf("%q %v", name, err)
	}
	tokens.SetAWSAuth(nil)
	if name, _ := ask("k8s-aws-v1.jo"); name != "" {
		t.Errorf("without aws-auth it is %q", name)
	}
}
