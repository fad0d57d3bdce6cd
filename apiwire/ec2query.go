package apiwire

import (
	"net/http"
	"reflect"
)

// This file is ec2Query, EC2's own form of the query protocol: flat lists in
// the request, no Result element in the answer, lower-case names with many
// exceptions (ec2names.go), errors in another envelope.

// ec2Query serves EC2's query protocol.
type ec2Query struct {
	xmlns string // namespace of answers
	plans *queryPlans
}

// newEC2Query returns EC2's query protocol, for any API version; xmlns is the
// XML namespace of its answers.
func newEC2Query(_, xmlns string) protocol {
	return ec2Query{xmlns: xmlns, plans: newQueryPlans(ec2QueryDialect)}
}

func (p ec2Query) operation(_ *Service, r *request) (string, map[string]string) {
	return formAction(r), nil
}

func (p ec2Query) decode(_ *operation, r *request, in reflect.Value) error {
	return p.plans.decode(r, in.Elem())
}

// encode writes the request id first, as EC2 does; an operation that has
// nothing to tell answers <return>true</return>.
func (p ec2Query) encode(op *operation, w http.ResponseWriter, requestID string, out reflect.Value) error {
	var x xmlWriter
	x.header()
	x.openNamespace(op.name+"Response", p.xmlns)
	x.text("requestId", requestID)
	before := x.len()
	if err := p.plans.encode(&x, out); err != nil {
		return err
	}
	if x.len() == before && p.plans.silent(op.out) {
		x.text("return", "true")
	}
	x.close(op.name + "Response")
	x.send(w, http.StatusOK, requestID, "text/xml;charset=UTF-8")
	return nil
}

func (p ec2Query) fail(_ *Service, w http.ResponseWriter, requestID string, f *Failure) {
	code, message, status := ec2Failure(f)
	var x xmlWriter
	x.header()
	x.open("Response")
	x.open("Errors")
	x.open("Error")
	x.text("Code", code)
	x.text("Message", message)
	x.close("Error")
	x.close("Errors")
	x.text("RequestID", requestID)
	x.close("Response")
	x.send(w, status, requestID, "text/xml;charset=UTF-8")
}

// ec2Failure puts a failure into EC2's words: it says AuthFailure (401) where
// the other query services say InvalidClientTokenId.
func ec2Failure(f *Failure) (code, message string, status int) {
	switch f.Code {
	case codeUnknownClient, codeMissingToken:
		return "AuthFailure", "AWS was not able to validate the provided access credentials", http.StatusUnauthorized
	case "InternalFailure":
		return "InternalError", f.Message, f.Status
	}
	return queryFailure(f)
}
