package apiwire

import (
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// This file is the awsJson protocols, 1.0 and 1.1: POST /, the operation in
// X-Amz-Target, one JSON object each way. What they share with restJson is
// here too.

type awsJSON struct{ contentType string }

// jsonWire is what the JSON protocols compile for an operation.
type jsonWire struct{ in, out *plan }

func (awsJSON) prepare(s *Service, op *operation) {
	op.wire = &jsonWire{in: s.codec.planOf(op.in), out: s.codec.planOf(op.out)}
}

func (awsJSON) operation(s *Service, r *request) (string, map[string]string) {
	prefix, name := splitTarget(r.Header.Get("X-Amz-Target"))
	if r.Method != http.MethodPost || prefix != s.target {
		return "", nil
	}
	return name, nil
}

// splitTarget takes an X-Amz-Target apart at its last dot.
func splitTarget(target string) (prefix, operation string) {
	i := strings.LastIndexByte(target, '.')
	if i < 0 {
		return "", ""
	}
	return target[:i], target[i+1:]
}

func (awsJSON) decode(op *operation, r *request, in reflect.Value) error {
	return decodeBody(op.wire.(*jsonWire).in, r, in.Elem())
}

// decodeBody reads the JSON object of a request. An empty body is an object
// without members.
func decodeBody(p *plan, r *request, in reflect.Value) error {
	if !utf8.Valid(r.body) {
		return serializationFailure("The request is not UTF-8.")
	}
	j := &jsonReader{b: r.body}
	if j.peek(); j.i == len(j.b) {
		return nil
	}
	if err := p.readMembers(j, in, func(f *field) { r.sees(f.goName) }); err != nil {
		return err
	}
	return j.end()
}

func (p awsJSON) encode(op *operation, w http.ResponseWriter, _ string, out reflect.Value) error {
	return writeOutput(op, w, p.contentType, out)
}

func writeOutput(op *operation, w http.ResponseWriter, contentType string, out reflect.Value) error {
	return op.service.codec.respond(w, http.StatusOK, contentType, func(j *jsonWriter) {
		if !out.IsValid() || out.IsNil() {
			j.raw("{}")
			return
		}
		op.wire.(*jsonWire).out.write(j, out.Elem())
	})
}

// respond writes an answer whole, or, when that fails, nothing.
func (c *codec) respond(w http.ResponseWriter, status int, contentType string, write func(*jsonWriter)) error {
	j := c.buffers.Get().(*jsonWriter)
	j.buf, j.err = j.buf[:0], nil
	defer c.release(j)
	if write(j); j.err != nil {
		return j.err
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(j.buf)))
	w.WriteHeader(status)
	if _, err := w.Write(j.buf); err != nil {
		return &sendError{err}
	}
	return nil
}

// sendError says that an answer was made but did not reach the client.
type sendError struct{ err error }

func (e *sendError) Error() string { return "sending the answer: " + e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// keepBuffer is the largest buffer kept for the next answer, in bytes.
const keepBuffer = 1 << 20

func (c *codec) release(j *jsonWriter) {
	if cap(j.buf) <= keepBuffer {
		c.buffers.Put(j)
	}
}

func (p awsJSON) fail(s *Service, w http.ResponseWriter, _ string, f *Failure) {
	failJSON(s, w, p.contentType, f)
}

// failJSON writes an error answer: "__type", the message and the typed error's
// other members.
func failJSON(s *Service, w http.ResponseWriter, contentType string, f *Failure) {
	w.Header().Set("X-Amzn-Errortype", f.Code)
	p, v := &plan{}, f.Value
	if v.IsValid() {
		p, v = s.codec.planOf(v.Type().Elem()), v.Elem()
	}
	// An answer that cannot be sent has nobody left to hear of it, and the
	// members of errors are strings and lists of strings.
	_ = s.codec.respond(w, f.Status, contentType, func(j *jsonWriter) {
		j.raw(`{"__type":`)
		j.buf = appendJSONString(j.buf, f.Code)
		j.raw("," + p.messageKey())
		j.buf = appendJSONString(j.buf, f.Message)
		for _, m := range p.fields {
			if value := v.Field(m.index); m.goName != "Message" && !m.omit(value) {
				j.raw("," + m.key)
				m.encode(j, value)
			}
		}
		j.raw("}")
	})
}

// messageKey is the key of an error's message: "message" but for a few
// services.
func (p *plan) messageKey() string {
	for _, f := range p.fields {
		if f.goName == "Message" {
			return f.key
		}
	}
	return `"message":`
}
