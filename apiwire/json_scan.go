package apiwire

import (
	"net/http"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// This file takes a JSON text apart. It is strict: what RFC 8259 does not
// allow is malformed. That the text is UTF-8 has been checked before.

// jsonMaxDepth bounds nesting, so that no request can exhaust the stack. The
// deepest shapes of AWS need about a dozen.
const jsonMaxDepth = 200

// jsonReader reads one JSON text from its beginning to its end.
type jsonReader struct {
	b       []byte
	i       int
	depth   int
	scratch []byte // of the last string that had escapes
}

// serialization is the failure for a request that does not have the
// operation's shape.
func (r *jsonReader) serialization(message string) error {
	return serializationFailure(message)
}

func serializationFailure(message string) *Failure {
	return &Failure{Code: "SerializationException", Message: message, Status: http.StatusBadRequest}
}

func (r *jsonReader) malformed() error {
	if r.i >= len(r.b) {
		return r.serialization("Malformed JSON: unexpected end of input.")
	}
	return r.serialization("Malformed JSON at byte " + strconv.Itoa(r.i) + ".")
}

// mismatch is the failure for a well-formed value of the wrong kind, in AWS's
// words; for one that is not well formed it says that.
func (r *jsonReader) mismatch(want string) error {
	c := r.peek()
	if err := r.skip(); err != nil {
		return err
	}
	switch c {
	case '{':
		return r.serialization("Start of structure or map found where not expected.")
	case '[':
		return r.serialization("Start of list found where not expected.")
	}
	return r.serialization(kindOf(c) + "_VALUE cannot be converted to " + want)
}

func kindOf(c byte) string {
	switch c {
	case '"':
		return "STRING"
	case 't':
		return "TRUE"
	case 'f':
		return "FALSE"
	case 'n':
		return "NULL"
	}
	return "NUMBER"
}

// peek skips white space and returns the next byte, 0 at the end.
func (r *jsonReader) peek() byte {
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) atNull() bool { return r.peek() == 'n' }

// enterStruct reads the brace that opens a structure or a map.
func (r *jsonReader) enterStruct() error {
	switch r.peek() {
	case '{':
		return r.descend()
	case '[':
		return r.mismatch("")
	}
	return r.expected("Unexpected field type")
}

func (r *jsonReader) enterList() error {
	switch r.peek() {
	case '[':
		return r.descend()
	case '{':
		return r.mismatch("")
	}
	return r.expected("Expected list or null")
}

// expected is the failure for a scalar where there should be none.
func (r *jsonReader) expected(message string) error {
	if err := r.skip(); err != nil {
		return err
	}
	return r.serialization(message)
}

func (r *jsonReader) descend() error {
	r.i++
	if r.depth++; r.depth > jsonMaxDepth {
		return r.serialization("The request is nested more than " + strconv.Itoa(jsonMaxDepth) + " levels deep.")
	}
	return nil
}

// element moves to the next element of a list; it reads the closing bracket.
func (r *jsonReader) element(first bool) (more bool, err error) {
	return r.next(']', first)
}

// member moves to the value of the next member and returns its key, which is
// valid until the next string is read.
func (r *jsonReader) member(first bool) (key []byte, more bool, err error) {
	more, err = r.next('}', first)
	if err != nil || !more {
		return nil, false, err
	}
	if r.peek() != '"' {
		return nil, false, r.malformed()
	}
	if key, err = r.str(); err != nil {
		return nil, false, err
	}
	if r.peek() != ':' {
		return nil, false, r.malformed()
	}
	r.i++
	return key, true, nil
}

func (r *jsonReader) next(end byte, first bool) (bool, error) {
	c := r.peek()
	if c == end {
		r.i++
		r.depth--
		return false, nil
	}
	if first {
		return true, nil
	}
	if c != ',' {
		return false, r.malformed()
	}
	r.i++
	if c := r.peek(); c == end {
		return false, r.malformed()
	}
	return true, nil
}

// end checks that nothing but white space is left.
func (r *jsonReader) end() error {
	if r.peek(); r.i < len(r.b) {
		return r.malformed()
	}
	return nil
}

// skip reads over the next value, whatever it is.
func (r *jsonReader) skip() error {
	switch c := r.peek(); c {
	case '{':
		return r.skipStruct()
	case '[':
		return r.skipList()
	case '"':
		_, err := r.str()
		return err
	case 't':
		return r.literal("true")
	case 'f':
		return r.literal("false")
	case 'n':
		return r.literal("null")
	}
	_, err := r.number()
	return err
}

func (r *jsonReader) skipStruct() error {
	if err := r.descend(); err != nil {
		return err
	}
	for first := true; ; first = false {
		_, more, err := r.member(first)
		if err != nil || !more {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

func (r *jsonReader) skipList() error {
	if err := r.descend(); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := r.element(first)
		if err != nil || !more {
			return err
		}
		if err := r.skip(); err != nil {
			return err
		}
	}
}

func (r *jsonReader) literal(word string) error {
	if len(r.b)-r.i < len(word) || string(r.b[r.i:r.i+len(word)]) != word {
		return r.malformed()
	}
	r.i += len(word)
	return nil
}

// number reads a number and returns its text.
func (r *jsonReader) number() ([]byte, error) {
	start := r.i
	if r.at('-') {
		r.i++
	}
	if r.at('0') {
		r.i++
	} else if r.digits() == 0 {
		return nil, r.malformed()
	}
	if r.at('.') {
		r.i++
		if r.digits() == 0 {
			return nil, r.malformed()
		}
	}
	if r.at('e') || r.at('E') {
		r.i++
		if r.at('+') || r.at('-') {
			r.i++
		}
		if r.digits() == 0 {
			return nil, r.malformed()
		}
	}
	return r.b[start:r.i], nil
}

func (r *jsonReader) at(c byte) bool { return r.i < len(r.b) && r.b[r.i] == c }

func (r *jsonReader) digits() (n int) {
	for ; r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9'; r.i++ {
		n++
	}
	return n
}

// text reads a string where one is wanted.
func (r *jsonReader) text(want string) ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.mismatch(want)
	}
	return r.str()
}

