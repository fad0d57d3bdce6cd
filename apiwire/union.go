package apiwire

import (
	"fmt"
	"reflect"

	"github.com/aws/smithy-go"
)

// This file is about unions: interfaces in the SDK's types whose members are
// structs named <Union>Member<Variant> with one field, Value. Reflection cannot list
// the types that implement an interface, so the members are found by letting a
// struct that has the union read each of them.

// union is a union type with its members.
type union struct {
	typ    reflect.Type
	byName map[string]*variant       // by wire name
	byType map[reflect.Type]*variant // by struct type
	seenIn string                    // where it was met first, for messages
}

// variant is one member of a union.
type variant struct {
	typ    reflect.Type // struct with the field Value
	key    string
	encode encodeFunc
	decode decodeFunc
}

// register makes the type of a union member known. The union it belongs to is
// the one whose name its own begins with; it is filed when that is met.
func (c *codec) register(member reflect.Type) {
	if member.Kind() != reflect.Pointer || member.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("apiwire: %s is not a pointer to a union member", member))
	}
	c.examples = append(c.examples, member.Elem())
}

// unionOf returns the union of an interface type and adds the members that can
// be found by way of the struct at hand.
func (c *codec) unionOf(t reflect.Type, s shape) *union {
	u := c.unions[t]
	if u == nil {
		u = &union{typ: t, byName: map[string]*variant{}, byType: map[reflect.Type]*variant{}, seenIn: s.owner.String()}
		c.unions[t] = u
	}
	if len(u.byName) > 0 || s.schema == nil {
		return u
	}
	for name, member := range s.schema.Members() {
		if found := c.memberOf(t, upperFirst(name), member, s); found != nil {
			c.addVariant(u, found, name, member)
		}
	}
	return u
}

// memberOf finds the struct type of one member of a union, nil when it cannot.
func (c *codec) memberOf(t reflect.Type, name string, member *smithy.Schema, s shape) reflect.Type {
	for _, e := range c.examples {
		if reflect.PointerTo(e).Implements(t) && variantName(t, e) == name {
			return e
		}
	}
	p := &probe{member: s.member, variant: member}
	owner, ok := p.fill(s.owner)
	if !ok {
		return nil
	}
	return findVariant(owner.Elem(), t)
}

// findVariant looks for the one value of interface type t that a probe has
// put into a struct.
func findVariant(owner reflect.Value, t reflect.Type) reflect.Type {
	for i := range owner.NumField() {
		v := owner.Field(i)
		for (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 1 {
			if v.Kind() == reflect.Map {
				v = v.MapIndex(v.MapKeys()[0])
				continue
			}
			v = v.Index(0)
		}
		if v.Type() == t && !v.IsNil() {
			return v.Elem().Type().Elem()
		}
	}
	return nil
}

func (c *codec) addVariant(u *union, t reflect.Type, name string, member *smithy.Schema) {
	value, ok := t.FieldByName("Value")
	if !ok {
		panic(fmt.Sprintf("apiwire: %s is no union member: it has no Value", t))
	}
	v := &variant{typ: t, key: string(appendJSONString(nil, name)) + ":"}
	u.byName[name], u.byType[t] = v, v
	v.encode, v.decode = c.functions(value.Type, shape{codec: c, schema: member, owner: t, member: member})
}

// seal checks that every union has its members.
func (c *codec) seal(service string) {
	for _, u := range c.unions {
		if len(u.byName) == 0 {
			panic(fmt.Sprintf("apiwire: the members of the union %s in %s cannot be found: name them with Service.WithUnions for %s", u.typ, u.seenIn, service))
		}
	}
}

// write writes {"variant": value}. A nil union, as in a list, is null.
func (u *union) write(w *jsonWriter, v reflect.Value) {
	if v.IsNil() {
		w.raw("null")
		return
	}
	member := v.Elem().Elem()
	known := u.byType[member.Type()]
	if known == nil {
		w.fail(fmt.Errorf("%s is not a known member of the union %s", member.Type(), u.typ))
		return
	}
	w.raw("{")
	w.raw(known.key)
	known.encode(w, member.FieldByName("Value"))
	w.raw("}")
}

// read reads an object with one member that is known and not null. Others are
// skipped, as unknown members are everywhere.
func (u *union) read(r *jsonReader, v reflect.Value) error {
	if err := r.enterStruct(); err != nil {
		return err
	}
	for first := true; ; first = false {
		key, more, err := r.member(first)
		if err != nil || !more {
			return err
		}
		known := u.byName[string(key)]
		if known == nil || r.atNull() {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if !v.IsNil() {
			return r.serialization("A union must have exactly one member.")
		}
		member := reflect.New(known.typ)
		if err := known.decode(r, member.Elem().FieldByName("Value")); err != nil {
			return err
		}
		v.Set(member)
	}
}
