package apiwire_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"time"

	ecsdocument "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
)

// This file fills SDK structs at random.

// density says how much of a struct is filled.
type density int

const (
	full   density = iota // all of it, as deep as maxFill
	sparse                // about a third
)

// maxFill bounds depth: some ECS shapes are ten levels deep.
const maxFill = 7

type filler struct {
	*rand.Rand
	density  density
	variants func(union reflect.Type) []reflect.Type
}

func newFiller(seed uint64, d density) *filler {
	return &filler{Rand: rand.New(rand.NewPCG(seed, 1)), density: d}
}

// of fills unions with the members that a service knows.
func (f *filler) of(s *apiwire.Service) *filler {
	f.variants = func(u reflect.Type) []reflect.Type { return apiwire.Variants(s, u) }
	return f
}

func (f *filler) skip() bool { return f.density == sparse && f.IntN(3) > 0 }

func (f *filler) fill(v reflect.Value, depth int) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMilli(f.Int64N(4e12)).UTC()))
		return
	case reflect.TypeFor[ecsdocument.Interface]():
		v.Set(reflect.ValueOf(ecsdocument.NewLazyDocument(map[string]any{"text": f.text(), "list": []any{1, true, nil}})))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem(), depth)
	case reflect.Struct:
		f.members(v, depth)
	case reflect.Slice:
		n := f.length(depth)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			f.fill(v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range f.length(depth) {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key, depth+1)
			f.fill(value, depth+1)
			v.SetMapIndex(key, value)
		}
	case reflect.Interface:
		f.union(v, depth)
	default:
		f.scalar(v)
	}
}

func (f *filler) length(depth int) int {
	if depth >= maxFill {
		return 0
	}
	if f.density == full {
		return 1 + f.IntN(2)
	}
	return f.IntN(3)
}

func (f *filler) members(v reflect.Value, depth int) {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		nested := sf.Type.Kind() == reflect.Pointer && sf.Type.Elem().Kind() == reflect.Struct &&
			sf.Type.Elem() != reflect.TypeFor[time.Time]()
		if !sf.IsExported() || sf.Name == "ResultMetadata" || f.skip() || nested && depth >= maxFill {
			continue
		}
		f.fill(v.Field(i), depth+1)
	}
}

func (f *filler) union(v reflect.Value, depth int) {
	if f.variants == nil || depth >= maxFill {
		return
	}
	types := f.variants(v.Type())
	member := reflect.New(types[f.IntN(len(types))])
	f.fill(member.Elem().FieldByName("Value"), depth+1)
	v.Set(member)
}

func (f *filler) scalar(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(f.text())
	case reflect.Bool:
		v.SetBool(f.IntN(2) == 0)
	case reflect.Uint8:
		v.SetUint(f.Uint64N(256))
	case reflect.Int32, reflect.Int64:
		v.SetInt([]int64{0, 1, -1, f.Int64(), -f.Int64()}[f.IntN(5)] >> (64 - v.Type().Bits()))
	case reflect.Float32, reflect.Float64:
		v.SetFloat([]float64{0, 1.5, -3, float64(float32(f.NormFloat64()))}[f.IntN(4)])
	default:
		panic("cannot fill a " + v.Type().String())
	}
}

// text makes a string that is not empty and holds what is easily mangled.
func (f *filler) text() string {
	pieces := []string{"a", "Z", "0", "-", "_", "/", "%", "+", " ", "&", "=", "\"", "\\", "\n", "\t", "\x01", "\x7f", "<", "é", "日本", "🚀", "\u2028", "arn:aws:ecs:us-east-1:1:task/x"}
	var b strings.Builder
	b.WriteString("s")
	for range f.IntN(6) {
		b.WriteString(pieces[f.IntN(len(pieces))])
	}
	return b.String()
}

// complete fills the members that the SDK's own validation missed. Their paths
// look like "RunTaskInput.Overrides.ContainerOverrides[0].Name".
func (f *filler) complete(in reflect.Value, missing *smithy.InvalidParamsError) {
	for _, err := range missing.Errs() {
		path, ok := err.(interface{ Field() string })
		if !ok {
			continue
		}
		v := in
		for _, step := range strings.Split(path.Field(), ".")[1:] {
			v = f.step(v, step)
		}
		f.fill(v, maxFill-1)
	}
}

// step descends into a member; an index is a number in a list and the name of
// the member in a union.
func (f *filler) step(v reflect.Value, step string) reflect.Value {
	name, index, indexed := strings.Cut(strings.TrimSuffix(step, "]"), "[")
	v = behind(behind(v).FieldByName(name))
	if !indexed {
		return v
	}
	if i, err := strconv.Atoi(index); err == nil {
		return v.Index(i)
	}
	return v.FieldByName("Value")
}

// behind follows pointers and interfaces that are not nil.
func behind(v reflect.Value) reflect.Value {
	for (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && !v.IsNil() {
		v = v.Elem()
	}
	return v
}
