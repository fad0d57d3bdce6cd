package apiwire_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/neargate/neargate/apiwire"
)

// This file throws whatever it can at whole handlers whose operations always
// succeed: what is then not answered with 200 must be the client's fault.

func FuzzJSON11Request(f *testing.F) {
	e := echoECS()
	for _, op := range []string{"RegisterTaskDefinition", "CreateService", "RunTask", "UpdateGateway", "CreateGateway", "SubmitTaskStateChange"} {
		f.Add(ecsTarget+op, e.body(f, op))
	}
	for _, body := range []string{``, `{}`, `null`, `{"count":3.0,"startedBy":"\ud83d\ude80","overrides":null}`, "{\"cluster\":\"\xff\"}", `{"a":[[[{}]]]}`, `{"tags":[null,{}]} x`} {
		f.Add(ecsTarget+"RunTask", body)
	}
	f.Add(ecsTarget, `{}`)
	f.Add("x.y", `{}`)
	h := apiwire.New(apiwire.Options{MaxBody: 1 << 16}, e.service)
	f.Fuzz(func(t *testing.T, target, body string) {
		// The raw bytes of the target are set as they are: a real server
		// would refuse some of them earlier.
		fuzzed(t, h, http.MethodPost, "/", body, "X-Amz-Target", target)
	})
}

func FuzzRESTJSONRequest(f *testing.F) {
	e := echoEKS(f)
	f.Add("POST", "/clusters", e.body(f, "CreateCluster"))
	f.Add("POST", "/clusters/c/node-groups/n/update-config", e.body(f, "UpdateNodegroupConfig"))
	f.Add("POST", "/tags/arn%3Aaws%3Aeks%3Aeu-west-1%3A1%3Acluster%2Fc", e.body(f, "TagResource"))
	f.Add("DELETE", "/tags/arn%3Aaws?tagKeys=a&tagKeys=b", "")
	f.Add("DELETE", "/clusters/c/addons/a?preserve=true", "")
	f.Add("GET", "/clusters/c/updates?maxResults=1&nextToken=n", "")
	f.Add("GET", "/clusters?maxResults=%zz&include=%ff", "")
	f.Add("GET", "/clusters/%2f%ff", "{")
	f.Add("POST", "/tags/arn%3Aaws", `{"tags":{"a":null,"b":"c"}}`)
	h := apiwire.New(apiwire.Options{MaxBody: 1 << 16}, e.service)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		fuzzed(t, h, method, target, body)
	})
}

// fuzzed sends a request, if it is one that net/http would accept, and judges
// the answer.
func fuzzed(t *testing.T, h http.Handler, method, target, body string, headers ...string) {
	r, err := http.NewRequest(method, target, strings.NewReader(body))
	if err != nil || r.URL.Host != "" || !strings.HasPrefix(target, "/") {
		t.Skip()
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = []string{headers[i+1]}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= http.StatusInternalServerError || w.Code < http.StatusOK {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/xml") {
		return // it looked like a form, so nobody was to understand it
	}
	answer, ok := decoded(t, w.Body.String()).(map[string]any)
	if !ok {
		t.Fatalf("answered %s", w.Body)
	}
	if code, _ := answer["__type"].(string); (w.Code == http.StatusOK) == (code != "") {
		t.Fatalf("answered %d %s", w.Code, w.Body)
	}
}

// body is a random input of an operation, as JSON.
func (e *echo) body(f *testing.F, op string) string {
	f.Helper()
	b, err := apiwire.EncodeInput(e.service, op, e.input(op).Interface())
	if err != nil {
		f.Fatal(err)
	}
	return string(b)
}

// FuzzJSONReader holds the JSON reader against the standard library's: both
// must find the same texts malformed.
func FuzzJSONReader(f *testing.F) {
	s := sampleService()
	for _, body := range []string{`{"Text":"\u00e9\ud83d\ude80"}`, `{"x":[1,-0.5e+3,true,false,null,{}]}`, `{"Int":1,}`, `{"x":01}`, `{"x":"\x"}`, `{"x":1}}`, `{"Map":{"a":null}}`, ` {"Lists":[[],["a"]]} `} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var in sampleInput
		err := apiwire.DecodeInput(s, "Do", body, &in)
		malformed := err != nil && strings.Contains(err.Error(), "Malformed JSON")
		if err != nil && !malformed || len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
			t.Skip() // refused for another reason, or an empty body, which is allowed
		}
		if malformed == json.Valid(body) {
			t.Errorf("%q: %v, but the standard library disagrees", body, err)
		}
	})
}
