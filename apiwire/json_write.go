package apiwire

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/aws/smithy-go/traits"
)

// This file writes Go values as JSON; json_read.go is its mirror image.

// encodeFunc appends the JSON of a value that is not nil.
type encodeFunc func(*jsonWriter, reflect.Value)

// jsonWriter gathers an answer. The first failure is kept, writing goes on.
type jsonWriter struct {
	buf []byte
	err error
}

func (w *jsonWriter) raw(s string) { w.buf = append(w.buf, s...) }

func (w *jsonWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// write writes a struct as an object.
func (p *plan) write(w *jsonWriter, v reflect.Value) {
	w.buf = append(w.buf, '{')
	p.writeMembers(w, v)
	w.buf = append(w.buf, '}')
}

// writeMembers writes what is between the braces.
func (p *plan) writeMembers(w *jsonWriter, v reflect.Value) {
	first := true
	for _, f := range p.fields {
		m := v.Field(f.index)
		if f.omit(m) {
			continue
		}
		if !first {
			w.buf = append(w.buf, ',')
		}
		first = false
		w.buf = append(w.buf, f.key...)
		f.encode(w, m)
	}
}

func encodePointer(elem encodeFunc) encodeFunc {
	return func(w *jsonWriter, v reflect.Value) {
		if v.IsNil() {
			w.raw("null")
			return
		}
		elem(w, v.Elem())
	}
}

func encodeList(elem encodeFunc) encodeFunc {
	return func(w *jsonWriter, v reflect.Value) {
		w.buf = append(w.buf, '[')
		for i := range v.Len() {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			elem(w, v.Index(i))
		}
		w.buf = append(w.buf, ']')
	}
}

// encodeMap writes the keys in order, so that answers compare equal.
func encodeMap(t reflect.Type, elem encodeFunc) encodeFunc {
	value := t.Elem()
	return func(w *jsonWriter, v reflect.Value) {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int {
			switch x, y := a.String(), b.String(); {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		})
		slot := reflect.New(value).Elem()
		w.buf = append(w.buf, '{')
		for i, k := range keys {
			if i > 0 {
				w.buf = append(w.buf, ',')
			}
			w.buf = append(appendJSONString(w.buf, k.String()), ':')
			slot.Set(v.MapIndex(k))
			elem(w, slot)
		}
		w.buf = append(w.buf, '}')
	}
}

func encodeString(w *jsonWriter, v reflect.Value) { w.buf = appendJSONString(w.buf, v.String()) }
func encodeBool(w *jsonWriter, v reflect.Value)   { w.buf = strconv.AppendBool(w.buf, v.Bool()) }
func encodeInt(w *jsonWriter, v reflect.Value)    { w.buf = strconv.AppendInt(w.buf, v.Int(), 10) }

func encodeBlob(w *jsonWriter, v reflect.Value) {
	w.buf = append(w.buf, '"')
	w.buf = base64.StdEncoding.AppendEncode(w.buf, v.Bytes())
	w.buf = append(w.buf, '"')
}

// encodeFloat writes what JSON has no number for as AWS does, in strings.
func encodeFloat(bits int) encodeFunc {
	return func(w *jsonWriter, v reflect.Value) {
		switch f := v.Float(); {
		case math.IsNaN(f):
			w.raw(`"NaN"`)
		case math.IsInf(f, 1):
			w.raw(`"Infinity"`)
		case math.IsInf(f, -1):
			w.raw(`"-Infinity"`)
		default:
			w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, bits)
		}
	}
}

// encodeTime writes epoch seconds unless the schema says otherwise.
func encodeTime(s *smithy.Schema) encodeFunc {
	format := timeFormat(s, "epoch-seconds")
	return func(w *jsonWriter, v reflect.Value) {
		t := timeOf(v)
		if format == "epoch-seconds" {
			w.buf = appendEpoch(w.buf, t)
			return
		}
		w.buf = append(w.buf, '"')
		w.buf = appendTime(w.buf, t, format)
		w.buf = append(w.buf, '"')
	}
}

// timeFormat is the format that a schema asks for, or the protocol's own.
func timeFormat(s *smithy.Schema, otherwise string) string {
	if t, ok := smithy.SchemaTrait[*traits.TimestampFormat](s); ok {
		return t.Format
	}
	return otherwise
}

// timeOf reads a time without copying it to the heap where it can.
func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

func appendTime(b []byte, t time.Time, format string) []byte {
	switch format {
	case "http-date":
		return append(b, smithytime.FormatHTTPDate(t)...)
	case "date-time":
		return append(b, smithytime.FormatDateTime(t)...)
	}
	return appendEpoch(b, t)
}

// appendEpoch writes seconds with up to three decimals, as AWS does.
func appendEpoch(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

func encodeDocument(w *jsonWriter, v reflect.Value) {
	b, err := v.Interface().(document.Marshaler).MarshalSmithyDocument()
	if err == nil && !json.Valid(b) {
		err = errors.New("it is not JSON") // the SDK writes nothing for what it cannot
	}
	if err != nil {
		w.fail(fmt.Errorf("writing a document: %w", err))
		return
	}
	w.buf = append(w.buf, b...)
}

const hexDigits = "0123456789abcdef"

// plainBytes is how many bytes at the beginning of s are surely written as they
// are, eight at a time: of ASCII, no control characters, quotes or backslashes.
func plainBytes(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	n := 0
	for ; n+8 <= len(s); n += 8 {
		p := s[n : n+8]
		x := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 |
			uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		quote, slash := x^'"'*ones, x^'\\'*ones
		// A byte's top bit is set where the byte is too large, too small, or
		// one of the two.
		if (x|(x-' '*ones)|(quote-ones)|(slash-ones))&tops != 0 {
			break
		}
	}
	return n
}

// appendJSONString writes s with quotes. What is not UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := plainBytes(s); i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = appendEscape(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b = append(append(b, s[start:i]...), "\ufffd"...)
			start = i + n
		}
		i += n
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
