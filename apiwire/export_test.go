package apiwire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// AddOperation gives a service an operation that is no method: method is a
// func(context.Context, *XInput) (*XOutput, error). It lets tests serve every
// operation of a client without writing them all.
func AddOperation(s *Service, name string, method reflect.Value) {
	in, out, ok := operationShape(method.Type())
	if !ok {
		panic(fmt.Sprintf("%s has not the shape of an operation", method.Type()))
	}
	s.operations[name] = &operation{service: s, name: name, method: method, in: in, out: out}
}

// Variants lists the struct types of the members of a union that a service
// has found.
func Variants(s *Service, union reflect.Type) []reflect.Type {
	var types []reflect.Type
	for _, name := range slices.Sorted(maps.Keys(s.codec.unions[union].byName)) {
		types = append(types, s.codec.unions[union].byName[name].typ)
	}
	return types
}

// EncodeJSON and DecodeJSON run the JSON codec alone, for benchmarks.
func EncodeJSON(s *Service, op string, buf []byte, out any) ([]byte, error) {
	w := jsonWriter{buf: buf[:0]}
	s.operations[op].wire.(*jsonWire).out.write(&w, reflect.ValueOf(out).Elem())
	return w.buf, w.err
}

// DecodeOutput reads an operation's output, which servers otherwise only
// write.
func DecodeOutput(s *Service, op string, body []byte, out any) error {
	return decodeBody(s.operations[op].wire.(*jsonWire).out, &request{body: body}, reflect.ValueOf(out).Elem())
}

// DecodeInput reads an operation's input.
func DecodeInput(s *Service, op string, body []byte, in any) error {
	return decodeBody(s.operations[op].wire.(*jsonWire).in, &request{body: body}, reflect.ValueOf(in).Elem())
}

// EncodeInput writes an operation's input, which servers otherwise only read.
func EncodeInput(s *Service, op string, in any) ([]byte, error) {
	var w jsonWriter
	s.operations[op].wire.(*jsonWire).in.write(&w, reflect.ValueOf(in).Elem())
	return w.buf, w.err
}

// Prepare compiles a service as New does.
func Prepare(s *Service) { s.prepare() }

// QueryLists names the fields of an Input that are lists in the URL's query.
func QueryLists(in reflect.Type) []string {
	var names []string
	for _, f := range newCodec(restJSON{}).planOf(in).bound {
		if f.binding.kind == inQuery && in.Field(f.index).Type.Kind() == reflect.Slice {
			names = append(names, f.goName)
		}
	}
	return names
}

// AppendJSONString writes a string.
func AppendJSONString(b []byte, s string) []byte { return appendJSONString(b, s) }
