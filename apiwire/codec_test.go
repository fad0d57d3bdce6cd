package apiwire_test

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecsdocument "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/neargate/neargate/apiwire"
)

// sample is a struct without schemas, as the services of older SDK modules
// have: the wire names are the Go names.
type sampleInput struct {
	Byte    int8
	Short   *int16
	Int     int32
	Long    *int64
	Float   *float32
	Double  float64
	Flag    *bool
	Text    *string
	Blob    []byte
	When    *time.Time
	List    []string
	Lists   [][]string
	Map     map[string]string
	Maps    map[string]map[string]int32
	Structs map[string]sampleStruct
	Next    *sampleStruct

	ResultMetadata middleware.Metadata
}

type sampleStruct struct {
	Name *string
	Next *sampleStruct
}

type sampleOutput sampleInput

// sampleService has one operation on them.
func sampleService() *apiwire.Service {
	s := apiwire.JSON11("sample", "Sample", struct{}{})
	shape := reflect.FuncOf(
		[]reflect.Type{reflect.TypeFor[context.Context](), reflect.TypeFor[*sampleInput]()},
		[]reflect.Type{reflect.TypeFor[*sampleOutput](), reflect.TypeFor[error]()}, false)
	apiwire.AddOperation(s, "Do", reflect.MakeFunc(shape, func(args []reflect.Value) []reflect.Value {
		out := reflect.New(reflect.TypeFor[sampleOutput]())
		out.Elem().Set(args[1].Elem().Convert(out.Type().Elem()))
		return []reflect.Value{out, reflect.Zero(reflect.TypeFor[error]())}
	}))
	apiwire.Prepare(s)
	return s
}

const zeros = `"Byte":0,"Double":0,"Int":0`

// TestValues sends values in and expects them back as AWS would write them.
func TestValues(t *testing.T) {
	s := sampleService()
	for in, want := range map[string]string{
		`{"Byte":-128,"Short":32767,"Int":2147483647,"Long":-9223372036854775808}`: `{"Byte":-128,"Double":0,"Int":2147483647,"Long":-9223372036854775808,"Short":32767}`,
		`{"Int":3.0,"Short":3e0,"Long":12E+2,"Byte":-0}`:                           `{"Byte":0,"Double":0,"Int":3,"Long":1200,"Short":3}`,
		`{"Long":9007199254740993}`:                                                `{` + zeros + `,"Long":9007199254740993}`,
		`{"Double":0.1,"Float":0.1}`:                                               `{"Byte":0,"Double":0.1,"Float":0.1,"Int":0}`,
		`{"Double":1e300,"Float":-2}`:                                              `{"Byte":0,"Double":1e+300,"Float":-2,"Int":0}`,
		`{"Double":"NaN","Float":"-Infinity"}`:                                     `{"Byte":0,"Double":"NaN","Float":"-Infinity","Int":0}`,
		`{"Double":"Infinity"}`:                                                    `{"Byte":0,"Double":"Infinity","Int":0}`,
		`{"Flag":true}`:                                                            `{"Byte":0,"Double":0,"Flag":true,"Int":0}`,
		`{"Text":"é\u0001\"\\\n\r\t\u2028<"}`:                                      `{` + zeros + `,"Text":"é\u0001\"\\\n\r\t` + "\u2028" + `<"}`,
		`{"Text":""}`:                                                              `{` + zeros + `,"Text":""}`,
		`{"Blob":"AAH/"}`:                                                          `{"Blob":"AAH/",` + zeros + `}`,
		`{"Blob":""}`:                                                              `{"Blob":"",` + zeros + `}`,
		`{"When":1557119253.821}`:                                                  `{` + zeros + `,"When":1557119253.821}`,
		`{"When":1557119253}`:                                                      `{` + zeros + `,"When":1557119253}`,
		`{"When":1.55711925382E9}`:                                                 `{` + zeros + `,"When":1557119253.82}`,
		`{"When":-0.001}`:                                                          `{` + zeros + `,"When":-0.001}`,
		`{"When":0.0004}`:                                                          `{` + zeros + `,"When":0}`,
		`{"List":[],"Map":{}}`:                                                     `{` + zeros + `,"List":[],"Map":{}}`,
		`{"List":null,"Map":null}`:                                                 `{` + zeros + `}`,
		`{"List":["b","a",null]}`:                                                  `{` + zeros + `,"List":["b","a",""]}`,
		`{"Lists":[["a"],[],null]}`:                                                `{` + zeros + `,"Lists":[["a"],[],[]]}`,
		`{"Map":{"b":"1","a":"2","":null}}`:                                        `{` + zeros + `,"Map":{"":"","a":"2","b":"1"}}`,
		`{"Maps":{"x":{"b":1,"a":2},"w":{}}}`:                                      `{` + zeros + `,"Maps":{"w":{},"x":{"a":2,"b":1}}}`,
		`{"Structs":{"x":{"Name":"n"},"w":null}}`:                                  `{` + zeros + `,"Structs":{"w":{},"x":{"Name":"n"}}}`,
		`{"Next":{"Name":"1","Next":{"Next":{}}}}`:                                 `{` + zeros + `,"Next":{"Name":"1","Next":{"Next":{}}}}`,
	} {
		h := apiwire.New(apiwire.Options{}, s)
		w := send(h, "POST", "/", in, "X-Amz-Target", "Sample.Do")
		if w.Body.String() != want {
			t.Errorf("%s\n gives %s\n  want %s", in, w.Body, want)
		}
	}
}

