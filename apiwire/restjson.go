package apiwire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// This file is the restJson protocol: method and path say what is asked, some
// members are in the path or the query, the others in a JSON body. Members in
// headers and raw payloads, which no service here has, are refused when the
// handler is made.

const restContentType = "application/json"

type restJSON struct{}

func (restJSON) prepare(s *Service, op *operation) { awsJSON{}.prepare(s, op) }

func (restJSON) operation(s *Service, r *request) (string, map[string]string) {
	name, labels, _ := s.router.match(r.Request)
	return name, labels
}

func (restJSON) decode(op *operation, r *request, in reflect.Value) error {
	p := op.wire.(*jsonWire).in
	if err := decodeBody(p, r, in.Elem()); err != nil {
		return err
	}
	if len(p.bound) == 0 {
		return nil
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return serializationFailure("The query string is malformed.")
	}
	for _, f := range p.bound {
		values := query[f.binding.name]
		if f.binding.kind == inPath {
			values = []string{r.labels[f.binding.name]}
		}
		if len(values) == 0 {
			continue
		}
		if err := f.binding.set(in.Elem().Field(f.index), values); err != nil {
			return err
		}
		r.sees(f.goName)
	}
	return nil
}

func (restJSON) encode(op *operation, w http.ResponseWriter, _ string, out reflect.Value) error {
	return writeOutput(op, w, restContentType, out)
}

func (restJSON) fail(s *Service, w http.ResponseWriter, _ string, f *Failure) {
	failJSON(s, w, restContentType, f)
}

type bindingKind int

const (
	inBody bindingKind = iota
	inPath
	inQuery
)

// binding says where in a request a member is.
type binding struct {
	kind bindingKind
	name string // of the label or query parameter
	set  func(v reflect.Value, texts []string) error
}

// bindingOf reads a member's HTTP traits.
func bindingOf(member *smithy.Schema, t reflect.Type) binding {
	if _, ok := smithy.SchemaDirectTrait[*traits.HTTPLabel](member); ok {
		return binding{kind: inPath, name: member.MemberName(), set: textReader(t, member)}
	}
	if q, ok := smithy.SchemaDirectTrait[*traits.HTTPQuery](member); ok {
		return binding{kind: inQuery, name: q.Name, set: textReader(t, member)}
	}
	refuse[*traits.HTTPHeader](member)
	refuse[*traits.HTTPPrefixHeaders](member)
	refuse[*traits.HTTPPayload](member)
	refuse[*traits.HTTPQueryParams](member)
	refuse[*traits.HTTPResponseCode](member)
	return binding{}
}

func refuse[T smithy.Trait](member *smithy.Schema) {
	if t, ok := smithy.SchemaDirectTrait[T](member); ok {
		panic(fmt.Sprintf("apiwire: member %s: cannot serve the trait %s", member.MemberName(), t.TraitID()))
	}
}

// textReader sets a member from the texts of a label or of all query
// parameters of one name. A single value that is given more than once has the
// last one.
func textReader(t reflect.Type, s *smithy.Schema) func(reflect.Value, []string) error {
	if t.Kind() == reflect.Slice {
		one := textReader(t.Elem(), s.ListMember())
		return func(v reflect.Value, texts []string) error {
			v.Set(reflect.MakeSlice(t, len(texts), len(texts)))
			for i := range texts {
				if err := one(v.Index(i), texts[i:i+1]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if t.Kind() == reflect.Pointer {
		one := textReader(t.Elem(), s)
		return func(v reflect.Value, texts []string) error {
			v.Set(reflect.New(t.Elem()))
			return one(v.Elem(), texts)
		}
	}
	parse := textParser(t, s)
	return func(v reflect.Value, texts []string) error { return parse(v, texts[len(texts)-1]) }
}

func textParser(t reflect.Type, s *smithy.Schema) func(reflect.Value, string) error {
	format := timeFormat(s, "date-time")
	return func(v reflect.Value, text string) error {
		want, ok := "", true
		switch {
		case t == reflect.TypeFor[time.Time]():
			want = timestamp
			*v.Addr().Interface().(*time.Time), ok = parseTime(text, format)
		case t.Kind() == reflect.String:
			want, ok = "String", utf8.ValidString(text)
			v.SetString(text)
		case t.Kind() == reflect.Bool:
			want, ok = "Boolean", text == "true" || text == "false"
			v.SetBool(text == "true")
		case v.CanInt():
			n, err := strconv.ParseInt(text, 10, t.Bits())
			want, ok = intName(t.Kind()), err == nil
			v.SetInt(n)
		case v.CanFloat():
			f, err := strconv.ParseFloat(text, t.Bits())
			want, ok = "Double", err == nil
			v.SetFloat(f)
		default:
			panic(fmt.Sprintf("apiwire: cannot read a %s from a path or query", t))
		}
		if !ok {
			return serializationFailure("STRING_VALUE cannot be converted to " + want)
		}
		return nil
	}
}
