package e2e_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
)

// answer is what came back, with the error in AWS's shape if it has one.
type answer struct {
	status        int
	body          string
	code, message string
}

// ask sends a raw request. Headers come in pairs.
func ask(t testing.TB, s *server, method, path string, body io.Reader, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequest(method, s.endpoint+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Timeout: patience}
	got, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: got.StatusCode, body: string(text)}
	a.code, a.message = awsError(text)
	return a
}

// awsError reads the error of a JSON, a query or an EC2 answer.
func awsError(body []byte) (code, message string) {
	var j struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &j) == nil {
		return j.Type, j.Message
	}
	var x struct {
		Query struct{ Code, Message string } `xml:"Error"`
		EC2   struct{ Code, Message string } `xml:"Errors>Error"`
	}
	if xml.Unmarshal(body, &x) != nil {
		return "", ""
	}
	return x.Query.Code + x.EC2.Code, x.Query.Message + x.EC2.Message
}

const (
	target   = "AmazonEC2ContainerServiceV20141113."
	jsonType = "application/x-amz-json-1.1"
	formType = "application/x-www-form-urlencoded"
)

// TestWebPagesAreRefused: what a page in the user's browser could send.
func TestWebPagesAreRefused(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	for _, row := range []struct {
		name    string
		headers []string
		refused bool
	}{
		{"stock client", nil, false},
		{"page from elsewhere", []string{"Origin", "https://evil.example"}, true},
		{"page from a file", []string{"Origin", "null"}, true},
		{"form from elsewhere", []string{"Sec-Fetch-Site", "cross-site"}, true},
		{"page of another port", []string{"Sec-Fetch-Site", "same-site"}, true},
		{"console of its own", []string{"Origin", s.endpoint, "Sec-Fetch-Site", "same-origin"}, false},
		{"rebound name", []string{"Host", "evil.example"}, true},
		{"rebound name with port", []string{"Host", "evil.example:4566"}, true},
		{"name that looks alike", []string{"Host", "localhost.evil.example"}, true},
		{"localhost", []string{"Host", "localhost:4566"}, false},
		{"AWS's own name", []string{"Host", "ecs.us-east-1.amazonaws.com"}, false},
	} {
		for _, path := range []string{"/", "/_neargate/reset", "/_neargate/health", "/metrics"} {
			method := http.MethodPost
			if path == "/_neargate/health" || path == "/metrics" {
				method = http.MethodGet
			}
			headers := append([]string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}, row.headers...)
			a := ask(t, s, method, path, strings.NewReader(`{"clusterName":"c"}`), headers...)
			switch {
			case row.refused && (a.status != http.StatusForbidden || a.code != "AccessDeniedException" || a.message == ""):
				t.Errorf("%s at %s: %d %s", row.name, path, a.status, a.body)
			case !row.refused && a.status != http.StatusOK:
				t.Errorf("%s at %s: %d %s", row.name, path, a.status, a.body)
			}
		}
	}
}

// TestAllowHost: --allow-host adds a name.
func TestAllowHost(t *testing.T) {
	t.Parallel()
	s := serveFake(t, "--allow-host", "neargate")
	if a := ask(t, s, http.MethodGet, "/_neargate/health", nil, "Host", "neargate:4566"); a.status != http.StatusOK {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// TestBadRequests: whatever is sent, the answer is a client's error in AWS's
// shape, and the server goes on.
func TestBadRequests(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	deep := `{"clusterName":` + strings.Repeat("[", 100000)
	for _, row := range []struct {
		name, code string
		status     int
		body       string
		headers    []string
	}{
		{"junk", "SerializationException", 400, "\x00\x01nonsense", []string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}},
		{"truncated", "SerializationException", 400, `{"clusterName":"a`, []string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}},
		{"wrong type", "SerializationException", 400, `{"clusterName":[1]}`, []string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}},
		{"deep", "SerializationException", 400, deep, []string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}},
		{"20 MB", "RequestEntityTooLargeException", 413, `{"clusterName":"` + strings.Repeat("x", 20<<20) + `"}`, []string{"X-Amz-Target", target + "CreateCluster", "Content-Type", jsonType}},
		{"unknown operation", "UnknownOperationException", 400, `{}`, []string{"X-Amz-Target", target + "MakeCoffee", "Content-Type", jsonType}},
		{"operation not there yet", "UnknownOperationException", 400, `{}`, []string{"X-Amz-Target", target + "CreateDaemon", "Content-Type", jsonType}},
		{"unknown service", "UnknownOperationException", 400, `{}`, []string{"X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0"}},
		{"unknown action", "InvalidAction", 400, "Action=MakeCoffee&Version=2016-11-15", []string{"Content-Type", formType}},
		{"service unknown by form", "InvalidAction", 400, "Action=ListQueues&Version=2012-11-05", []string{"Content-Type", formType}},
		{"bad form", "", 400, "Action=DescribeSubnets&Version=2016-11-15&%zz=%", []string{"Content-Type", formType}},
		{"broken Authorization", "UnknownOperationException", 404, `{}`, []string{"Authorization", "AWS4-HMAC-SHA256 Credential=////,,=", "Content-Type", jsonType}},
		{"nothing at all", "UnknownOperationException", 404, "", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := ask(t, s, http.MethodPost, "/", strings.NewReader(row.body), row.headers...)
			if a.status/100 != 4 || a.code == "" || a.message == "" {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if a.status != row.status || row.code != "" && a.code != row.code {
				t.Errorf("%d %s: %s\nwant %d %s", a.status, a.code, a.message, row.status, row.code)
			}
		})
	}
	if h := s.health(); h.Status != "running" {
		t.Errorf("health: %+v", h)
	}
}

