package apiwire

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

// This file compiles Go structs for the query protocols, which have no
// schemas: a field's wire name is its Go name, with the exceptions that the
// dialect knows. A struct is compiled when an operation first needs it, so
// that a server with a hundred operations starts without compiling any.

// queryDialect is what tells one query protocol from the other.
type queryDialect struct {
	member, entry string // what stands before a list's and a map's numbers; "" in flat lists
	strict        bool   // parameters that the operation does not have are refused
	request       func(owner reflect.Type, f reflect.StructField) string
	response      func(owner reflect.Type, f reflect.StructField) (name, item string)
	time          func(time.Time) string
	malformed     string // code for a parameter of the wrong shape
}

func awsQueryDialect() queryDialect {
	return queryDialect{
		member: "member", entry: "entry",
		request: awsQueryName,
		response: func(owner reflect.Type, f reflect.StructField) (string, string) {
			return awsQueryName(owner, f), "member"
		},
		time:      formatQueryTime,
		malformed: "MalformedInput",
	}
}

// awsQueryName knows the two members of STS, IAM and ELBv2 that are not
// written with a capital (checked against all three models).
func awsQueryName(owner reflect.Type, f reflect.StructField) string {
	switch owner.Name() + "." + f.Name {
	case "PolicyDescriptorType.Arn", "ListDelegationRequestsOutput.IsTruncated":
		return strings.ToLower(f.Name[:1]) + f.Name[1:]
	}
	return f.Name
}

func ec2QueryDialect() queryDialect {
	return queryDialect{
		strict:    true,
		request:   ec2RequestName,
		response:  ec2ResponseName,
		time:      func(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") },
		malformed: "InvalidParameterValue",
	}
}

// formatQueryTime writes ISO 8601 in UTC, with milliseconds only when there
// are any.
func formatQueryTime(t time.Time) string {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("2006-01-02T15:04:05.000Z")
}

type (
	queryReader func(n *formNode, v reflect.Value) error
	queryWriter func(x *xmlWriter, name string, v reflect.Value)
)

// queryStruct is the compiled form of a struct type.
type queryStruct struct {
	fields []queryField
}

type queryField struct {
	index    int
	name     string // of the Go field
	request  string
	response string
	read     queryReader
	write    queryWriter
}

// queryPlans compiles struct types and remembers them; it is safe for
// concurrent use.
type queryPlans struct {
	dialect queryDialect
	ready   sync.Map // reflect.Type → *queryStruct, complete ones only
	mu      sync.Mutex

	variants sync.Map // name of a union member's struct → its type
}

func newQueryPlans(dialect func() queryDialect) *queryPlans {
	return &queryPlans{dialect: dialect()}
}

// of returns the plan of a struct type. It fails for a type that the query
// protocols cannot carry, which is a mistake in the service's code.
func (p *queryPlans) of(t reflect.Type) (*queryStruct, error) {
	if s, ok := p.ready.Load(t); ok {
		return s.(*queryStruct), nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := queryCompiler{plans: p, pending: map[reflect.Type]*queryStruct{}}
	s, err := c.structOf(t)
	if err != nil {
		return nil, err
	}
	for typ, plan := range c.pending {
		p.ready.Store(typ, plan)
	}
	return s, nil
}

// silent tells whether a struct type has nothing to write.
func (p *queryPlans) silent(t reflect.Type) bool {
	s, err := p.of(t)
	return err == nil && len(s.fields) == 0
}

// queryCompiler compiles one type and all that it holds. What it has begun is
// pending, so that a type that holds itself finds its own plan.
type queryCompiler struct {
	plans   *queryPlans
	pending map[reflect.Type]*queryStruct
}

func (c *queryCompiler) structOf(t reflect.Type) (*queryStruct, error) {
	if s, ok := c.pending[t]; ok {
		return s, nil
	}
	if s, ok := c.plans.ready.Load(t); ok {
		return s.(*queryStruct), nil
	}
	s := &queryStruct{}
	c.pending[t] = s
	for i := range t.NumField() {
		f := t.Field(i)
		if !isMember(f) {
			continue
		}
		field, err := c.field(t, f)
		if err != nil {
			return nil, err
		}
		s.fields = append(s.fields, field)
	}
	return s, nil
}

// isMember tells the members of a shape from what the SDK adds to its
// structs.
func isMember(f reflect.StructField) bool {
	return f.IsExported() && !f.Anonymous && f.Name != "ResultMetadata" && f.Name != "ErrorCodeOverride"
}

func (c *queryCompiler) field(owner reflect.Type, f reflect.StructField) (queryField, error) {
	d := c.plans.dialect
	response, item := d.response(owner, f)
	read, write, err := c.value(f.Type, item)
	if err != nil {
		return queryField{}, fmt.Errorf("%s.%s: %w", owner, f.Name, err)
	}
	return queryField{index: f.Index[0], name: f.Name, request: d.request(owner, f), response: response, read: read, write: write}, nil
}

var timeType = reflect.TypeFor[time.Time]()

// value chooses how a type is read and written; item names the elements of a
// list in an answer.
func (c *queryCompiler) value(t reflect.Type, item string) (queryReader, queryWriter, error) {
	switch {
	case t == timeType:
		return readTime, writeTime(c.plans.dialect.time), nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return readBlob, writeBlob, nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		read, write, err := c.value(t.Elem(), item)
		return readPointer(t.Elem(), read), writePointer(write), err
	case reflect.Struct:
		s, err := c.structOf(t)
		return readStruct(s), writeStruct(s), err
	case reflect.Slice:
		read, write, err := c.value(t.Elem(), item)
		return readList(c.plans.dialect.member, read), writeList(item, write), err
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			break
		}
		read, write, err := c.value(t.Elem(), item)
		return readMap(c.plans.dialect.entry, read), writeMap(write), err
	case reflect.Interface:
		if t.NumMethod() > 0 {
			return c.plans.readUnion(t), c.plans.writeUnion(t), nil
		}
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float32, reflect.Float64:
		return readScalar, writeScalar, nil
	}
	return nil, nil, fmt.Errorf("the query protocols cannot carry a %s", t)
}
