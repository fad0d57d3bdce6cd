package trial

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const region = "us-east-1"

// anybody is let in: the server takes every key.
var anybody = aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}

// AWS asks the AWS APIs of a server, as the account 000000000000 in us-east-1.
type AWS struct{ Endpoint string }

// rest calls a restJson operation of EKS. Answer may be nil.
func (a AWS) rest(ctx context.Context, method, path string, body, answer any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, a.Endpoint+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	got, err := send(r, "eks", text)
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(got, answer)
}

// query calls an operation of a query protocol: EC2's or IAM's.
func (a AWS) query(ctx context.Context, service, version string, answer any, form url.Values) error {
	form.Set("Version", version)
	text := []byte(form.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.Endpoint+"/", bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := send(r, service, text)
	if err != nil {
		return err
	}
	return xml.Unmarshal(got, answer)
}

func send(r *http.Request, service string, body []byte) ([]byte, error) {
	if err := v4.NewSigner().SignHTTP(r.Context(), anybody, r, digest(body), service, region, time.Now()); err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = &Refusal{r.Method + " " + r.URL.Path, answer.StatusCode, answer.Header.Get("X-Amzn-Errortype"), string(text)}
	}
	return text, err
}

// Refusal is an AWS API's error.
type Refusal struct {
	Call   string // "DELETE /clusters/demo"
	Status int    // of HTTP
	Code   string // ResourceNotFoundException
	Body   string
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %d %s %s", r.Call, r.Status, r.Code, r.Body)
}

// token is what `aws eks get-token` makes: a presigned question to STS who one
// is, good for a quarter of an hour.
func token(ctx context.Context, cluster string) (string, error) {
	const question = "https://sts." + region + ".amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, question, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("x-k8s-aws-id", cluster)
	signed, _, err := v4.NewSigner().PresignHTTP(ctx, anybody, r, digest(nil), "sts", region, time.Now())
	return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(signed)), err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
