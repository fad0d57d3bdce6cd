package apiwire

import (
	"reflect"
	"strconv"
	"unicode/utf8"
)

// This file is the single checks that validate.go composes.

func all(checks []valueCheck) valueCheck {
	switch len(checks) {
	case 0:
		return nil
	case 1:
		return checks[0]
	}
	return func(v reflect.Value, out *violations) {
		for _, c := range checks {
			c(v, out)
		}
	}
}

// present runs a check on a member that was sent, behind its pointer.
func present(check valueCheck) valueCheck {
	return func(v reflect.Value, out *violations) {
		switch {
		case isAbsent(v):
		case v.Kind() == reflect.Pointer:
			check(v.Elem(), out)
		default:
			check(v, out)
		}
	}
}

// requireMember finds members that were not sent. Plain numbers and booleans
// are always there: whether they were sent cannot be seen in the struct.
func requireMember(list bool) valueCheck {
	return func(v reflect.Value, out *violations) {
		if isAbsent(v) {
			out.add(Violation{Demand: Required, List: list})
		}
	}
}

func structCheck(c *checker) valueCheck {
	return func(v reflect.Value, out *violations) { c.check(v, out) }
}

func eachStruct(c *checker) valueCheck {
	return func(v reflect.Value, out *violations) {
		if len(c.fields) == 0 {
			return
		}
		if v.Kind() == reflect.Map {
			for _, k := range sortedKeys(v) {
				checkAt(c, v.MapIndex(k), out, k.String)
			}
			return
		}
		for i := range v.Len() {
			checkAt(c, v.Index(i), out, func() string { return strconv.Itoa(i + 1) })
		}
	}
}

// checkAt checks an element; at names it, if that is needed.
func checkAt(c *checker, v reflect.Value, out *violations, at func() string) {
	before := len(out.found)
	if c.check(v, out); len(out.found) > before {
		out.prefix(before, at()+".member")
	}
}

// each checks the elements of a list or the values of a map until one is
// wrong: AWS has one sentence about all of them.
func each(check valueCheck, demands []string) valueCheck {
	return func(v reflect.Value, out *violations) {
		before := len(out.found)
		if v.Kind() == reflect.Map {
			for it := v.MapRange(); it.Next() && len(out.found) == before; {
				check(it.Value(), out)
			}
		} else {
			for i := 0; i < v.Len() && len(out.found) == before; i++ {
				check(v.Index(i), out)
			}
		}
		out.blame(before, v, demands)
	}
}

func eachKey(check valueCheck, demands []string) valueCheck {
	return func(v reflect.Value, out *violations) {
		before := len(out.found)
		for it := v.MapRange(); it.Next() && len(out.found) == before; {
			check(it.Key(), out)
		}
		out.blame(before, v, demands)
	}
}

// blame makes one violation of what was found since: it is about the whole
// collection, and tells all that was demanded of its parts.
func (o *violations) blame(since int, v reflect.Value, demands []string) {
	if len(o.found) <= since {
		return
	}
	o.found = o.found[:since+1]
	f := &o.found[since]
	f.Value, f.List, f.Demands = printValue(v), true, demands
}

func checkRange(low, high *int64, part Part) valueCheck {
	return func(v reflect.Value, out *violations) {
		n, length := measure(v)
		below, above := MinValue, MaxValue
		if length {
			below, above = MinLength, MaxLength
		}
		if low != nil && n < float64(*low) {
			out.add(Violation{Demand: below, Limit: *low, Value: printValue(v), Part: part, List: isCollection(v.Type())})
		}
		if high != nil && n > float64(*high) {
			out.add(Violation{Demand: above, Limit: *high, Value: printValue(v), Part: part, List: isCollection(v.Type())})
		}
	}
}

// measure returns what a range limits, and whether that is a length.
func measure(v reflect.Value) (n float64, length bool) {
	switch v.Kind() {
	case reflect.String:
		return float64(utf8.RuneCountInString(v.String())), true
	case reflect.Slice, reflect.Map:
		return float64(v.Len()), true
	case reflect.Float32, reflect.Float64:
		return v.Float(), false
	}
	return float64(v.Int()), false
}

func checkPattern(c *constraint, part Part) valueCheck {
	return func(v reflect.Value, out *violations) {
		if !c.regexp().MatchString(v.String()) {
			out.add(Violation{Demand: Pattern, Pattern: c.pattern, Value: printValue(v), Part: part})
		}
	}
}

func checkEnum(allowed []string, part Part) valueCheck {
	known := make(map[string]bool, len(allowed))
	for _, a := range allowed {
		known[a] = true
	}
	return func(v reflect.Value, out *violations) {
		if !known[v.String()] {
			out.add(Violation{Demand: OneOf, Allowed: allowed, Value: printValue(v), Part: part})
		}
	}
}

// enumValues returns the values of an SDK enum type, nil for other types.
func enumValues(t reflect.Type) []string {
	if t.Kind() != reflect.String {
		return nil
	}
	method := reflect.Zero(t).MethodByName("Values")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return nil
	}
	list := method.Call(nil)[0]
	if list.Kind() != reflect.Slice || list.Type().Elem() != t {
		return nil
	}
	values := make([]string, list.Len())
	for i := range values {
		values[i] = list.Index(i).String()
	}
	return values
}

// isCollection tells lists and maps, not blobs.
func isCollection(t reflect.Type) bool {
	return t.Kind() == reflect.Map || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8
}
