package emulator_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks"
)

// rest sends a request to a service whose operations are paths, and fails
// unless it is answered soon and, where it is refused, in AWS's shape.
func rest(t testing.TB, h http.Handler, method, path, body string) {
	t.Helper()
	u, err := url.Parse("http://localhost" + path)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, "/", strings.NewReader(body))
	r.URL, r.RequestURI, r.Host = u, u.RequestURI(), "localhost"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/eks/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); h.ServeHTTP(w, r) }()
	select {
	case <-done:
	case <-time.After(soonEnough):
		t.Fatalf("%s %s: no answer within %v to %.300s", method, path, soonEnough, body)
	}
	var refusal struct{ Message string }
	shaped := w.Header().Get("X-Amzn-Errortype") != "" && json.Unmarshal(w.Body.Bytes(), &refusal) == nil && refusal.Message != ""
	if w.Code >= 500 || w.Code >= 400 && !shaped {
		t.Errorf("%s %s: %d %v %s\nto %.300s", method, path, w.Code, w.Header(), w.Body, body)
	}
}

var label = regexp.MustCompile(`\{[^}]*\}`)

// TestWireJunkREST sends every kind of value where every member of EKS's inputs
// is, be it in the path, in the query or in the body.
func TestWireJunkREST(t *testing.T) {
	s := reachRunning(t)
	h := s.client.Transport.(inProcess).handler
	client := reflect.TypeFor[*sdk.Client]()
	routes := eks.Routes()
	slices.SortStableFunc(routes, func(a, b apiwire.Route) int { // what there is goes last
		return cmp.Compare(strings.Count(a.Method, http.MethodDelete), strings.Count(b.Method, http.MethodDelete))
	})
	for _, route := range routes {
		m, ok := client.MethodByName(route.Operation)
		if !ok {
			t.Fatalf("the SDK has no %s", route.Operation)
		}
		input := m.Type.In(2).Elem()
		there := label.ReplaceAllString(route.Path, "shop")
		for _, text := range []string{"nothing", "%00", "%2F..%2F..", "%E6%97%A5", strings.Repeat("x", 3000), "arn:aws:eks:us-east-1:000000000000:cluster%2Fshop", "%20", "."} {
			rest(t, h, route.Method, label.ReplaceAllString(route.Path, text), "{}")
			rest(t, h, route.Method, there+"?"+url.Values{"maxResults": {text}, "nextToken": {text}, "include": {text}, "tagKeys": {text}, "force": {text}}.Encode(), "{}")
		}
		if route.Method != http.MethodPost && route.Method != http.MethodPut {
			continue
		}
		for _, value := range append(wireJunk, "", "{", "\xff") {
			rest(t, h, route.Method, there, value)
			if !json.Valid([]byte(value)) {
				continue
			}
			var all []string
			for _, member := range members(input) {
				all = append(all, fmt.Sprintf("%q:%s", member, value))
				rest(t, h, route.Method, there, "{"+all[len(all)-1]+"}")
			}
			rest(t, h, route.Method, there, "{"+strings.Join(all, ",")+"}")
		}
	}
}
