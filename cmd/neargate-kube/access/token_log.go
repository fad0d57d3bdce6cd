package access

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/neargate/neargate/emulator/eks/link"
)

// token_log.go puts what was decided of a token into a line of the form that
// aws-iam-authenticator writes, which is what queries over a cluster's log
// streams "authenticator-…" take apart:
//
//	time="2025-12-24T19:48:32Z" level=info msg="access granted" arn="arn:aws:iam::…" client="127.0.0.1:54812"
//	  groups="[]" method=POST path=/authenticate stsendpoint=sts.us-east-1.amazonaws.com uid="aws-iam-authenticator:…" username=…

// clientKey is where a context has the address of who sent a token.
type clientKey struct{}

func withClient(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, clientKey{}, address)
}

// decision is what was decided of a token.
type decision struct {
	identity link.Identity
	user     user.Info // nil when it was denied
	err      error     // why it was
}

// line is the decision as aws-iam-authenticator logs it. The client is whoever
// sent the token; on EKS it is the API server.
func (d decision) line(ctx context.Context, token string) string {
	e := &logrus.Entry{Time: time.Now().UTC(), Data: logrus.Fields{"method": "POST", "path": "/authenticate"}}
	if client, ok := ctx.Value(clientKey{}).(string); ok {
		e.Data["client"] = client
	}
	if host := endpoint(token); host != "" {
		e.Data["stsendpoint"] = host
	}
	if d.identity.CanonicalARN != "" {
		e.Data["arn"] = d.identity.CanonicalARN
	}
	if d.user != nil {
		e.Level, e.Message = logrus.InfoLevel, "access granted"
		e.Data["username"], e.Data["uid"], e.Data["groups"] = d.user.GetName(), d.user.GetUID(), fmt.Sprint(d.user.GetGroups())
	} else {
		e.Level, e.Message = logrus.WarnLevel, "access denied"
		e.Data["error"] = d.err.Error()
	}
	b, err := (&logrus.TextFormatter{DisableColors: true}).Format(e)
	if err != nil {
		return fmt.Sprintf("a decision cannot be put into words: %v", err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// endpoint is the host of STS that a token asks, "" when it asks none.
func endpoint(token string) string {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(strings.TrimPrefix(token, tokenPrefix), "="))
	if err != nil {
		return ""
	}
	u, err := url.Parse(string(b))
	if err != nil {
		return ""
	}
	return u.Host
}
