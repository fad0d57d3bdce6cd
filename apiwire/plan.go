package apiwire

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/traits"
)

// This file compiles SDK structs into plans for the JSON protocols: which
// member is written under which name and how. json_write.go and json_read.go
// hold the functions that plans are made of, union.go what Go's reflection
// cannot tell by itself. (The query protocols have plans of their own.)

// codec holds the plans of one service. Plans are compiled when a handler is made,
// those of errors when they are first returned, and never change after that.
type codec struct {
	rest    bool // restJson: names come from jsonName, members may be bound to path and query
	buffers sync.Pool

	mu       sync.Mutex
	plans    map[reflect.Type]*plan
	unions   map[reflect.Type]*union
	examples []reflect.Type // union members named by WithUnions
}

func newCodec(p protocol) *codec {
	_, rest := p.(restJSON)
	return &codec{
		rest:    rest,
		buffers: sync.Pool{New: func() any { return new(jsonWriter) }},
		plans:   map[reflect.Type]*plan{},
		unions:  map[reflect.Type]*union{},
	}
}

// plan is a struct type, ready to be written and read.
type plan struct {
	schema *smithy.Schema // nil when the SDK module ships none
	fields []*field       // of the body, in the order of their wire names
	bound  []*field       // to path or query, in REST protocols
	byName map[string]*field
}

// field is one member of a struct.
type field struct {
	index   int
	goName  string
	name    string // on the wire
	key     string // `"name":`
	omit    func(reflect.Value) bool
	encode  encodeFunc
	decode  decodeFunc
	binding binding
}

// shape is what a Go type is in AWS's model, as far as it is known.
type shape struct {
	codec  *codec
	schema *smithy.Schema // of the member; nil when unknown
	owner  reflect.Type   // struct that the member is in, directly or through lists and maps
	member *smithy.Schema // of that struct's member
}

// planOf returns the plan of a struct type, compiling it first when need be.
func (c *codec) planOf(t reflect.Type) *plan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.compile(t)
}

// compile makes the plan of t and all it holds. The plan is known before its
// fields are, because types may hold themselves.
func (c *codec) compile(t reflect.Type) *plan {
	if p := c.plans[t]; p != nil {
		return p
	}
	p := &plan{schema: schemaOf(t), byName: map[string]*field{}}
	c.plans[t] = p
	members := membersByGoName(p.schema)
	for i := range t.NumField() {
		sf := t.Field(i)
		if !sf.IsExported() || sf.Name == "ResultMetadata" || sf.Name == "ErrorCodeOverride" {
			continue
		}
		member := members[sf.Name]
		if p.schema != nil && member == nil {
			panic(fmt.Sprintf("apiwire: %s.%s has no schema", t, sf.Name))
		}
		c.add(p, t, sf, member)
	}
	slices.SortFunc(p.fields, func(a, b *field) int { return cmp.Compare(a.name, b.name) })
	return p
}

func (c *codec) add(p *plan, owner reflect.Type, sf reflect.StructField, member *smithy.Schema) {
	f := &field{index: sf.Index[0], goName: sf.Name, name: c.wireName(sf.Name, member), omit: omitter(sf.Type)}
	if c.rest {
		f.binding = bindingOf(member, sf.Type)
	}
	if f.binding.kind != inBody {
		p.bound = append(p.bound, f)
		return
	}
	f.key = string(appendJSONString(nil, f.name)) + ":"
	f.encode, f.decode = c.functions(sf.Type, shape{codec: c, schema: member, owner: owner, member: member})
	p.fields = append(p.fields, f)
	p.byName[f.name] = f
}

// wireName is the member's name where there is a schema. The JSON services
// without one (Cloud Map, Application Auto Scaling) use the Go name as it is.
func (c *codec) wireName(goName string, member *smithy.Schema) string {
	if member == nil {
		return goName
	}
	if t, ok := smithy.SchemaTrait[*traits.JSONName](member); ok && c.rest {
		return t.Name
	}
	return member.MemberName()
}

// functions chooses how values of a Go type are written and read.
func (c *codec) functions(t reflect.Type, s shape) (encodeFunc, decodeFunc) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return encodeTime(s.schema), decodeTime(s.schema)
	case t == reflect.TypeFor[[]byte]():
		return encodeBlob, decodeBlob
	}
	switch t.Kind() {
	case reflect.Pointer:
		e, d := c.functions(t.Elem(), s)
		return encodePointer(e), decodePointer(t.Elem(), d)
	case reflect.Struct:
		p := c.compile(t)
		return p.write, p.read
	case reflect.Slice:
		e, d := c.functions(t.Elem(), s.to(s.schema.ListMember))
		return encodeList(e), decodeList(d)
	case reflect.Map:
		e, d := c.functions(t.Elem(), s.to(s.schema.MapValue))
		return encodeMap(t, e), decodeMap(t, d)
	case reflect.Interface:
		if t.Implements(reflect.TypeFor[document.Marshaler]()) {
			return encodeDocument, decodeDocument(s)
		}
		u := c.unionOf(t, s)
		return u.write, u.read
	}
	return scalar(t)
}

// to descends into the elements of a list or a map.
func (s shape) to(element func() *smithy.Schema) shape {
	if s.schema != nil {
		s.schema = element()
	}
	return s
}

func scalar(t reflect.Type) (encodeFunc, decodeFunc) {
	switch t.Kind() {
	case reflect.String:
		return encodeString, decodeString
	case reflect.Bool:
		return encodeBool, decodeBool
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return encodeInt, decodeInt(t)
	case reflect.Float32, reflect.Float64:
		return encodeFloat(t.Bits()), decodeFloat(t)
	}
	panic(fmt.Sprintf("apiwire: cannot put a %s on the wire", t))
}

// omitter says when a member is left out: pointers, lists, maps and interfaces
// that are nil, enums that are empty; never numbers and bools, since AWS
// writes zero counts.
func omitter(t reflect.Type) func(reflect.Value) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return reflect.Value.IsNil
	case reflect.String:
		return func(v reflect.Value) bool { return v.Len() == 0 }
	}
	return func(reflect.Value) bool { return false }
}

// membersByGoName indexes a schema's members by their Go field names, which
// are the members' with a capital first letter.
func membersByGoName(s *smithy.Schema) map[string]*smithy.Schema {
	if s == nil {
		return nil
	}
	m := make(map[string]*smithy.Schema, len(s.Members()))
	for name, member := range s.Members() {
		m[upperFirst(name)] = member
	}
	return m
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// variantName is the part of a union member's type name behind "Member", as in
// GatewayConfigurationMemberHostSharedAlb.
func variantName(union, member reflect.Type) string {
	return strings.TrimPrefix(member.Name(), union.Name()+"Member")
}
