package apiwire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	smithytime "github.com/aws/smithy-go/time"
)

// This file reads the JSON values that hold no others, and documents, which
// are read as a whole; json_read.go reads what holds values.

func decodeString(r *jsonReader, v reflect.Value) error {
	b, err := r.text("String")
	if err != nil {
		return err
	}
	v.SetString(string(b))
	return nil
}

func decodeBool(r *jsonReader, v reflect.Value) error {
	switch r.peek() {
	case 't':
		v.SetBool(true)
		return r.literal("true")
	case 'f':
		v.SetBool(false)
		return r.literal("false")
	}
	return r.mismatch("Boolean")
}

// decodeInt takes 3.0 and 3e0 for 3, but nothing with a fraction and nothing
// that does not fit.
func decodeInt(t reflect.Type) decodeFunc {
	name, bits := intName(t.Kind()), t.Bits()
	return func(r *jsonReader, v reflect.Value) error {
		if c := r.peek(); c != '-' && (c < '0' || c > '9') {
			return r.mismatch(name)
		}
		b, err := r.number()
		if err != nil {
			return err
		}
		n, ok := parseInt(b, bits)
		if !ok {
			return r.serialization("NUMBER_VALUE cannot be converted to " + name)
		}
		v.SetInt(n)
		return nil
	}
}

func intName(k reflect.Kind) string {
	switch k {
	case reflect.Int8:
		return "Byte"
	case reflect.Int16:
		return "Short"
	case reflect.Int32:
		return "Integer"
	}
	return "Long"
}

func parseInt(b []byte, bits int) (int64, bool) {
	if n, err := strconv.ParseInt(string(b), 10, bits); err == nil {
		return n, true
	}
	if !bytes.ContainsAny(b, ".eE") {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	limit := math.Ldexp(1, bits-1)
	if err != nil || f != math.Trunc(f) || f >= limit || f < -limit {
		return 0, false
	}
	return int64(f), true
}

func decodeFloat(t reflect.Type) decodeFunc {
	name := "Double"
	if t.Kind() == reflect.Float32 {
		name = "Float"
	}
	return func(r *jsonReader, v reflect.Value) error {
		f, err := r.float(name)
		if err != nil {
			return err
		}
		if v.OverflowFloat(f) {
			return r.serialization("NUMBER_VALUE cannot be converted to " + name)
		}
		v.SetFloat(f)
		return nil
	}
}

// float reads a number or one of the three strings that stand for numbers that
// JSON does not have.
func (r *jsonReader) float(name string) (float64, error) {
	c := r.peek()
	if c == '"' {
		b, err := r.text(name)
		if err != nil {
			return 0, err
		}
		switch string(b) {
		case "NaN":
			return math.NaN(), nil
		case "Infinity":
			return math.Inf(1), nil
		case "-Infinity":
			return math.Inf(-1), nil
		}
		return 0, r.serialization("STRING_VALUE cannot be converted to " + name)
	}
	if c != '-' && (c < '0' || c > '9') {
		return 0, r.mismatch(name)
	}
	b, err := r.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return 0, r.serialization("NUMBER_VALUE cannot be converted to " + name)
	}
	return f, nil
}

func decodeBlob(r *jsonReader, v reflect.Value) error {
	b, err := r.text("Blob")
	if err != nil {
		return err
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	n, err := base64.StdEncoding.Decode(out, b)
	if err != nil {
		return r.serialization("STRING_VALUE is not Base64")
	}
	v.SetBytes(out[:n])
	return nil
}

const timestamp = "milliseconds since epoch"

func decodeTime(s *smithy.Schema) decodeFunc {
	format := timeFormat(s, "epoch-seconds")
	return func(r *jsonReader, v reflect.Value) error {
		t, err := r.time(format)
		if err != nil {
			return err
		}
		*v.Addr().Interface().(*time.Time) = t
		return nil
	}
}

func (r *jsonReader) time(format string) (time.Time, error) {
	if format != "epoch-seconds" {
		b, err := r.text(timestamp)
		if err != nil {
			return time.Time{}, err
		}
		t, ok := parseTime(string(b), format)
		if !ok {
			return t, r.serialization("STRING_VALUE cannot be converted to " + timestamp)
		}
		return t, nil
	}
	if c := r.peek(); c != '-' && (c < '0' || c > '9') {
		return time.Time{}, r.mismatch(timestamp)
	}
	b, err := r.number()
	if err != nil {
		return time.Time{}, err
	}
	t, ok := parseTime(string(b), format)
	if !ok {
		return t, r.serialization("NUMBER_VALUE cannot be converted to " + timestamp)
	}
	return t, nil
}

// maxEpoch is the end of the year 9999 in seconds; what is beyond cannot be
// written as a date.
const maxEpoch = 253402300799

// parseTime reads a time in one of the three formats of Smithy. Epoch seconds
// are kept to the millisecond.
func parseTime(s, format string) (time.Time, bool) {
	switch format {
	case "date-time":
		t, err := smithytime.ParseDateTime(s)
		return t, err == nil
	case "http-date":
		t, err := smithytime.ParseHTTPDate(s)
		return t, err == nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > maxEpoch {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC(), true
}

// decodeDocument reads any JSON value. Only a struct of the SDK can make one of
// its own document type, so that struct is made to read it and the field
// taken out of it.
func decodeDocument(s shape) decodeFunc {
	return func(r *jsonReader, v reflect.Value) error {
		start := r.i
		if err := r.skip(); err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(r.b[start:r.i]))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			return r.malformed()
		}
		p := &probe{member: s.member, doc: document.Opaque{Value: value}}
		owner, ok := p.fill(s.owner)
		if !ok {
			return r.serialization("Documents are not understood here.")
		}
		v.Set(owner.Elem().FieldByName(upperFirst(s.member.MemberName())))
		return nil
	}
}
