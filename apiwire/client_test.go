package apiwire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/neargate/neargate/apiwire"
)

// This file gives tests real SDK clients that reach a handler without a
// network, and services that have every operation of a client.

// direct is an HTTP client that calls a handler.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if in.Host == "" {
		in.Host = in.URL.Host
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, in)
	res := w.Result()
	res.Request = r
	return res, nil
}

func config(h http.Handler) aws.Config {
	return aws.Config{
		Region:     "eu-west-1",
		HTTPClient: direct{h},
		Retryer:    func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "123456789012", SecretAccessKey: "secret"}, nil
		}),
		BaseEndpoint: aws.String("http://neargate.test"),
	}
}

// eventStreams are operations that this package does not carry.
var eventStreams = map[string]bool{"StartLiveTail": true, "GetLogObject": true}

// echo is a service with every operation of an SDK client. What arrives is
// kept in got, what out holds is answered.
type echo struct {
	service *apiwire.Service
	client  func(http.Handler) reflect.Value
	ops     map[string]reflect.Method
	got     reflect.Value
	out     reflect.Value
	err     error
}

// serveAll gives a service the operations of a client type.
func serveAll(s *apiwire.Service, client reflect.Type, dial func(http.Handler) reflect.Value) *echo {
	e := &echo{service: s, client: dial, ops: map[string]reflect.Method{}}
	for _, name := range apiwire.OperationsOf(reflect.New(client.Elem()).Interface()) {
		if eventStreams[name] {
			continue
		}
		m, _ := client.MethodByName(name)
		e.ops[name] = m
		shape := reflect.FuncOf(
			[]reflect.Type{m.Type.In(1), m.Type.In(2)},
			[]reflect.Type{m.Type.Out(0), m.Type.Out(1)}, false)
		apiwire.AddOperation(s, name, reflect.MakeFunc(shape, e.answer(m.Type.Out(0))))
	}
	apiwire.Prepare(s)
	return e
}

func (e *echo) answer(out reflect.Type) func([]reflect.Value) []reflect.Value {
	return func(args []reflect.Value) []reflect.Value {
		e.got = args[1]
		err := reflect.Zero(reflect.TypeFor[error]())
		if e.err != nil {
			err = reflect.ValueOf(&e.err).Elem()
			return []reflect.Value{reflect.Zero(out), err}
		}
		if !e.out.IsValid() {
			return []reflect.Value{reflect.Zero(out), err}
		}
		return []reflect.Value{e.out, err}
	}
}

func echoECS() *echo {
	s := apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", struct{}{}).WithUnions(
		&ecstypes.GatewayConfigurationMemberHostSharedAlb{}, &ecstypes.UpdateGatewayConfigurationMemberHostSharedAlb{})
	return serveAll(s, reflect.TypeFor[*ecs.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(ecs.NewFromConfig(config(h)))
	})
}

func echoEKS(t testing.TB) *echo {
	s := apiwire.RESTJSON("eks", eksRoutes(t), struct{}{})
	return serveAll(s, reflect.TypeFor[*eks.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(eks.NewFromConfig(config(h)))
	})
}

func echoLogs() *echo {
	s := apiwire.JSON11("logs", "Logs_20140328", struct{}{}).WithUnions(&logstypes.ResourceConfigMemberOpenSearchResourceConfig{})
	return serveAll(s, reflect.TypeFor[*cloudwatchlogs.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(cloudwatchlogs.NewFromConfig(config(h)))
	})
}