// str reads a string that begins here and returns it without quotes and
// escapes; the bytes are valid until the next string is read.
func (r *jsonReader) str() ([]byte, error) {
	start := r.i + 1
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			r.i = i + 1
			return r.b[start:i], nil
		case c == '\\':
			return r.unescape(start, i)
		case c < ' ':
			r.i = i
			return nil, r.malformed()
		}
	}
	r.i = len(r.b)
	return nil, r.malformed()
}

// unescape reads the rest of a string whose first escape is at i.
func (r *jsonReader) unescape(start, i int) ([]byte, error) {
	out := append(r.scratch[:0], r.b[start:i]...)
	for r.i = i; r.i < len(r.b); {
		switch c := r.b[r.i]; {
		case c == '"':
			r.i++
			r.scratch = out
			return out, nil
		case c < ' ':
			return nil, r.malformed()
		case c != '\\':
			out = append(out, c)
			r.i++
		default:
			var ok bool
			if out, ok = r.escape(out); !ok {
				return nil, r.malformed()
			}
		}
	}
	return nil, r.malformed()
}

// escape reads one escape sequence.
func (r *jsonReader) escape(out []byte) ([]byte, bool) {
	if r.i+1 >= len(r.b) {
		r.i = len(r.b)
		return out, false
	}
	switch c := r.b[r.i+1]; c {
	case '"', '\\', '/':
		out = append(out, c)
	case 'b':
		out = append(out, '\b')
	case 'f':
		out = append(out, '\f')
	case 'n':
		out = append(out, '\n')
	case 'r':
		out = append(out, '\r')
	case 't':
		out = append(out, '\t')
	case 'u':
		return r.unicode(out)
	default:
		return out, false
	}
	r.i += 2
	return out, true
}

// unicode reads \uXXXX, or two of them when they are a surrogate pair. A
// surrogate alone becomes U+FFFD.
func (r *jsonReader) unicode(out []byte) ([]byte, bool) {
	c, ok := r.hex4(r.i)
	if !ok {
		return out, false
	}
	r.i += 6
	if !utf16.IsSurrogate(c) {
		return utf8.AppendRune(out, c), true
	}
	if low, ok := r.hex4(r.i); ok {
		if pair := utf16.DecodeRune(c, low); pair != utf8.RuneError {
			r.i += 6
			return utf8.AppendRune(out, pair), true
		}
	}
	return utf8.AppendRune(out, utf8.RuneError), true
}

func (r *jsonReader) hex4(i int) (rune, bool) {
	if i+6 > len(r.b) || r.b[i] != '\\' || r.b[i+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(r.b[i+2:i+6]), 16, 16)
	return rune(n), err == nil
}