func TestValuesRefused(t *testing.T) {
	h := apiwire.New(apiwire.Options{}, sampleService())
	for in, want := range map[string]string{
		`{"Byte":128}`:                 "NUMBER_VALUE cannot be converted to Byte",
		`{"Short":-32769}`:             "NUMBER_VALUE cannot be converted to Short",
		`{"Long":9223372036854775808}`: "NUMBER_VALUE cannot be converted to Long",
		`{"Long":1e19}`:                "NUMBER_VALUE cannot be converted to Long",
		`{"Float":1e39}`:               "NUMBER_VALUE cannot be converted to Float",
		`{"Double":1e309}`:             "NUMBER_VALUE cannot be converted to Double",
		`{"Double":"1"}`:               "STRING_VALUE cannot be converted to Double",
		`{"Double":[]}`:                "Start of list found where not expected.",
		`{"Blob":"%"}`:                 "STRING_VALUE is not Base64",
		`{"Blob":1}`:                   "NUMBER_VALUE cannot be converted to Blob",
		`{"When":"2019-05-06"}`:        "STRING_VALUE cannot be converted to milliseconds since epoch",
		`{"When":1e12}`:                "NUMBER_VALUE cannot be converted to milliseconds since epoch",
		`{"Map":{"a":1}}`:              "NUMBER_VALUE cannot be converted to String",
		`{"Map":[]}`:                   "Start of list found where not expected.",
		`{"Lists":[1]}`:                "Expected list or null",
	} {
		w := send(h, "POST", "/", in, "X-Amz-Target", "Sample.Do")
		if w.Code != 400 || !strings.Contains(w.Body.String(), `"message":"`+want+`"`) {
			t.Errorf("%s\n gives %d %s\n  want %s", in, w.Code, w.Body, want)
		}
	}
}

// TestBadOutputText: a server's strings may be anything; what it writes is
// JSON.
func TestBadOutputText(t *testing.T) {
	b, err := apiwire.EncodeJSON(sampleService(), "Do", nil, &sampleOutput{Text: aws.String("a\xffb\xc3"), Double: math.Copysign(0, -1)})
	if want := `{"Byte":0,"Double":-0,"Int":0,"Text":"a` + "\ufffdb\ufffd" + `"}`; err != nil || string(b) != want {
		t.Errorf("%s, %v\nwant %s", b, err, want)
	}
}

