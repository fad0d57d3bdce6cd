package apiwire_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

func TestErrorsReachTheSDK(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{})
	_, err := ecs.NewFromConfig(config(h)).ListTasks(t.Context(), &ecs.ListTasksInput{})
	notFound, ok := errors.AsType[*ecstypes.ClusterNotFoundException](err)
	if !ok || notFound.ErrorMessage() != "Cluster not found." {
		t.Errorf("ECS: %v", err)
	}
	_, err = eks.NewFromConfig(config(h)).DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: aws.String("x/y é")})
	missing, ok := errors.AsType[*ekstypes.ResourceNotFoundException](err)
	if !ok || aws.ToString(missing.ClusterName) != "x/y é" || missing.ErrorMessage() != "No cluster found for name: x/y é." {
		t.Errorf("EKS: %v", err)
	}
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || response.HTTPStatusCode() != http.StatusNotFound || len(response.ServiceRequestID()) != 36 {
		t.Errorf("EKS: %v", err)
	}
}

// dispatchCase is a request and the call it becomes.
type dispatchCase struct {
	method, target, body         string
	headers                      []string
	service, op, account, region string
}

func TestDispatch(t *testing.T) {
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for name, c := range map[string]dispatchCase{
		"signed": {
			headers: []string{"Authorization", signedAs("123456789012", "eu-west-1", "ecs"), "X-Amz-Target", ecsTarget + "DescribeClusters"},
			service: "ecs", op: "DescribeClusters", account: "123456789012", region: "eu-west-1",
		},
		"a key that is no account": {
			headers: []string{"Authorization", signedAs("AKIA45678901", "cn-north-1", "ecs"), "X-Amz-Target", ecsTarget + "DescribeClusters"},
			service: "ecs", op: "DescribeClusters", account: "111111111111", region: "cn-north-1",
		},
		"target alone": {
			headers: []string{"X-Amz-Target", ecsTarget + "DescribeClusters"},
			service: "ecs", op: "DescribeClusters", account: "111111111111", region: "ap-east-1",
		},
		"target against signature": {
			headers: []string{"Authorization", signedAs("1", "eu-west-1", "eks"), "X-Amz-Target", ecsTarget + "DescribeClusters"},
			service: "ecs", op: "DescribeClusters", account: "111111111111", region: "eu-west-1",
		},
		"unknown target, known signature": {
			headers: []string{"Authorization", signedAs("1", "eu-west-1", "ecs"), "X-Amz-Target", "AmazonSSM.StartSession"},
			service: "ecs", account: "111111111111", region: "eu-west-1",
		},
		"presigned": {
			method: "GET", target: "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20260101%2Feu-west-1%2Fsts%2Faws4_request&X-Amz-Signature=0",
			service: "sts", op: "GetCallerIdentity", account: "123456789012", region: "eu-west-1",
		},
		"form in the body": {
			body: "Action=GetCallerIdentity&Version=2011-06-15", headers: form,
			service: "sts", op: "GetCallerIdentity", account: "111111111111", region: "ap-east-1",
		},
		"form in the URL": {
			method: "GET", target: "/?Version=2011-06-15&Action=GetCallerIdentity",
			service: "sts", op: "GetCallerIdentity", account: "111111111111", region: "ap-east-1",
		},
		"AWS's host": {
			headers: []string{"Host", "ecs.sa-east-1.amazonaws.com", "X-Amz-Target", ecsTarget + "DescribeClusters", "Authorization", signedAs("1", "", "ecs")},
			service: "ecs", op: "DescribeClusters", account: "111111111111", region: "sa-east-1",
		},
		"local host name of a JSON service": {
			headers: []string{"Host", "ecs.localhost:4566"},
			service: "ecs", account: "111111111111", region: "ap-east-1",
		},
		"local host name": {
			headers: []string{"Host", "eks.localhost:4566"}, method: "GET", target: "/clusters",
			service: "eks", op: "ListClusters", account: "111111111111", region: "ap-east-1",
		},
		"path alone": {
			method: "GET", target: "/clusters/here",
			service: "eks", op: "DescribeCluster", account: "111111111111", region: "ap-east-1",
		},
		"path that is there for another method": {
			method: "PUT", target: "/clusters/here",
			service: "eks", account: "111111111111", region: "ap-east-1",
		},
		"nobody": {method: "GET", target: "/", account: "111111111111", region: "ap-east-1"},
	} {
		t.Run(name, func(t *testing.T) { c.check(t) })
	}
}

