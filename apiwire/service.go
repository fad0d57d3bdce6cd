package apiwire

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// This file is about what a service is made of; handler.go serves it.

// Service is an AWS service to be served: an API value whose methods are the
// operations, and the wire protocol that carries them. Make one with the
// function named for its protocol and hand it to [New]. Its With methods are
// for the time before that.
type Service struct {
	name    string // signing name, such as "ecs"
	target  string // prefix of X-Amz-Target in the JSON protocols
	version string // API version in the query protocols, such as "2011-06-15"
	xmlns   string // XML namespace of answers in the query protocols

	protocol   protocol
	operations map[string]*operation
	known      []string // every operation AWS has, sorted; nil when nobody said
	routes     []Route
	router     *router
	variants   []any // examples of union members, see WithUnions

	constraints Constraints
	voice       Voice // nil: inputs are not checked

	codec *codec
	once  sync.Once
}

// Route is the HTTP binding of an operation of a REST service. Path is AWS's
// template, such as "/clusters/{name}/updates"; a label holds one segment.
type Route struct{ Operation, Method, Path string }

// JSON10 makes a service of the awsJson1_0 protocol. Name is the service's
// signing name, targetPrefix what stands before the dot in X-Amz-Target.
func JSON10(name, targetPrefix string, api any) *Service {
	s := newService(name, awsJSON{contentType: "application/x-amz-json-1.0"}, api)
	s.target = targetPrefix
	return s
}

// JSON11 makes a service of the awsJson1_1 protocol, as ECS, ECR, CloudWatch
// Logs and most others are.
func JSON11(name, targetPrefix string, api any) *Service {
	s := newService(name, awsJSON{contentType: "application/x-amz-json-1.1"}, api)
	s.target = targetPrefix
	return s
}

// RESTJSON makes a service of the restJson1 protocol, as EKS is. Routes lists
// all that AWS has, so that one without a method here is told from a path that
// does not exist. It panics when a route is not well formed.
func RESTJSON(name string, routes []Route, api any) *Service {
	s := newService(name, restJSON{}, api)
	s.routes = slices.Clone(routes)
	s.router = newRouter(s.routes)
	names := make([]string, 0, len(routes))
	for _, r := range routes {
		names = append(names, r.Operation)
	}
	return s.WithOperations(names...)
}

func newService(name string, p protocol, api any) *Service {
	s := &Service{name: name, protocol: p, operations: map[string]*operation{}}
	v := reflect.ValueOf(api)
	for i := range v.NumMethod() {
		m := v.Type().Method(i)
		in, out, ok := operationShape(v.Method(i).Type())
		if !ok {
			continue
		}
		s.operations[m.Name] = &operation{service: s, name: m.Name, method: v.Method(i), in: in, out: out}
	}
	return s
}

// operationShape tells whether a method is an operation:
// func(context.Context, *XInput) (*XOutput, error).
func operationShape(m reflect.Type) (in, out reflect.Type, ok bool) {
	if m.NumIn() != 2 || m.NumOut() != 2 || m.IsVariadic() ||
		m.In(0) != reflect.TypeFor[context.Context]() || m.Out(1) != reflect.TypeFor[error]() {
		return nil, nil, false
	}
	in, out = m.In(1), m.Out(0)
	if !isStructPointer(in, "Input") || !isStructPointer(out, "Output") {
		return nil, nil, false
	}
	return in.Elem(), out.Elem(), true
}

func isStructPointer(t reflect.Type, suffix string) bool {
	return t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && strings.HasSuffix(t.Elem().Name(), suffix)
}

// WithOperations names operations that AWS has, whether there is a method for
// them or not: [Handler.Coverage] counts against them, and a call of one
// without a method is answered as not available rather than as unknown.
func (s *Service) WithOperations(names ...string) *Service {
	s.known = append(s.known, names...)
	slices.Sort(s.known)
	s.known = slices.Compact(s.known)
	return s
}

// WithUnions makes union members known, by example:
// &types.GatewayConfigurationMemberHostSharedAlb{}. Only unions that are used
// by no struct but an operation's Input need it, because the SDK can read no
// Input and so gives no other means to find their members; [New] panics when one is
// missing.
func (s *Service) WithUnions(members ...any) *Service {
	s.variants = append(s.variants, members...)
	return s
}

// WithConstraints has every input checked before its operation is called; v
// words what is wrong with it.
func (s *Service) WithConstraints(c Constraints, v Voice) *Service {
	s.constraints, s.voice = c, v
	return s
}

// check returns what is wrong with an input, in the service's words.
func (s *Service) check(op *operation, in reflect.Value) error {
	if s.voice == nil {
		return nil
	}
	if wrong := s.constraints.check(op.name, in); len(wrong) > 0 {
		return s.voice(wrong)
	}
	return nil
}

// prepare compiles what the protocol needs for each operation, once.
func (s *Service) prepare() {
	s.once.Do(func() {
		s.codec = newCodec(s.protocol)
		for _, v := range s.variants {
			s.codec.register(reflect.TypeOf(v))
		}
		p, ok := s.protocol.(preparer)
		if !ok {
			return
		}
		for _, op := range s.operations {
			p.prepare(s, op)
		}
		s.codec.seal(s.name)
	})
}
