package trial

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	accessKey = "test"
	secretKey = "test"
	region    = "us-east-1"
)

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
	now := time.Now().UTC()
	r.Header.Set("X-Amz-Date", now.Format(amzTime))
	s := signature{now: now, service: service, headers: [][2]string{{"host", r.URL.Host}, {"x-amz-date", now.Format(amzTime)}}}
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		accessKey, s.scope(), s.names(), s.sign(r.Method, r.URL, body)))
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
func token(cluster string) string {
	now := time.Now().UTC()
	s := signature{now: now, service: "sts", headers: [][2]string{{"host", "sts." + region + ".amazonaws.com"}, {"x-k8s-aws-id", cluster}}}
	u := &url.URL{Scheme: "https", Host: "sts." + region + ".amazonaws.com", Path: "/"}
	query := url.Values{
		"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential": {accessKey + "/" + s.scope()}, "X-Amz-Date": {now.Format(amzTime)}, "X-Amz-Expires": {"60"},
		"X-Amz-SignedHeaders": {s.names()},
	}
	u.RawQuery = query.Encode()
	u.RawQuery += "&X-Amz-Signature=" + s.sign(http.MethodGet, u, nil)
	return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(u.String()))
}

const amzTime = "20060102T150405Z"

// signature is AWS's Signature Version 4 of a request without parameters that
// need more than url.Values.Encode.
type signature struct {
	now     time.Time
	service string
	headers [][2]string // in the order of their names
}

func (s signature) scope() string {
	return s.now.Format("20060102") + "/" + region + "/" + s.service + "/aws4_request"
}

func (s signature) names() string {
	names := make([]string, len(s.headers))
	for i, h := range s.headers {
		names[i] = h[0]
	}
	return strings.Join(names, ";")
}

func (s signature) sign(method string, u *url.URL, body []byte) string {
	var headers strings.Builder
	for _, h := range s.headers {
		headers.WriteString(h[0] + ":" + h[1] + "\n")
	}
	canonical := strings.Join([]string{method, u.EscapedPath(), u.RawQuery, headers.String(), s.names(), digest(body)}, "\n")
	text := strings.Join([]string{"AWS4-HMAC-SHA256", s.now.Format(amzTime), s.scope(), digest([]byte(canonical))}, "\n")
	key := []byte("AWS4" + secretKey)
	for part := range strings.SplitSeq(s.scope(), "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}