func (c dispatchCase) check(t *testing.T) {
	var call apiwire.Call
	h, _, _ := toys(t, apiwire.Options{Account: "111111111111", Region: "ap-east-1", Done: func(c apiwire.Call, _ int, _ time.Duration) { call = c }})
	if c.method == "" {
		c.method = http.MethodPost
	}
	if c.target == "" {
		c.target = "/"
	}
	w := send(h, c.method, c.target, c.body, c.headers...)
	if call.Service != c.service || call.Operation != c.op || call.Account != c.account || call.Region != c.region {
		t.Errorf("called %+v, answered %d %s", call, w.Code, w.Body)
	}
	if call.RequestID != w.Header().Get("X-Amzn-Requestid") || call.Partition != apiwire.PartitionOf(c.region) {
		t.Errorf("called %+v", call)
	}
}

func TestCallReachesTheOperation(t *testing.T) {
	h, a, _ := toys(t, apiwire.Options{})
	w := send(h, "POST", "/", `{}`, "X-Amz-Target", ecsTarget+"DescribeClusters", "Host", "near.gate:4566",
		"Authorization", signedAs("123456789012", "us-gov-west-1", "ecs"))
	want := apiwire.Call{
		Service: "ecs", Operation: "DescribeClusters", Account: "123456789012", Partition: "aws-us-gov", Region: "us-gov-west-1",
		AccessKey: "123456789012", RequestID: w.Header().Get("X-Amzn-Requestid"), Host: "near.gate:4566",
	}
	if len(a.calls) != 1 || a.calls[0] != want {
		t.Errorf("got %+v\nwant %+v", a.calls, want)
	}
}

func TestPresent(t *testing.T) {
	for body, want := range map[string][]string{
		`{}`: nil,
		`{"forceNewDeployment":false,"desiredCount":0}`:          {"forceNewDeployment", "ForceNewDeployment", "desiredCount"},
		`{"forceNewDeployment":null,"service":"s","cluster":""}`: {"cluster"},
	} {
		h, a, _ := toys(t, apiwire.Options{})
		if w := callECS(h, "UpdateService", body); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
		if !slices.Equal(a.present, want) {
			t.Errorf("%s: present are %v, want %v", body, a.present, want)
		}
	}
	if apiwire.Present(t.Context(), "cluster") {
		t.Error("present without a request")
	}
}

func TestRESTBindings(t *testing.T) {
	h, _, k := toys(t, apiwire.Options{})
	for target, want := range map[string]string{
		"/tags/arn%3Aaws%3Aeks%3Aeu-west-1%3A1%3Acluster%2Fa%20b": "arn:aws:eks:eu-west-1:1:cluster/a b",
		"/clusters?maxResults=7&include=a&include=b":              "7 [a b]",
		"/clusters":             "0 []",
		"/clusters/a%252Fb%2B+": "a%2Fb++",
	} {
		k.got = nil
		send(h, "GET", target, "")
		if len(k.got) != 1 || k.got[0] != want {
			t.Errorf("%s: got %q, want %q", target, k.got, want)
		}
	}
}

// logged decodes the lines of a log.
func logged(t *testing.T, log *bytes.Buffer) []map[string]any {
	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, v)
	}
	return lines
}

// TestInternalFailures: their text goes to the log, once, and to no client.
func TestInternalFailures(t *testing.T) {
	for op, want := range map[string]map[string]string{
		"RunTask":       {"error": "the disk said: secret"},
		"ListServices":  {"panic": "a bug: secret", "stack": "toy_test.go"},
		"DeleteCluster": {"panic": "nil pointer", "stack": "apiwire"},
	} {
		var log bytes.Buffer
		h, _, _ := toys(t, apiwire.Options{Log: zerolog.New(&log)})
		w := callECS(h, op, `{}`)
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "ServerException") {
			t.Errorf("%s: answered %d %s", op, w.Code, w.Body)
		}
		lines := logged(t, &log)
		if len(lines) != 1 {
			t.Fatalf("%s: logged %v", op, lines)
		}
		want["level"], want["service"], want["op"], want["request_id"] = "error", "ecs", op, w.Header().Get("X-Amzn-Requestid")
		for field, part := range want {
			if text, _ := lines[0][field].(string); !strings.Contains(text, part) {
				t.Errorf("%s: logged %s %q, want %q in it", op, field, text, part)
			}
		}
	}
}

// TestClientGone: a cancelled request is nobody's error.
func TestClientGone(t *testing.T) {
	var log bytes.Buffer
	h, _, _ := toys(t, apiwire.Options{Log: zerolog.New(&log)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(`{}`))
	r.Header.Set("X-Amz-Target", ecsTarget+"DescribeTasks")
	h.ServeHTTP(httptest.NewRecorder(), r)
	if strings.Contains(log.String(), `"level":"error"`) || !strings.Contains(log.String(), "context canceled") {
		t.Errorf("logged %s", log.String())
	}
}

// TestConcurrent is for the race detector: calls share plans and buffers, and
// the plans of errors are made while others run.
func TestConcurrent(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{})
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 20 {
				for op, want := range map[string]int{"ListTasks": 400, "StopTask": 400, "RunTask": 500, "MakeCoffee": 400} {
					if w := callECS(h, op, `{"tags":[{"key":"k"}]}`); w.Code != want {
						t.Errorf("%s answered %d %s", op, w.Code, w.Body)
					}
				}
			}
		})
	}
	wait.Wait()
}

