package apiwire

import "reflect"

// This file reads JSON objects and lists into Go values; json_scalar.go does so
// for numbers, strings and the like, json_scan.go finds the tokens.

// decodeFunc reads the next JSON value, which is not null, into v.
type decodeFunc func(r *jsonReader, v reflect.Value) error

// read reads an object into a struct. Unknown members and nulls are skipped.
func (p *plan) read(r *jsonReader, v reflect.Value) error {
	return p.readMembers(r, v, func(*field) {})
}

// readMembers reads an object and tells which members had a value.
func (p *plan) readMembers(r *jsonReader, v reflect.Value, seen func(*field)) error {
	if err := r.enterStruct(); err != nil {
		return err
	}
	for first := true; ; first = false {
		key, more, err := r.member(first)
		if err != nil || !more {
			return err
		}
		f := p.byName[string(key)]
		if f == nil || r.atNull() {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if err := f.decode(r, v.Field(f.index)); err != nil {
			return err
		}
		seen(f)
	}
}

func decodePointer(t reflect.Type, elem decodeFunc) decodeFunc {
	return func(r *jsonReader, v reflect.Value) error {
		p := reflect.New(t)
		if err := elem(r, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	}
}

// decodeList reads a list; [] becomes an empty slice, not nil, and a null
// element the zero value, as the SDK has it.
func decodeList(elem decodeFunc) decodeFunc {
	return func(r *jsonReader, v reflect.Value) error {
		if err := r.enterList(); err != nil {
			return err
		}
		n := 0
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for {
			more, err := r.element(n == 0)
			if err != nil {
				return err
			}
			if !more {
				return nil
			}
			if n == v.Cap() {
				v.Grow(max(n, 1))
			}
			v.SetLen(n + 1)
			slot := v.Index(n)
			slot.SetZero()
			n++
			if err := r.orNull(elem, slot); err != nil {
				return err
			}
		}
	}
}

func decodeMap(t reflect.Type, elem decodeFunc) decodeFunc {
	key, value := t.Key(), t.Elem()
	return func(r *jsonReader, v reflect.Value) error {
		if err := r.enterStruct(); err != nil {
			return err
		}
		v.Set(reflect.MakeMap(t))
		for first := true; ; first = false {
			k, more, err := r.member(first)
			if err != nil || !more {
				return err
			}
			name := reflect.ValueOf(string(k)).Convert(key)
			slot := reflect.New(value).Elem()
			if err := r.orNull(elem, slot); err != nil {
				return err
			}
			v.SetMapIndex(name, slot)
		}
	}
}

// orNull reads an element that may be null.
func (r *jsonReader) orNull(elem decodeFunc, v reflect.Value) error {
	if r.atNull() {
		return r.skip()
	}
	return elem(r, v)
}
