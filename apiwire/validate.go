package apiwire

import (
	"reflect"
	"strings"
)

// This file checks inputs against a service's constraints, and enums against
// the values that the SDK's types list. A struct type is compiled once into
// the few checks that it needs; members without any cost nothing. Not looked into: union members
// and documents, which no table speaks of.

// A Demand is one kind of thing that a model can ask of a member.
type Demand int

// What a model can demand.
const (
	Required  Demand = iota // the member must be there
	MinLength               // of a string in characters, of a blob in bytes, of a list or map in elements
	MaxLength
	MinValue // of a number
	MaxValue
	Pattern // a regular expression for the whole string
	OneOf   // an enum
)

// Violation is one thing that is wrong with an input.
type Violation struct {
	Operation string
	Path      string // as AWS writes it: "logEvents.1.member.timestamp"
	Value     string // as AWS prints it; "" when Required is not met
	Demand    Demand
	Limit     int64    // of lengths and values
	Pattern   string   // as the model spells it
	Allowed   []string // the values of an enum
	List      bool     // the member is a list or a map
	Part      Part     // the member itself or, of a collection, what is in it
	Demands   []string // all that is demanded of that part, in AWS's sentences
}

// Part says which part of a member a violation is about.
type Part int

// The parts of a member.
const (
	Whole Part = iota
	Elements
	MapKeys
	MapValues
)

// maxViolations bounds what is told of an input that is wrong throughout.
const maxViolations = 100

// checker is the compiled checks of a struct type.
type checker struct {
	fields []fieldCheck
}

type fieldCheck struct {
	index int
	name  string // as on the wire of the JSON services, which all services' messages use
	check valueCheck
}

// valueCheck appends what is wrong with a value at a path to out.
type valueCheck func(v reflect.Value, out *violations)

// violations collects. Paths grow from the inside out, so that inputs without
// fault build none.
type violations struct {
	found []Violation
}

// check returns what is wrong with the input of an operation; in is a struct
// or a pointer to one.
func (c Constraints) check(op string, in reflect.Value) []Violation {
	if in.Kind() == reflect.Pointer {
		in = in.Elem()
	}
	if c.table == nil {
		c = ConstraintsOf("")
	}
	var out violations
	c.table.checkerOf(in.Type()).check(in, &out)
	for i := range out.found {
		out.found[i].Operation = op
	}
	return out.found
}

func (c *checker) check(v reflect.Value, out *violations) {
	for i := range c.fields {
		f := &c.fields[i]
		before := len(out.found)
		f.check(v.Field(f.index), out)
		out.prefix(before, f.name)
	}
}

// prefix puts a step before the paths of what was found since.
func (o *violations) prefix(since int, step string) {
	for i := since; i < len(o.found); i++ {
		p := &o.found[i].Path
		if *p == "" {
			*p = step
		} else {
			*p = step + "." + *p
		}
	}
}

func (o *violations) add(v Violation) {
	if len(o.found) < maxViolations {
		o.found = append(o.found, v)
	}
}

// checkerOf compiles a struct type once.
func (t *constraintTable) checkerOf(typ reflect.Type) *checker {
	if c, ok := t.checkers.Load(typ); ok {
		return c.(*checker)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	pending := map[reflect.Type]*checker{}
	c := t.compile(typ, pending)
	for done, checker := range pending {
		t.checkers.Store(done, checker)
	}
	return c
}

func (t *constraintTable) compile(typ reflect.Type, pending map[reflect.Type]*checker) *checker {
	if c, ok := pending[typ]; ok {
		return c
	}
	if c, ok := t.checkers.Load(typ); ok {
		return c.(*checker)
	}
	c := &checker{}
	pending[typ] = c
	members := t.structs()[typ.Name()]
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !isMember(f) {
			continue
		}
		m := memberCheck{
			whole: members[f.Name], elements: members[f.Name+"[]"], keys: members[f.Name+"{}"], values: members[f.Name+"{=}"],
		}
		if check := m.compile(f.Type, func(s reflect.Type) *checker { return t.compile(s, pending) }); check != nil {
			c.fields = append(c.fields, fieldCheck{index: i, name: strings.ToLower(f.Name[:1]) + f.Name[1:], check: check})
		}
	}
	return c
}

// memberCheck is what the table says of one member and of what it holds.
type memberCheck struct {
	whole, elements, keys, values *constraint
}

// compile chooses the checks of a member, nil when it needs none.
func (m memberCheck) compile(t reflect.Type, nested func(reflect.Type) *checker) valueCheck {
	var checks []valueCheck
	if m.whole != nil && m.whole.required {
		checks = append(checks, requireMember(isCollection(t)))
	}
	elem := t
	if t.Kind() == reflect.Pointer {
		elem = t.Elem()
	}
	if c := valueChecks(elem, m.whole, Whole); c != nil {
		checks = append(checks, present(c))
	}
	switch {
	case isCollection(elem):
		if c := m.collection(elem, nested); c != nil {
			checks = append(checks, present(c))
		}
	case elem.Kind() == reflect.Struct && elem != timeType:
		checks = append(checks, present(structCheck(nested(elem))))
	}
	return all(checks)
}

// collection chooses the checks of what a list or a map holds.
func (m memberCheck) collection(t reflect.Type, nested func(reflect.Type) *checker) valueCheck {
	elements, part := m.elements, Elements
	if t.Kind() == reflect.Map {
		elements, part = m.values, MapValues
	}
	var checks []valueCheck
	if t.Kind() == reflect.Map {
		if c := valueChecks(t.Key(), m.keys, MapKeys); c != nil {
			checks = append(checks, eachKey(c, sentencesOf(t.Key(), m.keys)))
		}
	}
	elem := t.Elem()
	switch {
	case elem.Kind() == reflect.Struct && elem != timeType:
		checks = append(checks, eachStruct(nested(elem)))
	case isCollection(elem):
		if c := (memberCheck{}).compile(elem, nested); c != nil {
			checks = append(checks, each(c, nil))
		}
	default:
		if c := valueChecks(elem, elements, part); c != nil {
			checks = append(checks, each(c, sentencesOf(elem, elements)))
		}
	}
	return all(checks)
}

// valueChecks chooses the checks of a plain value, or of a collection's size.
func valueChecks(t reflect.Type, c *constraint, part Part) valueCheck {
	var checks []valueCheck
	if allowed := enumValues(t); allowed != nil {
		checks = append(checks, checkEnum(allowed, part))
	}
	if c == nil {
		return all(checks)
	}
	if c.min != nil || c.max != nil {
		checks = append(checks, checkRange(c.min, c.max, part))
	}
	if c.regexp != nil && t.Kind() == reflect.String {
		checks = append(checks, checkPattern(c, part))
	}
	return all(checks)
}

// sentencesOf is all that is demanded of a collection's parts, in the order in
// which AWS tells it.
func sentencesOf(t reflect.Type, c *constraint) []string {
	var all []string
	if allowed := enumValues(t); allowed != nil {
		all = append(all, demandSentence(OneOf, 0, "", allowed))
	}
	if c == nil {
		return all
	}
	low, high := MinLength, MaxLength
	if t.Kind() != reflect.String && !isCollection(t) {
		low, high = MinValue, MaxValue
	}
	if c.max != nil {
		all = append(all, demandSentence(high, *c.max, "", nil))
	}
	if c.min != nil {
		all = append(all, demandSentence(low, *c.min, "", nil))
	}
	if c.pattern != "" {
		all = append(all, demandSentence(Pattern, 0, c.pattern, nil))
	}
	return all
}
