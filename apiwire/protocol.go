package apiwire

import (
	"net/http"
	"net/url"
	"reflect"
)

// protocol is one way of writing operations on HTTP. All are stateless: what
// depends on the operation is compiled into it once, at registration.
type protocol interface {
	// operation names the operation that a request asks for and, for protocols
	// with paths, the labels found in it (unescaped). It returns "" when the
	// request names none.
	operation(s *Service, r *request) (name string, labels map[string]string)
	// decode fills in, a pointer to the operation's Input struct. Its errors
	// are [Failure]s in AWS's words, never panics: the body is whatever a
	// client sent.
	decode(op *operation, r *request, in reflect.Value) error
	// encode writes the success answer; out is a pointer to the Output struct
	// and may be nil.
	encode(op *operation, w http.ResponseWriter, requestID string, out reflect.Value) error
	// fail writes an error answer.
	fail(s *Service, w http.ResponseWriter, requestID string, f *Failure)
}

// request is a request whose body has been read, bounded, and, where it is a
// form, taken apart.
type request struct {
	*http.Request
	body   []byte
	form   url.Values        // of awsQuery and ec2Query: body and URL query together
	labels map[string]string // what protocol.operation found in the path

	present []string // Go names of the Input's fields that the client sent, for [Present]
}

// sees notes that the client sent a value for a field of the Input; decoders
// call it with the Go name, for members at the top level only.
func (r *request) sees(goField string) { r.present = append(r.present, goField) }

// preparer is implemented by protocols that compile something for each
// operation; prepare is called once for each, when a handler is made, and may
// panic when a type cannot go on the wire: that is a fault of the program, not
// of a request.
type preparer interface {
	prepare(s *Service, op *operation)
}

// operation is one API action of a registered service.
type operation struct {
	service *Service // that it belongs to
	name    string
	method  reflect.Value // bound method of the API value
	in      reflect.Type  // struct type of the Input
	out     reflect.Type  // struct type of the Output
	wire    any           // what the protocol compiled for it
}

// Failure is an error as it goes on the wire. Handlers do not build it: they
// return the SDK's typed errors, which apiwire turns into one.
type Failure struct {
	Code    string // such as "ClusterNotFoundException"
	Message string
	Status  int           // HTTP status
	Value   reflect.Value // the typed error with its other members; may be invalid
}

func (f *Failure) Error() string { return f.Code + ": " + f.Message }
