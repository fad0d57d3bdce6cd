package apiwire_test

import (
	"encoding/json"
	"errors"
	"flag"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	ecsdocument "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

// This file sends random inputs and outputs of every operation through the
// real SDK clients and expects them to arrive as they were.

// roundTripSeeds is how many random values of each operation make the trip in
// every test run; -seeds asks for more.
const roundTripSeeds = 6

var seeds = flag.Uint64("seeds", roundTripSeeds, "how many random values of each operation make the round trip")

func TestRoundTripECS(t *testing.T)  { roundTrip(t, echoECS(), 87) }
func TestRoundTripLogs(t *testing.T) { roundTrip(t, echoLogs(), 115) }
func TestRoundTripEKS(t *testing.T)  { roundTrip(t, echoEKS(t), 69) }

// roundTrip expects more operations than atLeast, so that a client that lists none does not pass.
func roundTrip(t *testing.T, e *echo, atLeast int) {
	if len(e.ops) <= atLeast {
		t.Fatalf("%d operations, want more than %d", len(e.ops), atLeast)
	}
	client := e.client(apiwire.New(apiwire.Options{Log: zerolog.New(zerolog.NewTestWriter(t))}, e.service))
	for name, m := range e.ops {
		t.Run(name, func(t *testing.T) {
			for seed := range *seeds {
				for _, d := range []density{full, sparse} {
					e.once(t, client, m, newFiller(seed, d).of(e.service))
					if t.Failed() {
						t.Fatalf("seed %d, density %d", seed, d)
					}
				}
			}
		})
	}
}

// once calls one operation and compares what the server saw and what the
// client got with what each was given.
func (e *echo) once(t *testing.T, client reflect.Value, m reflect.Method, f *filler) {
	in, out := reflect.New(m.Type.In(2).Elem()), reflect.New(m.Type.Out(0).Elem())
	f.fill(in.Elem(), 0)
	f.fill(out.Elem(), 0)
	e.out, e.got = out, reflect.Value{}
	arguments := []reflect.Value{client, reflect.ValueOf(t.Context()), in}
	var result []reflect.Value
	for range 20 {
		result = m.Func.Call(arguments)
		err, _ := result[1].Interface().(error)
		var missing smithy.InvalidParamsError
		if !errors.As(err, &missing) {
			break
		}
		f.complete(in, &missing)
	}
	if err, _ := result[1].Interface().(error); err != nil {
		t.Fatalf("call: %v", err)
	}
	if diff := cmp.Diff(onTheWire(in).Interface(), e.got.Interface(), comparers(0)...); diff != "" {
		t.Errorf("input (-sent +served):\n%s", diff)
	}
	if diff := cmp.Diff(out.Interface(), result[0].Interface(), comparers(time.Millisecond)...); diff != "" {
		t.Errorf("output (-answered +received):\n%s", diff)
	}
}

// onTheWire makes of an input what a REST client can send of it: lists in the
// query arrive sorted, by the signer, and not at all when empty.
func onTheWire(in reflect.Value) reflect.Value {
	for _, name := range apiwire.QueryLists(in.Type().Elem()) {
		list := in.Elem().FieldByName(name)
		if list.Len() == 0 {
			list.SetZero()
			continue
		}
		sortValues(list)
	}
	return in
}

// sortValues sorts a list of a string type as the signer does: escaped.
func sortValues(list reflect.Value) {
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = list.Index(i).String()
	}
	slices.SortFunc(texts, func(a, b string) int {
		return strings.Compare(escaped(a), escaped(b))
	})
	for i, s := range texts {
		list.Index(i).SetString(s)
	}
}

func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// comparers compares deeply. The SDK's clients lose a millisecond of some
// timestamps (they cut 0.483 after multiplying it as a float), hence the tolerance.
func comparers(tolerance time.Duration) []cmp.Option {
	return []cmp.Option{
		cmp.Exporter(func(reflect.Type) bool { return true }),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[middleware.Metadata]() }, cmp.Ignore()),
		cmp.Comparer(func(a, b time.Time) bool { return a.Sub(b).Abs() <= tolerance }),
		cmp.Comparer(func(a, b ecsdocument.Interface) bool { return asJSON(a) == asJSON(b) }),
	}
}

func asJSON(d document.Marshaler) string {
	if d == nil || reflect.ValueOf(d).IsNil() {
		return ""
	}
	b, err := d.MarshalSmithyDocument()
	if err != nil {
		return err.Error()
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err.Error()
	}
	b, _ = json.Marshal(v)
	return string(b)
}
