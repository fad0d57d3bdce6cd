package emulator_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/neargate/neargate/emulator/ec2"
)

// junk fills inputs at random.
type junk struct {
	*rand.Rand
	names []string // of what is there
}

func newJunk(seed uint64, names []string) *junk {
	return &junk{rand.New(rand.NewPCG(seed, 7)), names}
}

// deepest bounds how deep structs are filled.
const deepest = 5

func (j *junk) fill(v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf([]time.Time{{}, time.Unix(0, 0), time.Unix(math.MaxInt32, 0), time.Unix(-1e10, 0)}[j.IntN(4)]))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if j.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			j.fill(v.Elem(), depth)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" && depth < deepest {
				j.fill(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if n := j.IntN(3); depth < deepest {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				j.fill(v.Index(i), depth+1)
			}
		}
	case reflect.Map:
		if depth >= deepest {
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for range j.IntN(3) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			j.fill(key, depth+1)
			j.fill(value, depth+1)
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(j.text())
	case reflect.Bool:
		v.SetBool(j.IntN(2) == 0)
	case reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, 1, -1, 5, 100, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64}[j.IntN(9)] >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 0.5, -1, 1e300}[j.IntN(4)])
	case reflect.Uint8:
		v.SetUint(uint64(j.IntN(256)))
	}
}

func (j *junk) text() string {
	texts := slices.Concat(j.names, []string{
		"", "x", " ", "0", "-1", "99999999999999999999", "*", "%00", "\x00", "日本🚀", "../../etc/passwd", "'; DROP TABLE changes; --", "{}", "[", "null",
		"arn:", "arn:aws:ecs:::", "arn:aws:iam::aws:policy/", "10.0.0.0/33", "0.0.0.0/0", "fe80::/10", "eni-", "subnet-", "awsvpc", "FARGATE", "CMD-SHELL",
		strings.Repeat("x", 300), strings.Repeat("/", 2000), `{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}`, "a=b&c=d", "<x>", "(((((", "[",
	})
	return texts[j.IntN(len(texts))]
}

// raw sends a request straight to the handler, and fails unless it is answered
// soon, without a failure of the server's, in AWS's shape.
func raw(t testing.TB, h http.Handler, service, operation, contentType, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
	if target := map[string]string{"ecs": "AmazonEC2ContainerServiceV20141113.", "logs": "Logs_20140328."}[service]; target != "" {
		r.Header.Set("X-Amz-Target", target+operation)
	}
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() { defer close(done); h.ServeHTTP(w, r) }()
	select {
	case <-done:
	case <-time.After(soonEnough):
		t.Fatalf("%s %s: no answer within %v to %.300s", service, operation, soonEnough, body)
	}
	if w.Code >= 500 || w.Code >= 400 && !awsShaped(w) {
		t.Errorf("%s %s: %d %s\nto %.300s", service, operation, w.Code, w.Body, body)
	}
}

// awsShaped tells whether an error has a code where SDKs look for it.
func awsShaped(w *httptest.ResponseRecorder) bool {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/x-amz-json") {
		var e struct {
			Type string `json:"__type"`
		}
		return json.Unmarshal(w.Body.Bytes(), &e) == nil && e.Type != ""
	}
	for d := xml.NewDecoder(w.Body); ; {
		token, err := d.Token()
		if err == io.EOF || err != nil {
			return false
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "Code" {
			return true
		}
	}
}

// wireJunk is every kind of JSON value.
var wireJunk = []string{
	`null`, `true`, `0`, `-1`, `1.5`, `1e400`, `99999999999999999999`, `""`, `"x"`, `"\ud800"`, `[]`, `{}`, `[null]`, `[1]`, `["x"]`, `[{}]`, `[[]]`, `{"a":1}`,
	`{"x":{"y":[{"z":null}]}}`, strings.Repeat("[", 200) + strings.Repeat("]", 200),
}

// TestWireJunkJSON sends every kind of value where every member is.
func TestWireJunkJSON(t *testing.T) {
	s := reachRunning(t)
	h := s.client.Transport.(inProcess).handler
	for _, op := range s.operations(t) {
		if !op.served || op.service != "ecs" && op.service != "logs" {
			continue
		}
		for _, value := range wireJunk {
			raw(t, h, op.service, op.name, "application/x-amz-json-1.1", value)
			var all []string
			for _, member := range members(op.input) {
				all = append(all, fmt.Sprintf("%q:%s", member, value))
				raw(t, h, op.service, op.name, "application/x-amz-json-1.1", "{"+all[len(all)-1]+"}")
			}
			raw(t, h, op.service, op.name, "application/x-amz-json-1.1", "{"+strings.Join(all, ",")+"}")
		}
	}
}

// members are the names of a struct's members on the JSON wire.
func members(input reflect.Type) (names []string) {
	for i := range input.NumField() {
		if f := input.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			names = append(names, string(unicode.ToLower(rune(f.Name[0])))+f.Name[1:])
		}
	}
	return names
}

// TestWireJunkForms sends what is no form of any input to the services that
// read forms.
func TestWireJunkForms(t *testing.T) {
	s := reachRunning(t)
	h := s.client.Transport.(inProcess).handler
	const form = "application/x-www-form-urlencoded"
	send := func(service, version, name string, input reflect.Type) {
		for _, value := range []string{"", "x", "-1", "true", "99999999999999999999", "\x00", "日本"} {
			all := url.Values{"Action": {name}, "Version": {version}}
			for i := range input.NumField() {
				f := input.Field(i).Name
				for _, suffix := range []string{"", ".1", ".0", ".-1", ".x", ".4294967296", ".member.1", ".entry.1.key", ".1.Key", ".1.Value.1", ".member.1.Key", "..", ".1.1.1"} {
					one := url.Values{"Action": {name}, "Version": {version}, f + suffix: {value}}
					if suffix == "" || value == "x" {
						raw(t, h, service, name, form, one.Encode())
					}
					all.Set(f+suffix, value)
				}
			}
			raw(t, h, service, name, form, all.Encode())
		}
		raw(t, h, service, name, form, "Action="+name+"&Version="+version+"&%zz=%")
		raw(t, h, service, name, form, "Action="+name+"&Version="+version+"&Action=Other&;;&&=&x")
	}
	for _, op := range s.operations(t) {
		if op.served && (op.service == "iam" || op.service == "sts") {
			send(op.service, map[string]string{"iam": "2010-05-08", "sts": "2011-06-15"}[op.service], op.name, op.input)
		}
	}
	api := reflect.TypeFor[*ec2.API]()
	for _, name := range methods(&ec2.API{}) {
		m, _ := api.MethodByName(name)
		send("ec2", "2016-11-15", name, m.Type.In(2).Elem())
	}
}