func TestUnions(t *testing.T) {
	e := echoECS()
	for body, want := range map[string]string{
		`{"gatewayConfiguration":{"hostSharedAlb":{}}}`:                                    "*types.GatewayConfigurationMemberHostSharedAlb",
		`{"gatewayConfiguration":{"__type":"x","later":{},"hostSharedAlb":{"later":[1]}}}`: "*types.GatewayConfigurationMemberHostSharedAlb",
		`{"gatewayConfiguration":{"later":{"a":1}}}`:                                       "<nil>",
		`{"gatewayConfiguration":{"hostSharedAlb":null}}`:                                  "<nil>",
		`{"gatewayConfiguration":{}}`:                                                      "<nil>",
		`{"gatewayConfiguration":null}`:                                                    "<nil>",
	} {
		var in ecs.CreateGatewayInput
		if err := apiwire.DecodeInput(e.service, "CreateGateway", []byte(strings.ReplaceAll(body, "gatewayConfiguration", gatewayMember())), &in); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		if got := typeName(reflect.ValueOf(in)); got != want {
			t.Errorf("%s: read %s, want %s", body, got, want)
		}
	}
}

// gatewayMember is the wire name of the one union of CreateGatewayInput.
func gatewayMember() string {
	f := gatewayField()
	return strings.ToLower(f.Name[:1]) + f.Name[1:]
}

func gatewayField() reflect.StructField {
	for f := range reflect.TypeFor[ecs.CreateGatewayInput]().Fields() {
		if f.Type == reflect.TypeFor[types.GatewayConfiguration]() {
			return f
		}
	}
	panic("CreateGatewayInput has no union")
}

func typeName(in reflect.Value) string {
	v := in.FieldByIndex(gatewayField().Index)
	if v.IsNil() {
		return "<nil>"
	}
	return v.Elem().Type().String()
}

// TestUnionsMissing: a union that cannot be read is found when the handler is
// made, not when it is needed.
func TestUnionsMissing(t *testing.T) {
	s := apiwire.JSON11("logs", "Logs_20140328", putIntegration{})
	defer func() {
		if v := recover(); v == nil || !strings.Contains(v.(string), "types.ResourceConfig in cloudwatchlogs.PutIntegrationInput cannot be found") {
			t.Errorf("recovered %v", v)
		}
	}()
	apiwire.New(apiwire.Options{}, s)
}

type putIntegration struct{}

func (putIntegration) PutIntegration(context.Context, *cloudwatchlogs.PutIntegrationInput) (*cloudwatchlogs.PutIntegrationOutput, error) {
	return nil, nil
}

// TestDocuments: what is sent as a document is read by handlers as JSON.
func TestDocuments(t *testing.T) {
	e := echoECS()
	const body = `{"deploymentConfiguration":{"lifecycleHooks":[{"hookDetails":{"a":[1,2.50,"x",null,true]}}]}}`
	var in ecs.CreateServiceInput
	if err := apiwire.DecodeInput(e.service, "CreateService", []byte(body), &in); err != nil {
		t.Fatal(err)
	}
	var got struct{ A []any }
	if err := in.DeploymentConfiguration.LifecycleHooks[0].HookDetails.UnmarshalSmithyDocument(&got); err != nil || len(got.A) != 5 {
		t.Errorf("read %v, %v", got, err)
	}
	if b, err := apiwire.EncodeInput(e.service, "CreateService", &in); err != nil || !strings.Contains(string(b), `{"hookDetails":{"a":[1,2.50,"x",null,true]}}`) {
		t.Errorf("wrote %s, %v", b, err)
	}
	in.DeploymentConfiguration.LifecycleHooks[0].HookDetails = ecsdocument.NewLazyDocument(make(chan int))
	if b, err := apiwire.EncodeInput(e.service, "CreateService", &in); err == nil {
		t.Errorf("wrote %s", b)
	}
}