func TestContentTypes(t *testing.T) {
	h := apiwire.New(apiwire.Options{}, apiwire.JSON10("ten", "Ten", &toy{}), apiwire.JSON11("eleven", "Eleven", &toy{}), apiwire.RESTJSON("eks", eksRoutes(t), &toyEKS{}))
	for _, op := range []string{"DescribeClusters", "ListTasks", "RunTask"} {
		for prefix, want := range map[string]string{"Ten": "application/x-amz-json-1.0", "Eleven": "application/x-amz-json-1.1"} {
			if got := send(h, "POST", "/", `{}`, "X-Amz-Target", prefix+"."+op).Header().Get("Content-Type"); got != want {
				t.Errorf("%s %s: %s", prefix, op, got)
			}
		}
	}
	for _, path := range []string{"/clusters", "/clusters/gone", "/"} {
		if got := send(h, "GET", path, "").Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestVerifyIsAsked(t *testing.T) {
	var body string
	h, a, _ := toys(t, apiwire.Options{Verify: func(r *http.Request, b []byte) error {
		body = string(b)
		if r.Header.Get("Authorization") == "" {
			return &apiwire.Failure{Code: "MissingAuthenticationTokenException", Message: "Missing Authentication Token", Status: http.StatusBadRequest}
		}
		return nil
	}})
	if w := callECS(h, "DescribeClusters", `{"clusters":["a"]}`); w.Code != 400 || !strings.Contains(w.Body.String(), "MissingAuthenticationTokenException") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if body != `{"clusters":["a"]}` || len(a.calls) != 0 {
		t.Errorf("verified %s, called %v", body, a.calls)
	}
	if w := send(h, "POST", "/", `{}`, "X-Amz-Target", ecsTarget+"DescribeClusters", "Authorization", "x"); w.Code != 200 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestDone(t *testing.T) {
	var status []int
	h, _, _ := toys(t, apiwire.Options{Done: func(_ apiwire.Call, s int, took time.Duration) {
		if took <= 0 {
			t.Errorf("took %s", took)
		}
		status = append(status, s)
	}})
	callECS(h, "DescribeClusters", `{}`)
	callECS(h, "ListTasks", `{}`)
	callECS(h, "ListServices", `{}`)
	if !slices.Equal(status, []int{200, 400, 500}) {
		t.Errorf("statuses %v", status)
	}
}

// TestSideBySide: two handlers, also of one service value, share nothing that
// they could disturb each other with.
func TestSideBySide(t *testing.T) {
	a := &toy{}
	s := apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", a)
	one := apiwire.New(apiwire.Options{Account: "111111111111"}, s)
	two := apiwire.New(apiwire.Options{Account: "222222222222", Region: "eu-north-1"}, s)
	other, b, _ := toys(t, apiwire.Options{Account: "333333333333"})
	for _, h := range []http.Handler{one, other, two} {
		if w := callECS(h, "DescribeClusters", `{}`); w.Code != http.StatusOK {
			t.Fatal(w.Body)
		}
	}
	if len(a.calls) != 2 || a.calls[0].Account != "111111111111" || a.calls[1].Account != "222222222222" || a.calls[1].Region != "eu-north-1" {
		t.Errorf("called %+v", a.calls)
	}
	if len(b.calls) != 1 || b.calls[0].Account != "333333333333" {
		t.Errorf("called %+v", b.calls)
	}
}

func TestSameTargetTwice(t *testing.T) {
	defer func() {
		if v := recover(); v == nil || !strings.Contains(v.(string), "same target prefix T") {
			t.Errorf("recovered %v", v)
		}
	}()
	apiwire.New(apiwire.Options{}, apiwire.JSON11("a", "T", &toy{}), apiwire.JSON11("b", "T", &toy{}))
}

func TestConstraintsAreChecked(t *testing.T) {
	a := &toy{}
	h := apiwire.New(apiwire.Options{}, apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", a).
		WithConstraints(apiwire.ConstraintsOf("ecs"), apiwire.VoiceECS))
	if w := callECS(h, "DescribeClusters", `{"include":["NONSENSE"]}`); w.Code != 400 || !strings.Contains(w.Body.String(), "should be one of") || len(a.calls) != 0 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if w := callECS(h, "DescribeClusters", `{"include":["TAGS"]}`); w.Code != 200 {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}
