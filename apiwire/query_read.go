package apiwire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// This file fills Input structs from a form's tree. Every reader may trust
// that the tree is bounded; none may trust what is in it.

// decode fills in, a struct, from the request's form.
func (p *queryPlans) decode(r *request, in reflect.Value) error {
	plan, err := p.of(in.Type())
	if err != nil {
		return err
	}
	form, err := formOf(r)
	if err != nil {
		return err
	}
	root, err := growForm(form)
	if err != nil {
		return err
	}
	for i := range plan.fields {
		if f := &plan.fields[i]; root.children[f.request] != nil {
			r.sees(f.name)
		}
	}
	if err := plan.read(root, in); err != nil {
		return p.dialect.word(err)
	}
	if !p.dialect.strict {
		return nil
	}
	if u := root.unknown(); u != nil {
		return &Failure{Code: "UnknownParameter", Message: "The parameter " + u.name + " is not recognized", Status: http.StatusBadRequest}
	}
	return nil
}

// word gives a failure about a parameter's shape the dialect's code.
func (d queryDialect) word(err error) error {
	if f, ok := errors.AsType[*Failure](err); ok && f.Code == "MalformedInput" {
		f.Code = d.malformed
	}
	return err
}

func (s *queryStruct) read(n *formNode, v reflect.Value) error {
	for i := range s.fields {
		f := &s.fields[i]
		if c := n.child(f.request); c != nil {
			if err := f.read(c, v.Field(f.index)); err != nil {
				return err
			}
		}
	}
	return nil
}

func readStruct(s *queryStruct) queryReader {
	return func(n *formNode, v reflect.Value) error {
		if n.given && n.value != "" {
			return malformedInput("The parameter " + n.path() + " is a structure and cannot have a value of its own.")
		}
		return s.read(n, v)
	}
}

func readPointer(elem reflect.Type, read queryReader) queryReader {
	return func(n *formNode, v reflect.Value) error {
		p := reflect.New(elem)
		if err := read(n, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
}

// readList reads Name.member.N, or Name.N when member is empty. "Name=" is the
// empty list.
func readList(member string, read queryReader) queryReader {
	return func(n *formNode, v reflect.Value) error {
		items, err := n.elements(member)
		if err != nil {
			return err
		}
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, it := range items {
			if err := read(it, list.Index(i)); err != nil {
				return err
			}
		}
		v.Set(list)
		return nil
	}
}

// readMap reads Name.entry.N.key and Name.entry.N.value.
func readMap(entry string, read queryReader) queryReader {
	return func(n *formNode, v reflect.Value) error {
		items, err := n.elements(entry)
		if err != nil {
			return err
		}
		m := reflect.MakeMapWithSize(v.Type(), len(items))
		for _, it := range items {
			key, value := it.child("key"), it.child("value")
			if key == nil || !key.given || value == nil {
				return malformedInput("The map entry " + it.path() + " must have a key and a value.")
			}
			k := reflect.ValueOf(key.value).Convert(v.Type().Key())
			if m.MapIndex(k).IsValid() {
				return malformedInput("The map " + n.path() + " has a key more than once.")
			}
			e := reflect.New(v.Type().Elem()).Elem()
			if err := read(value, e); err != nil {
				return err
			}
			m.SetMapIndex(k, e)
		}
		v.Set(m)
		return nil
	}
}

// elements returns a list's or a map's numbered nodes; infix is what stands
// before the numbers, if anything.
func (n *formNode) elements(infix string) ([]*formNode, error) {
	if n.given && n.value != "" {
		return nil, malformedInput("The parameter " + n.path() + " is a list and cannot have a value of its own.")
	}
	if infix == "" {
		return n.items()
	}
	for name, c := range n.children {
		if name != infix {
			return nil, malformedInput("The parameter " + c.path() + " is not an element of a list: write " + n.path() + "." + infix + ".1.")
		}
	}
	c := n.child(infix)
	if c == nil {
		return nil, nil
	}
	if c.given {
		return nil, malformedInput("The parameter " + c.path() + " has no number.")
	}
	return c.items()
}

// scalar returns the text of a parameter that must not have others below it.
func (n *formNode) scalar() (string, error) {
	if len(n.children) > 0 {
		return "", malformedInput("The parameter " + n.path() + " is a plain value and cannot have others below it.")
	}
	return n.value, nil
}

func readScalar(n *formNode, v reflect.Value) error {
	s, err := n.scalar()
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		if s = strings.ToLower(s); s != "true" && s != "false" {
			return n.invalid("a boolean")
		}
		v.SetBool(s == "true")
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil {
			return n.invalid("a number")
		}
		v.SetFloat(f)
	default:
		i, err := strconv.ParseInt(s, 10, v.Type().Bits())
		if err != nil {
			return n.invalid("an integer")
		}
		v.SetInt(i)
	}
	return nil
}

func readBlob(n *formNode, v reflect.Value) error {
	s, err := n.scalar()
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return n.invalid("base64")
	}
	v.SetBytes(b)
	return nil
}

func readTime(n *formNode, v reflect.Value) error {
	s, err := n.scalar()
	if err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		}
	}
	return n.invalid("an ISO 8601 timestamp")
}

// invalid is the failure for a plain value that cannot be read; a long value
// is cut short.
func (n *formNode) invalid(kind string) error {
	value := n.value
	if len(value) > 100 {
		value = strings.ToValidUTF8(value[:100], "") + "…"
	}
	return malformedInput(fmt.Sprintf("Value (%s) for parameter %s is invalid. It must be %s.", value, n.path(), kind))
}
