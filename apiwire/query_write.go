package apiwire

import (
	"encoding/base64"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file writes Output structs as XML elements; the elements' own syntax
// is xml.go's business.

// encode writes the members of out, a pointer to a struct that may be nil.
func (p *queryPlans) encode(x *xmlWriter, out reflect.Value) error {
	if !out.IsValid() || out.IsNil() {
		return nil
	}
	plan, err := p.of(out.Type().Elem())
	if err != nil {
		return err
	}
	plan.write(x, out.Elem())
	return nil
}

// details writes the members of a typed error, except the message, which the
// envelope has already. An error that the protocol cannot carry has none.
func (p *queryPlans) details(x *xmlWriter, typed reflect.Value) {
	if !typed.IsValid() || typed.IsNil() {
		return
	}
	plan, err := p.of(typed.Type().Elem())
	if err != nil {
		return
	}
	for i := range plan.fields {
		f := &plan.fields[i]
		if m := typed.Elem().Field(f.index); f.name != "Message" && !isAbsent(m) {
			f.write(x, f.response, m)
		}
	}
}

func (s *queryStruct) write(x *xmlWriter, v reflect.Value) {
	for i := range s.fields {
		f := &s.fields[i]
		if m := v.Field(f.index); !isAbsent(m) {
			f.write(x, f.response, m)
		}
	}
}

// isAbsent tells whether a member was left out. Numbers and booleans that are
// plain values are always there: AWS writes its zeros.
func isAbsent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	case reflect.String:
		return v.Len() == 0
	}
	return v.Type() == timeType && v.IsZero()
}

func writePointer(write queryWriter) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		if !v.IsNil() {
			write(x, name, v.Elem())
		}
	}
}

func writeStruct(s *queryStruct) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		x.open(name)
		s.write(x, v)
		x.close(name)
	}
}

func writeList(item string, write queryWriter) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		x.open(name)
		for i := range v.Len() {
			write(x, item, v.Index(i))
		}
		x.close(name)
	}
}

// writeMap sorts the keys, so that the same answer has the same bytes.
func writeMap(write queryWriter) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		x.open(name)
		for _, k := range sortedKeys(v) {
			x.open("entry")
			x.text("key", k.String())
			write(x, "value", v.MapIndex(k))
			x.close("entry")
		}
		x.close(name)
	}
}

func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func writeScalar(x *xmlWriter, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		x.text(name, v.String())
	case reflect.Bool:
		x.text(name, strconv.FormatBool(v.Bool()))
	case reflect.Float32, reflect.Float64:
		x.text(name, formatXMLFloat(v.Float(), v.Type().Bits()))
	default:
		x.text(name, strconv.FormatInt(v.Int(), 10))
	}
}

// formatXMLFloat writes a float as XML Schema spells it.
func formatXMLFloat(f float64, bits int) string {
	switch s := strconv.FormatFloat(f, 'g', -1, bits); s {
	case "+Inf":
		return "Infinity"
	case "-Inf":
		return "-Infinity"
	default:
		return s
	}
}

func writeBlob(x *xmlWriter, name string, v reflect.Value) {
	x.text(name, base64.StdEncoding.EncodeToString(v.Bytes()))
}

func writeTime(format func(time.Time) string) queryWriter {
	return func(x *xmlWriter, name string, v reflect.Value) {
		x.text(name, format(v.Interface().(time.Time)))
	}
}
