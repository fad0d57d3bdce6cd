package apiwire_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbv2types "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

// This file speaks the query protocols by hand, as no client would.

// KitchenInput has a member of every kind.
type KitchenInput struct {
	Name     *string
	Port     *int32
	On       *bool
	Weight   *float64
	At       *time.Time
	Blob     []byte
	Protocol elbv2types.ProtocolEnum
	Names    []string
	Tags     []elbv2types.Tag
	Map      map[string]string
	Nested   *KitchenInput
}

type KitchenOutput struct {
	Name    *string
	Port    int32
	On      bool
	At      *time.Time
	Names   []string
	Tags    []elbv2types.Tag
	Map     map[string]string
	Missing *string
}

// kitchen is an API whose operation keeps what it gets and answers what it has.
type kitchen struct {
	in  *KitchenInput
	out *KitchenOutput
	err error
}

func (k *kitchen) Kitchen(_ context.Context, in *KitchenInput) (*KitchenOutput, error) {
	k.in = in
	return k.out, k.err
}

// VpcsInput is a hand-written struct of EC2 with names of its own.
type VpcsInput struct {
	Filters []ec2types.Filter `ec2:"Filter"`
	VpcIds  []string          `ec2:"VpcId"`
	DryRun  *bool
}

type VpcsOutput struct {
	Vpcs    []ec2types.Vpc `ec2:",vpcSet"`
	Groups  []string       `ec2:",,groupId"`
	Created *time.Time
}

type vpcs struct {
	in  *VpcsInput
	out *VpcsOutput
}

func (v *vpcs) Vpcs(_ context.Context, in *VpcsInput) (*VpcsOutput, error) {
	v.in = in
	return v.out, nil
}

// Void is an operation with nothing to tell.
func (v *vpcs) Void(context.Context, *VoidInput) (*VoidOutput, error) { return &VoidOutput{}, nil }

type (
	VoidInput  struct{}
	VoidOutput struct{}
)

func serveQuery(t testing.TB, api any) http.Handler {
	return apiwire.New(apiwire.Options{Log: zerolog.New(zerolog.NewTestWriter(t))},
		apiwire.Query("kitchen", "2020-01-01", "urn:kitchen", api))
}

func serveEC2(t testing.TB, api any) http.Handler {
	return apiwire.New(apiwire.Options{Log: zerolog.New(zerolog.NewTestWriter(t))},
		apiwire.EC2Query("ec2", "2016-11-15", "urn:ec2", api))
}