// TestRandomBytes sends noise to every door, HTTP and not.
func TestRandomBytes(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	noise := rand.NewChaCha8([32]byte{1, 2, 3})
	types := []string{jsonType, "application/x-amz-json-1.0", formType, "application/json", "application/cbor", ""}
	targets := []string{target + "RegisterTaskDefinition", target + "RunTask", "Logs_20140328.PutLogEvents", ""}
	for i := range 200 {
		body := make([]byte, i*7)
		if _, err := noise.Read(body); err != nil {
			t.Fatal(err)
		}
		a := ask(t, s, http.MethodPost, "/", bytes.NewReader(body), "X-Amz-Target", targets[i%len(targets)], "Content-Type", types[i%len(types)])
		if a.status/100 != 4 {
			t.Errorf("%d bytes of noise: %d %s", len(body), a.status, a.body)
		}
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(s.endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400") {
		t.Errorf("a TLS greeting is answered with %q, %v", got, err)
	}
}

// TestBodyThatNeverComes: a client that promises more than it sends holds
// nobody up.
func TestBodyThatNeverComes(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(s.endpoint, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: "+target+"CreateCluster\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if half, ok := c.(*net.TCPConn); ok {
		if err := half.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 400") || !strings.Contains(string(got), "SerializationException") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestWrongSignature: with --auth=verify the CLI's requests are only good
// with a key that Neargate knows.
func TestWrongSignature(t *testing.T) {
	t.Parallel()
	s := serveFake(t, "--auth", "verify")
	c := s.cli(t)
	made := c.aws("ecs list-clusters --query length(clusterArns)")
	if made != "0" {
		t.Errorf("with the key that `neargate env` tells: %q", made)
	}
	for _, row := range []struct{ name, key, secret, says string }{
		{"wrong secret", "test", "wrong", "(InvalidSignatureException) when calling the ListClusters operation: The request signature we calculated does not match the signature you provided."},
		{"unknown key", "AKIAIOSFODNN7EXAMPLE", "test", "(UnrecognizedClientException) when calling the ListClusters operation: The security token included in the request is invalid."},
	} {
		said := c.with("AWS_ACCESS_KEY_ID="+row.key, "AWS_SECRET_ACCESS_KEY="+row.secret).fails("ecs list-clusters")
		if !strings.Contains(said, row.says) {
			t.Errorf("%s: %s", row.name, said)
		}
	}
	a := ask(t, s, http.MethodPost, "/", strings.NewReader(`{}`), "X-Amz-Target", target+"ListClusters", "Content-Type", jsonType)
	if a.status/100 != 4 || a.code != "MissingAuthenticationTokenException" {
		t.Errorf("not signed: %d %s", a.status, a.body)
	}
}

// TestRefusalsReachTheSDK: a refusal is the SDK's typed error.
func TestRefusalsReachTheSDK(t *testing.T) {
	t.Parallel()
	s := serveFake(t)
	client := ecs.NewFromConfig(s.config())
	_, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String("nowhere")})
	var missing *types.ClusterNotFoundException
	if !errors.As(err, &missing) || missing.ErrorMessage() != "Cluster not found." {
		t.Errorf("%v", err)
	}
	_, err = client.CreateDaemon(t.Context(), &ecs.CreateDaemonInput{DaemonName: aws.String("d"), DaemonTaskDefinitionArn: aws.String("a"), CapacityProviderArns: []string{"c"}})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "UnknownOperationException" || !strings.Contains(refused.ErrorMessage(), "CreateDaemon") {
		t.Errorf("%v", err)
	}
}
