package apiwire_test

import (
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

// This file is roundtrip_test.go for the query protocols, whose forms cannot
// say everything: a structure with nothing in it is not sent, and XML has no
// control characters.

func TestRoundTripELBv2(t *testing.T) { queryRoundTrip(t, echoELBv2(), 51) }
func TestRoundTripSTS(t *testing.T)   { queryRoundTrip(t, echoSTS(), 11) }
func TestRoundTripIAM(t *testing.T)   { queryRoundTrip(t, echoIAM(), 180) }

func echoELBv2() *echo {
	s := apiwire.Query("elasticloadbalancing", "2015-12-01", "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/", struct{}{})
	return serveAll(s, reflect.TypeFor[*elbv2.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(elbv2.NewFromConfig(config(h)))
	})
}

func echoSTS() *echo {
	s := apiwire.Query("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/", struct{}{})
	return serveAll(s, reflect.TypeFor[*sts.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(sts.NewFromConfig(config(h)))
	})
}

func echoIAM() *echo {
	s := apiwire.Query("iam", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/", struct{}{}).
		WithUnions(&iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier{}, &iamtypes.PolicyIdentifierMemberPolicyArn{})
	return serveAll(s, reflect.TypeFor[*iam.Client](), func(h http.Handler) reflect.Value {
		return reflect.ValueOf(iam.NewFromConfig(config(h)))
	})
}

func queryRoundTrip(t *testing.T, e *echo, operations int) {
	if len(e.ops) != operations {
		t.Errorf("%d operations, want %d", len(e.ops), operations)
	}
	client := e.client(apiwire.New(apiwire.Options{Log: zerolog.New(zerolog.NewTestWriter(t))}, e.service))
	for name, m := range e.ops {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(roundTripSeeds) {
				for _, d := range []density{full, sparse} {
					e.queryOnce(t, client, m, newQueryFiller(seed, d))
					if t.Failed() {
						t.Fatalf("seed %d, density %d", seed, d)
					}
				}
			}
		})
	}
}

// newQueryFiller fills the one union of the query services.
func newQueryFiller(seed uint64, d density) *filler {
	f := newFiller(seed, d)
	f.variants = func(reflect.Type) []reflect.Type {
		return []reflect.Type{
			reflect.TypeFor[iamtypes.PolicyIdentifierMemberInlinePolicyIdentifier](), reflect.TypeFor[iamtypes.PolicyIdentifierMemberPolicyArn](),
		}
	}
	return f
}

func (e *echo) queryOnce(t *testing.T, client reflect.Value, m reflect.Method, f *filler) {
	in, out := reflect.New(m.Type.In(2).Elem()), reflect.New(m.Type.Out(0).Elem())
	f.fill(in.Elem(), 0)
	f.fill(out.Elem(), 0)
	mapStrings(out, func(s string) string { return strings.ReplaceAll(s, "\x01", "\uFFFD") })
	e.out, e.got = out, reflect.Value{}
	result := callComplete(f, m, client, reflect.ValueOf(t.Context()), in)
	if err, _ := result[1].Interface().(error); err != nil {
		t.Fatalf("call: %v", err)
	}
	prune(in.Elem())
	if diff := cmp.Diff(in.Interface(), e.got.Interface(), comparers(0)...); diff != "" {
		t.Errorf("input (-sent +served):\n%s", diff)
	}
	if diff := cmp.Diff(out.Interface(), result[0].Interface(), comparers(time.Millisecond)...); diff != "" {
		t.Errorf("output (-answered +received):\n%s", diff)
	}
}

// callComplete calls an operation and adds what the client finds missing.
func callComplete(f *filler, m reflect.Method, client, ctx, in reflect.Value) []reflect.Value {
	var result []reflect.Value
	for range 20 {
		result = m.Func.Call([]reflect.Value{client, ctx, in})
		err, _ := result[1].Interface().(error)
		var missing smithy.InvalidParamsError
		if !errors.As(err, &missing) {
			break
		}
		dropMaps(f, in, &missing)
		f.complete(in, &missing)
	}
	return result
}

// dropMaps empties the maps and lists of unions in which the client finds
// something missing: the filler cannot complete those in place.
func dropMaps(f *filler, in reflect.Value, missing *smithy.InvalidParamsError) {
	for _, err := range missing.Errs() {
		path, ok := err.(interface{ Field() string })
		if !ok {
			continue
		}
		v := in
		for _, step := range strings.Split(path.Field(), ".")[1:] {
			name, _, indexed := strings.Cut(step, "[")
			m := behind(behind(v).FieldByName(name))
			if indexed && (m.Kind() == reflect.Map || strings.Contains(step, "][")) {
				m.SetZero()
				*missing = smithy.InvalidParamsError{}
				return
			}
			v = f.step(v, step)
		}
	}
}

// mapStrings changes every string in a value.
func mapStrings(v reflect.Value, change func(string) string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			mapStrings(v.Elem(), change)
		}
	case reflect.String:
		v.SetString(change(v.String()))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() && v.Type().Field(i).Name != "ResultMetadata" {
				mapStrings(v.Field(i), change)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			mapStrings(v.Index(i), change)
		}
	case reflect.Map:
		changed := reflect.MakeMap(v.Type())
		for it := v.MapRange(); it.Next(); {
			key, value := reflect.New(it.Key().Type()).Elem(), reflect.New(it.Value().Type()).Elem()
			key.Set(it.Key())
			value.Set(it.Value())
			mapStrings(key, change)
			mapStrings(value, change)
			changed.SetMapIndex(key, value)
		}
		if !v.IsNil() {
			v.Set(changed)
		}
	}
}

// prune takes away what a form cannot say: structures with nothing in them. It
// tells whether v itself is one.
func prune(v reflect.Value) (empty bool) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return false
		}
		empty = true
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() && !prune(f) {
				empty = false
			}
		}
		return empty
	case reflect.Pointer:
		if v.IsNil() {
			return true
		}
		if v.Elem().Kind() == reflect.Struct && prune(v.Elem()) {
			v.SetZero()
			return true
		}
		return false
	case reflect.Interface:
		return v.IsNil() || prune(v.Elem().Elem())
	case reflect.Slice:
		return pruneList(v)
	case reflect.Map:
		if v.Len() == 0 {
			v.SetZero()
		}
		return v.IsNil()
	}
	return v.IsZero()
}

func pruneList(v reflect.Value) (empty bool) {
	if v.Len() == 0 || v.Type().Elem().Kind() != reflect.Struct {
		return v.IsNil()
	}
	kept := reflect.MakeSlice(v.Type(), 0, v.Len())
	for i := range v.Len() {
		if !prune(v.Index(i)) {
			kept = reflect.Append(kept, v.Index(i))
		}
	}
	if kept.Len() == 0 {
		v.SetZero()
		return true
	}
	v.Set(kept)
	return false
}