func postForm(h http.Handler, form string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const kitchenForm = "Action=Kitchen&Version=2020-01-01"

func TestQueryReads(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	for form, want := range map[string]KitchenInput{
		"":                                    {},
		"&Name=":                              {Name: aws.String("")},
		"&Name=a%20b+c%26":                    {Name: aws.String("a b c&")},
		"&Port=-7&On=TRUE&Weight=1e3":         {Port: aws.Int32(-7), On: aws.Bool(true), Weight: aws.Float64(1000)},
		"&At=2026-01-02T03:04:05.678Z":        {At: &at},
		"&At=2026-01-02T04:04:05.678%2B01:00": {At: &at},
		"&Blob=aGk%3D":                        {Blob: []byte("hi")},
		"&Protocol=HTTP":                      {Protocol: elbv2types.ProtocolEnumHttp},
		"&Names=":                             {Names: []string{}},
		"&Names.member.2=b&Names.member.1=a&Names.member.10=c": {Names: []string{"a", "b", "c"}},
		"&Names.member.999999999=z":                            {Names: []string{"z"}},
		"&Tags.member.1.Key=k&Tags.member.1.Value=v":           {Tags: []elbv2types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
		"&Map.entry.1.key=k&Map.entry.1.value=v":               {Map: map[string]string{"k": "v"}},
		"&Nested.Nested.Names.member.1=x":                      {Nested: &KitchenInput{Nested: &KitchenInput{Names: []string{"x"}}}},
		"&Nested=":                                             {Nested: &KitchenInput{}},
		"&Unknown=1&Unknown.x.1=2":                             {},
		"&X-Amz-Signature=x&AWSAccessKeyId=y":                  {},
	} {
		t.Run(form, func(t *testing.T) {
			k := &kitchen{}
			if w := postForm(serveQuery(t, k), kitchenForm+form); w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(&want, k.in, comparers(0)...); diff != "" {
				t.Error(diff)
			}
			k.in = nil
			w := httptest.NewRecorder()
			serveQuery(t, k).ServeHTTP(w, httptest.NewRequest("GET", "/?"+kitchenForm+form, nil))
			if diff := cmp.Diff(&want, k.in, comparers(0)...); diff != "" {
				t.Errorf("from the URL: %s", diff)
			}
		})
	}
}

func TestQueryRefuses(t *testing.T) {
	deep := strings.Repeat("Nested.", 50) + "Name=x"
	many := strings.Repeat("&a=1", 30_000)
	wide := strings.Repeat("&Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Nested.Name=1", 100)
	for form, code := range map[string]string{
		"&Port=x":                              "MalformedInput",
		"&Port=":                               "MalformedInput",
		"&Port=99999999999":                    "MalformedInput",
		"&On=1":                                "MalformedInput",
		"&Weight=heavy":                        "MalformedInput",
		"&At=now":                              "MalformedInput",
		"&Blob=%21":                            "MalformedInput",
		"&Names=x":                             "MalformedInput",
		"&Names.1=x":                           "MalformedInput",
		"&Names.member=x":                      "MalformedInput",
		"&Names.member.0=x":                    "MalformedInput",
		"&Names.member.-1=x":                   "MalformedInput",
		"&Names.member.01=x":                   "MalformedInput",
		"&Names.member.99999999999999999999=x": "MalformedInput",
		"&Names.member.x=x":                    "MalformedInput",
		"&Names.member.1.a=x":                  "MalformedInput",
		"&Name=a&Name.b=c":                     "MalformedInput",
		"&Nested=x":                            "MalformedInput",
		"&Map.entry.1.key=k":                   "MalformedInput",
		"&Map.entry.1.value=k":                 "MalformedInput",
		"&Map.entry.1.key=k&Map.entry.1.value=1&Map.entry.2.key=k&Map.entry.2.value=2": "MalformedInput",
		"&Name=a&Name=b":                 "MalformedQueryString",
		"&Name=%zz":                      "MalformedQueryString",
		"&Name=%f":                       "MalformedQueryString",
		"&%=1":                           "MalformedQueryString",
		"&Name=%ff":                      "MalformedQueryString",
		"&" + deep:                       "MalformedQueryString",
		many:                             "MalformedQueryString",
		wide:                             "MalformedQueryString",
		"&....=1&Name.....=1":            "MalformedInput",
		"&" + strings.Repeat(".", 1<<20): "MalformedQueryString",
	} {
		name := form
		if len(name) > 40 {
			name = name[:40]
		}
		t.Run(name, func(t *testing.T) {
			k := &kitchen{}
			w := postForm(serveQuery(t, k), kitchenForm+form)
			if got := errorOf(t, w); w.Code != http.StatusBadRequest || got.Error.Code != code || got.Error.Type != "Sender" || k.in != nil {
				t.Errorf("%d %+v, want code %s", w.Code, got.Error, code)
			}
			if w.Body.Len() > 1000 {
				t.Errorf("the answer has %d bytes", w.Body.Len())
			}
		})
	}
}

// queryError is an error answer of the query protocol.
type queryError struct {
	XMLName xml.Name
	Error   struct {
		Type, Code, Message string
		Inner               []byte `xml:",innerxml"`
	}
	RequestId string
}

func errorOf(t *testing.T, w *httptest.ResponseRecorder) queryError {
	t.Helper()
	var e queryError
	if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	if e.XMLName.Local != "ErrorResponse" || e.RequestId == "" || e.RequestId != w.Header().Get("X-Amzn-Requestid") {
		t.Errorf("envelope: %s", w.Body)
	}
	return e
}

func TestQueryAnswers(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	k := &kitchen{out: &KitchenOutput{
		Name: aws.String("<&>\"\r\n\t\x01\xff\uFFFE日"), At: &at, Names: []string{}, Tags: []elbv2types.Tag{{Key: aws.String("k")}},
		Map: map[string]string{"b": "2", "a": "1"},
	}}
	w := postForm(serveQuery(t, k), kitchenForm)
	id := w.Header().Get("X-Amzn-Requestid")
	want := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<KitchenResponse xmlns="urn:kitchen"><KitchenResult>` +
		"<Name>&lt;&amp;&gt;&quot;&#xd;\n\t\uFFFD\uFFFD\uFFFD日</Name><Port>0</Port><On>false</On><At>2026-01-02T03:04:05Z</At><Names></Names>" +
		`<Tags><member><Key>k</Key></member></Tags>` +
		`<Map><entry><key>a</key><value>1</value></entry><entry><key>b</key><value>2</value></entry></Map>` +
		`</KitchenResult><ResponseMetadata><RequestId>` + id + `</RequestId></ResponseMetadata></KitchenResponse>`
	if diff := cmp.Diff(want, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	if got := w.Header().Get("Content-Type"); got != "text/xml" || id == "" {
		t.Errorf("Content-Type %q, request id %q", got, id)
	}
	k.out = nil
	if w := postForm(serveQuery(t, k), kitchenForm); !strings.Contains(w.Body.String(), "<KitchenResult></KitchenResult>") {
		t.Errorf("no output: %s", w.Body)
	}
}

func TestQueryFails(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		typ    string
		code   string
	}{
		{&elbv2types.TargetGroupNotFoundException{Message: aws.String("m")}, 400, "Sender", "TargetGroupNotFound"},
		{&iamtypes.NoSuchEntityException{Message: aws.String("m")}, 404, "Sender", "NoSuchEntity"},
		{&iamtypes.EntityAlreadyExistsException{Message: aws.String("m")}, 409, "Sender", "EntityAlreadyExists"},
		{&iamtypes.ServiceFailureException{Message: aws.String("m")}, 500, "Receiver", "ServiceFailure"},
		{&smithy.GenericAPIError{Code: "AccessDenied", Message: "m", Fault: smithy.FaultClient}, 403, "Sender", "AccessDenied"},
		{io.ErrUnexpectedEOF, 500, "Receiver", "InternalFailure"},
	} {
		w := postForm(serveQuery(t, &kitchen{err: c.err}), kitchenForm)
		e := errorOf(t, w)
		if w.Code != c.status || e.Error.Code != c.code || e.Error.Type != c.typ || c.status != 500 && e.Error.Message != "m" {
			t.Errorf("%T: %d %+v", c.err, w.Code, e.Error)
		}
	}
}

// FullException is an error with a member of its own, as the SDK makes them.
type FullException struct {
	Message           *string
	ErrorCodeOverride *string
	Used              *int32
}

func (e *FullException) Error() string                 { return *e.Message }
func (e *FullException) ErrorMessage() string          { return *e.Message }
func (e *FullException) ErrorCode() string             { return "Full" }
func (e *FullException) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

func TestQueryFailsWithAllMembers(t *testing.T) {
	err := &FullException{Message: aws.String("m"), Used: aws.Int32(7)}
	e := errorOf(t, postForm(serveQuery(t, &kitchen{err: err}), kitchenForm))
	if want := "<Type>Sender</Type><Code>Full</Code><Message>m</Message><Used>7</Used>"; string(e.Error.Inner) != want {
		t.Errorf("%s, want %s", e.Error.Inner, want)
	}
}

func TestTypedErrorsArrive(t *testing.T) {
	elb, role, who := echoELBv2(), echoIAM(), echoSTS()
	handler := func(e *echo) http.Handler { return apiwire.New(apiwire.Options{}, e.service) }
	elb.err = &elbv2types.TargetGroupNotFoundException{Message: aws.String("One or more target groups not found")}
	_, err := elbv2.NewFromConfig(config(handler(elb))).DescribeTargetGroups(t.Context(), &elbv2.DescribeTargetGroupsInput{})
	if e, ok := errors.AsType[*elbv2types.TargetGroupNotFoundException](err); !ok || *e.Message != "One or more target groups not found" {
		t.Errorf("elbv2: %v", err)
	}
	role.err = &iamtypes.NoSuchEntityException{Message: aws.String("no role")}
	_, err = iam.NewFromConfig(config(handler(role))).GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("x")})
	if e, ok := errors.AsType[*iamtypes.NoSuchEntityException](err); !ok || *e.Message != "no role" {
		t.Errorf("iam: %v", err)
	}
	who.err = &ststypes.InvalidIdentityTokenException{Message: aws.String("bad token")}
	_, err = sts.NewFromConfig(config(handler(who))).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String("arn:aws:iam::1:role/x"), RoleSessionName: aws.String("session"), WebIdentityToken: aws.String("token"),
	})
	if e, ok := errors.AsType[*ststypes.InvalidIdentityTokenException](err); !ok || *e.Message != "bad token" {
		t.Errorf("sts: %v", err)
	}
}

func TestEC2Query(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	v := &vpcs{out: &VpcsOutput{
		Vpcs:    []ec2types.Vpc{{VpcId: aws.String("vpc-1"), IsDefault: aws.Bool(false), Tags: []ec2types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}},
		Groups:  []string{"sg-1"},
		Created: &at,
	}}
	w := postForm(serveEC2(t, v), "Action=Vpcs&Version=2016-11-15&Filter.1.Name=n&Filter.1.Value.1=a&Filter.1.Value.3=b&VpcId.1=vpc-1&DryRun=false")
	want := &VpcsInput{
		Filters: []ec2types.Filter{{Name: aws.String("n"), Values: []string{"a", "b"}}}, VpcIds: []string{"vpc-1"}, DryRun: aws.Bool(false),
	}
	if diff := cmp.Diff(want, v.in, comparers(0)...); diff != "" {
		t.Error(diff)
	}
	id := w.Header().Get("X-Amzn-Requestid")
	xml := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<VpcsResponse xmlns="urn:ec2"><requestId>` + id + `</requestId>` +
		`<vpcSet><item><isDefault>false</isDefault><tagSet><item><key>k</key><value>v</value></item></tagSet><vpcId>vpc-1</vpcId></item></vpcSet>` +
		`<groups><groupId>sg-1</groupId></groups><created>2026-01-02T03:04:05.000Z</created></VpcsResponse>`
	if diff := cmp.Diff(xml, w.Body.String()); diff != "" {
		t.Error(diff)
	}
	w = postForm(serveEC2(t, v), "Action=Void&Version=2016-11-15")
	if !strings.HasSuffix(w.Body.String(), "</requestId><return>true</return></VoidResponse>") {
		t.Errorf("nothing to tell: %s", w.Body)
	}
}

func TestEC2QueryRefuses(t *testing.T) {
	for form, want := range map[string]string{
		"Action=Vpcs&Color=red":                "UnknownParameter: The parameter Color is not recognized",
		"Action=Vpcs&Filter.1.Colour=red":      "UnknownParameter: The parameter Colour is not recognized",
		"Action=Vpcs&VpcId.member.1=x":         "InvalidParameterValue: The list index VpcId.member is not a positive number.",
		"Action=Vpcs&DryRun=maybe":             "InvalidParameterValue: Value (maybe) for parameter DryRun is invalid. It must be a boolean.",
		"Action=Vpcs&DryRun=true&DryRun=false": "MalformedQueryString: The parameter DryRun is given more than once.",
	} {
		w := postForm(serveEC2(t, &vpcs{}), form+"&Version=2016-11-15")
		var e struct {
			XMLName   xml.Name `xml:"Response"`
			Code      string   `xml:"Errors>Error>Code"`
			Message   string   `xml:"Errors>Error>Message"`
			RequestID string
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if got := e.Code + ": " + e.Message; got != want || w.Code != 400 || e.RequestID == "" {
			t.Errorf("%s: %d %s", form, w.Code, w.Body)
		}
	}
}

func TestQueryUnknownAction(t *testing.T) {
	e := errorOf(t, postForm(serveQuery(t, &kitchen{}), "Action=Garden&Version=2020-01-01"))
	if e.Error.Code != "InvalidAction" || e.Error.Message != "The action Garden is not valid for this web service." {
		t.Errorf("%+v", e.Error)
	}
}

// TestQuerySignatureWords sees that refusals reach query clients in the words
// of their services.
func TestQuerySignatureWords(t *testing.T) {
	check := apiwire.Verify(keyring{}, func() time.Time { return signedAt })
	h := apiwire.New(apiwire.Options{Verify: check},
		apiwire.Query("kitchen", "2020-01-01", "urn:kitchen", &kitchen{}), apiwire.EC2Query("ec2", "2016-11-15", "urn:ec2", &vpcs{}))
	for _, c := range []struct {
		form, key string
		status    int
		code      string
	}{
		{kitchenForm, "", 403, "MissingAuthenticationToken"},
		{kitchenForm, "AKIDEXAMPLE", 403, "SignatureDoesNotMatch"},
		{kitchenForm, "AKIDOTHER", 403, "InvalidClientTokenId"},
		{"Action=Vpcs&Version=2016-11-15", "", 401, "AuthFailure"},
		{"Action=Vpcs&Version=2016-11-15", "AKIDOTHER", 401, "AuthFailure"},
		{"Action=Vpcs&Version=2016-11-15", "AKIDEXAMPLE", 403, "SignatureDoesNotMatch"},
	} {
		service := "kitchen"
		if strings.Contains(c.form, "Vpcs") {
			service = "ec2"
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Amz-Date", signedAt.Format("20060102T150405Z"))
		if c.key != "" {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+c.key+"/20260304/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=00")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), "<Code>"+c.code+"</Code>") {
			t.Errorf("%s by %q: %d %s", c.form, c.key, w.Code, w.Body)
		}
	}
}

func FuzzQueryRequest(f *testing.F) {
	for _, seed := range []string{"&Names.member.1=a&Names.member.999999999=b", "&Tags.member.1.Key=k", "&Map.entry.1.key=k&Map.entry.1.value=v",
		"&Nested.Nested.Name=%zz", "&Name=a&Name=b", "&At=2026-01-02T03:04:05Z&Blob=aGk=&Weight=NaN&On=true&Port=0", "&....=&=&%", "&Names="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		neverInternal(t, postForm(serveQuery(t, &kitchen{}), kitchenForm+form))
	})
}

func FuzzEC2QueryRequest(f *testing.F) {
	for _, seed := range []string{"&Filter.1.Name=n&Filter.1.Value.1=a", "&VpcId.7=x&VpcId.007=y", "&DryRun=&Filter=&Filter.1=", "&VpcId..1=x", "&Unknown.1=x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, form string) {
		neverInternal(t, postForm(serveEC2(t, &vpcs{}), "Action=Vpcs&Version=2016-11-15"+form))
	})
}

// neverInternal expects an answer that is well-formed XML and no internal
// failure.
func neverInternal(t *testing.T, w *httptest.ResponseRecorder) {
	if w.Code >= 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for d := xml.NewDecoder(w.Body); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
