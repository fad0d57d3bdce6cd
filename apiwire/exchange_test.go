package apiwire_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/neargate/neargate/apiwire"
)

// TestECSBadBodies is what a client may send wrongly and what it hears.
func TestECSBadBodies(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{MaxBody: 4096})
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}` }
	for name, c := range map[string]struct {
		op, body, message string
		status            int
		code              string
	}{
		"junk":                 {body: `nonsense`, message: "Malformed JSON at byte 0."},
		"truncated":            {body: `{"clusterName":"a`, message: "Malformed JSON: unexpected end of input."},
		"truncated key":        {body: `{"clusterN`, message: "Malformed JSON: unexpected end of input."},
		"truncated escape":     {body: `{"clusterName":"a\`, message: "Malformed JSON: unexpected end of input."},
		"truncated object":     {body: `{"clusterName":"a"`, message: "Malformed JSON: unexpected end of input."},
		"trailing garbage":     {body: `{} {}`, message: "Malformed JSON at byte 3."},
		"trailing comma":       {body: `{"a":1,}`, message: "Malformed JSON at byte 7."},
		"missing comma":        {body: `{"a":1 "b":2}`, message: "Malformed JSON at byte 7."},
		"missing colon":        {body: `{"a" 1}`, message: "Malformed JSON at byte 5."},
		"bare key":             {body: `{a:1}`, message: "Malformed JSON at byte 1."},
		"leading zero":         {body: `{"a":01}`, message: "Malformed JSON at byte 6."},
		"NaN":                  {body: `{"a":NaN}`, message: "Malformed JSON at byte 5."},
		"half literal":         {body: `{"clusterName":tru}`, message: "Malformed JSON at byte 15."},
		"raw newline":          {body: "{\"clusterName\":\"a\nb\"}", message: "Malformed JSON at byte 17."},
		"bad escape":           {body: `{"clusterName":"\x"}`, message: "Malformed JSON at byte 16."},
		"bad unicode escape":   {body: `{"clusterName":"\u12g4"}`, message: "Malformed JSON at byte 16."},
		"NUL":                  {body: "\x00", message: "Malformed JSON at byte 0."},
		"not UTF-8":            {body: "{\"clusterName\":\"\xff\"}", message: "The request is not UTF-8."},
		"top-level list":       {body: `[]`, message: "Start of list found where not expected."},
		"top-level null":       {body: `null`, message: "Unexpected field type"},
		"top-level string":     {body: `"x"`, message: "Unexpected field type"},
		"too deep":             {body: deep(201), message: "The request is nested more than 200 levels deep."},
		"too deep in a string": {op: "RunTask", body: `{"taskDefinition":` + strings.Repeat("[", 300), message: "The request is nested more than 200 levels deep."},
		"number for string":    {body: `{"clusterName":7}`, message: "NUMBER_VALUE cannot be converted to String"},
		"true for string":      {body: `{"clusterName":true}`, message: "TRUE_VALUE cannot be converted to String"},
		"object for string":    {body: `{"clusterName":{}}`, message: "Start of structure or map found where not expected."},
		"list for string":      {body: `{"clusterName":[1]}`, message: "Start of list found where not expected."},
		"string for list":      {body: `{"settings":"x"}`, message: "Expected list or null"},
		"object for list":      {body: `{"settings":{}}`, message: "Start of structure or map found where not expected."},
		"string for struct":    {body: `{"configuration":"x"}`, message: "Unexpected field type"},
		"list for struct":      {body: `{"configuration":[]}`, message: "Start of list found where not expected."},
		"string for integer":   {op: "RunTask", body: `{"count":"1"}`, message: "STRING_VALUE cannot be converted to Integer"},
		"false for integer":    {op: "RunTask", body: `{"count":false}`, message: "FALSE_VALUE cannot be converted to Integer"},
		"fraction":             {op: "RunTask", body: `{"count":1.5}`, message: "NUMBER_VALUE cannot be converted to Integer"},
		"too large":            {op: "RunTask", body: `{"count":2147483648}`, message: "NUMBER_VALUE cannot be converted to Integer"},
		"huge exponent":        {op: "RunTask", body: `{"count":1e999}`, message: "NUMBER_VALUE cannot be converted to Integer"},
		"string for boolean":   {op: "RunTask", body: `{"enableExecuteCommand":"true"}`, message: "STRING_VALUE cannot be converted to Boolean"},
		"number for boolean":   {op: "RunTask", body: `{"enableExecuteCommand":1}`, message: "NUMBER_VALUE cannot be converted to Boolean"},
		"oversized": {
			body: `{"clusterName":"` + strings.Repeat("x", 5000) + `"}`, status: http.StatusRequestEntityTooLarge,
			code: "RequestEntityTooLargeException", message: "Request must be smaller than 4096 bytes.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			op, status, code := "CreateCluster", http.StatusBadRequest, "SerializationException"
			if c.op != "" {
				op = c.op
			}
			if c.status != 0 {
				status, code = c.status, c.code
			}
			w := callECS(h, op, c.body)
			want := `{"__type":"` + code + `","message":"` + c.message + `"}`
			if w.Code != status || w.Body.String() != want {
				t.Errorf("answered %d %s\nwant %d %s", w.Code, w.Body, status, want)
			}
			if got := w.Header().Get("X-Amzn-Errortype"); got != code {
				t.Errorf("X-Amzn-Errortype is %q", got)
			}
		})
	}
}

// TestECSTolerated is what a client may send unusually.
func TestECSTolerated(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{})
	for name, c := range map[string]struct{ body, wantName string }{
		"no body":             {``, ""},
		"only white space":    {" \r\n\t", ""},
		"unknown members":     {`{"later":{"a":[1,{"b":null}],"c":"\ud800"},"clusterName":"n","more":-1.5e+3}`, "n"},
		"white space":         {" { \"clusterName\" :\n\t\"n\" } \n", "n"},
		"null":                {`{"clusterName":null}`, ""},
		"escapes":             {`{"cluster\u004eame":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude80"}`, "\"\\/\b\f\n\r\té🚀"},
		"lone surrogates":     {`{"clusterName":"a\ud83dx\udc00"}`, "a\ufffdx\ufffd"},
		"twice, the last one": {`{"clusterName":"a","clusterName":"n"}`, "n"},
	} {
		t.Run(name, func(t *testing.T) {
			w := callECS(h, "CreateCluster", c.body)
			if w.Code != http.StatusOK {
				t.Fatalf("answered %d %s", w.Code, w.Body)
			}
			body := decoded(t, w.Body.String()).(map[string]any)["cluster"].(map[string]any)
			if got, _ := body["clusterName"].(string); got != c.wantName {
				t.Errorf("clusterName is %q, want %q", got, c.wantName)
			}
		})
	}
}

// TestAnswers is the whole of what goes on the wire for a few exchanges.
func TestAnswers(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{})
	scope := signedAs("AKIAEXAMPLE", "eu-west-1", "ecs")
	for name, c := range map[string]struct {
		method, target, body string
		headers              []string
		status               int
		want                 string
	}{
		"empty lists and zero counts are written": {
			method: "POST", target: "/", body: `{"clusterName":"n"}`, headers: []string{"X-Amz-Target", ecsTarget + "CreateCluster", "Authorization", scope},
			status: 200, want: `{"cluster":{"activeServicesCount":0,"clusterArn":"arn:aws:ecs:eu-west-1:000000000000:cluster/n","clusterName":"n","pendingTasksCount":0,"registeredContainerInstancesCount":0,"runningTasksCount":0,"status":"ACTIVE","tags":[]}}`,
		},
		"no output": {method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "UpdateService"}, status: 200, want: `{}`},
		"wrong content type": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "DescribeClusters", "Content-Type", "text/html"},
			status: 200, want: `{"clusters":[],"failures":[]}`,
		},
		"maps are sorted": {
			method: "GET", target: "/tags/arn%3Aaws%3Aeks%3Ax", headers: []string{"Authorization", signedAs("A", "eu-west-1", "eks")},
			status: 200, want: `{"tags":{"a":"1","b":"2"}}`,
		},
		"typed error, wrapped": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "ListTasks"},
			status: 400, want: `{"__type":"ClusterNotFoundException","message":"Cluster not found."}`,
		},
		"typed error without message": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "StopTask"},
			status: 400, want: `{"__type":"ClientException","message":"ClientException"}`,
		},
		"typed error with members and status": {
			method: "GET", target: "/clusters/x", status: 404,
			want: `{"__type":"ResourceNotFoundException","message":"No cluster found for name: x.","clusterName":"x"}`,
		},
		"internal error": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "RunTask"},
			status: 500, want: `{"__type":"ServerException","message":"The request processing has failed because of an unknown error, exception or failure."}`,
		},
		"unknown operation": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "MakeCoffee"},
			status: 400, want: `{"__type":"UnknownOperationException","message":"The operation ecs:MakeCoffee is unknown."}`,
		},
		"operation not here": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", ecsTarget + "SubmitTaskStateChange"},
			status: 400, want: `{"__type":"UnknownOperationException","message":"The operation ecs:SubmitTaskStateChange is not available in Neargate."}`,
		},
		"REST operation not here": {
			method: "POST", target: "/clusters/x/addons", body: `{}`,
			status: 400, want: `{"__type":"UnknownOperationException","message":"The operation eks:CreateAddon is not available in Neargate."}`,
		},
		"no operation": {
			method: "POST", target: "/", body: `{}`, headers: []string{"Authorization", scope},
			status: 400, want: `{"__type":"UnknownOperationException","message":"The request names no operation of ecs."}`,
		},
		"service not here, signed": {
			method: "POST", target: "/", body: `{}`, headers: []string{"Authorization", signedAs("A", "eu-west-1", "dynamodb"), "X-Amz-Target", "DynamoDB_20120810.ListTables"},
			status: 400, want: `{"__type":"UnknownOperationException","message":"The service dynamodb is not available in Neargate."}`,
		},
		"service not here, by target": {
			method: "POST", target: "/", body: `{}`, headers: []string{"X-Amz-Target", "DynamoDB_20120810.ListTables"},
			status: 400, want: `{"__type":"UnknownOperationException","message":"The service DynamoDB_20120810.ListTables is not available in Neargate."}`,
		},
		"service not here, by form": {
			method: "POST", target: "/", body: "Action=ListQueues&Version=2012-11-05", headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
			status: 400, want: `<ErrorResponse xmlns=""><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>The service of Action=ListQueues, Version=2012-11-05 is not available in Neargate.</Message></Error><RequestId>ID</RequestId></ErrorResponse>`,
		},
		"browser": {
			method: "GET", target: "/", status: 404,
			want: `{"__type":"UnknownOperationException","message":"This is an AWS endpoint of Neargate: GET / is no request of an AWS API that it serves."}`,
		},
		"wrong method": {
			method: "GET", target: "/", headers: []string{"Authorization", scope}, status: 404,
			want: `{"__type":"UnknownOperationException","message":"This is an AWS endpoint of Neargate: GET / is no request of an AWS API that it serves."}`,
		},
		"wrong method on a REST path": {
			method: "PATCH", target: "/clusters/x", status: 404,
			want: `{"__type":"UnknownOperationException","message":"This is an AWS endpoint of Neargate: PATCH /clusters/x is no request of an AWS API that it serves."}`,
		},
		"unknown REST path": {
			method: "GET", target: "/nodes", headers: []string{"Authorization", signedAs("A", "eu-west-1", "eks")}, status: 404,
			want: `{"__type":"UnknownOperationException","message":"This is an AWS endpoint of Neargate: GET /nodes is no request of an AWS API that it serves."}`,
		},
		"wrong number in a query": {
			method: "GET", target: "/clusters?maxResults=many", status: 400,
			want: `{"__type":"SerializationException","message":"STRING_VALUE cannot be converted to Integer"}`,
		},
		"malformed query": {
			method: "GET", target: "/clusters?maxResults=%zz", status: 400,
			want: `{"__type":"SerializationException","message":"The query string is malformed."}`,
		},
		"label that is not UTF-8": {
			method: "GET", target: "/clusters/%ff", status: 400,
			want: `{"__type":"SerializationException","message":"STRING_VALUE cannot be converted to String"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := send(h, c.method, c.target, c.body, c.headers...)
			got := strings.ReplaceAll(w.Body.String(), w.Header().Get("X-Amzn-Requestid"), "ID")
			if w.Code != c.status || got != c.want {
				t.Errorf("answered %d %s\nwant %d %s", w.Code, got, c.status, c.want)
			}
			if len(w.Header().Get("X-Amzn-Requestid")) != 36 {
				t.Errorf("request id %q", w.Header().Get("X-Amzn-Requestid"))
			}
		})
	}
}
