package apiwire

import (
	"context"
	"net/http"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"github.com/rs/zerolog"
)

// This file serves one request from its first byte to its last. What it calls
// on the way is in dispatch.go, in the protocols and in errors.go.

// Options are the settings of a [Handler].
type Options struct {
	Account string // of callers whose access key is not an account; "" means 000000000000
	// AccountOf knows the accounts of access keys that were issued, such as
	// those of assumed roles. It may be nil.
	AccountOf func(ctx context.Context, accessKey string) (account string, ok bool)
	Region    string // of requests that name none; "" means us-east-1

	// Verify checks a request's signature against its body. Its errors are
	// answered like those of operations. Nil lets any credentials in.
	Verify func(r *http.Request, body []byte) error

	MaxBody int64          // largest request body in bytes; 0 means 8 MiB
	Log     zerolog.Logger // of internal failures
	// Explain words an internal failure for the client, where the client's user
	// can do something about it: a full disk. "" keeps its text here. It may be
	// nil.
	Explain func(err error) string

	// Done is called after every request with the status answered and the
	// time taken. Operation and Service are empty when none was found. It may
	// be nil.
	Done func(c Call, status int, took time.Duration)
}

const (
	defaultAccount = "000000000000"
	defaultRegion  = "us-east-1"
	defaultMaxBody = 8 << 20
)

// Handler serves AWS services on one port. Make it with [New].
type Handler struct {
	options  Options
	services []*Service
	byTarget map[string]*Service

	// Whose manner of failing is used when there is no service: JSON and, for
	// forms, XML.
	plain, plainForm *Service
}

// New makes a handler of services. It panics when a service has a type that
// its protocol cannot carry, or when two services cannot be told apart.
func New(o Options, services ...*Service) *Handler {
	if o.Account == "" {
		o.Account = defaultAccount
	}
	if o.Region == "" {
		o.Region = defaultRegion
	}
	if o.MaxBody == 0 {
		o.MaxBody = defaultMaxBody
	}
	h := &Handler{options: o, services: slices.Clone(services), byTarget: map[string]*Service{}}
	h.plain, h.plainForm = newService("", awsJSON{contentType: restContentType}, struct{}{}), Query("", "", "", struct{}{})
	h.plain.prepare()
	h.plainForm.prepare()
	for _, s := range services {
		s.prepare()
		if s.target == "" {
			continue
		}
		if other := h.byTarget[s.target]; other != nil {
			panic("apiwire: " + other.name + " and " + s.name + " have the same target prefix " + s.target)
		}
		h.byTarget[s.target] = s
	}
	return h
}

// exchange is one request on its way.
type exchange struct {
	*Handler
	w       *statusWriter
	r       *request
	service *Service
	call    Call
}

// ServeHTTP implements [http.Handler]. It answers every request, also when an
// operation panics.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{
		Handler: h,
		w:       &statusWriter{ResponseWriter: w},
		r:       &request{Request: r},
		service: h.plain,
		call:    Call{RequestID: newRequestID(), Host: r.Host, Secure: r.TLS != nil},
	}
	w.Header().Set("X-Amzn-Requestid", x.call.RequestID)
	if err := x.guard(x.serve); err != nil {
		if err := x.guard(func() error { x.fail(err); return nil }); err != nil {
			x.fail(err)
		}
	}
	if h.options.Done != nil {
		h.options.Done(x.call, x.w.status, time.Since(start))
	}
}

// panicked is a panic on its way to the log.
type panicked struct {
	value any
	stack []byte
}

func (p *panicked) Error() string { return "panic" }

// guard turns a panic into an error.
func (x *exchange) guard(serve func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicked{v, debug.Stack()}
		}
	}()
	return serve()
}

// serve answers the request or returns why it could not.
func (x *exchange) serve() error {
	bodyErr := x.readBody()
	op, err := x.find()
	if bodyErr != nil {
		return bodyErr
	}
	if err != nil {
		return err
	}
	if x.options.Verify != nil {
		if err := x.options.Verify(x.r.Request, x.r.body); err != nil {
			return err
		}
	}
	in := reflect.New(op.in)
	if err := x.service.protocol.decode(op, x.r, in); err != nil {
		return err
	}
	if err := x.service.check(op, in); err != nil {
		return err
	}
	out, err := op.invoke(x.context(), in)
	if err != nil {
		return err
	}
	return x.service.protocol.encode(op, x.w, x.call.RequestID, out)
}

// find names service, caller and operation in x.call as far as it can tell.
func (x *exchange) find() (*operation, error) {
	accessKey, region, signedFor, _ := Scope(x.r.Request)
	x.identify(accessKey, region)
	to := x.dispatch(x.r, signedFor)
	if to.service == nil {
		if formValue(x.r, "Action") != "" {
			x.service = x.plainForm
		}
		return nil, x.noService(to)
	}
	x.service, x.call.Service = to.service, to.service.name
	name, labels := x.service.protocol.operation(x.service, x.r)
	x.r.labels = labels
	op := x.service.operations[name]
	if op == nil {
		return nil, x.noOperation(name)
	}
	x.call.Operation = name
	return op, nil
}

// identify reads account and region: a 12-digit access key is the account.
func (x *exchange) identify(accessKey, region string) {
	x.call.AccessKey = accessKey
	x.call.Account = x.account(accessKey)
	for _, r := range []string{region, regionOfHost(x.r.Host), x.options.Region} {
		if r != "" {
			x.call.Region = r
			break
		}
	}
	x.call.Partition = PartitionOf(x.call.Region)
}

// account is whose key it is: the key itself names it, or somebody issued it.
// Only keys of AWS's form are asked for, so that "test" costs nothing.
func (x *exchange) account(accessKey string) string {
	if isAccount(accessKey) {
		return accessKey
	}
	if x.options.AccountOf != nil && len(accessKey) >= issuedLength {
		if account, ok := x.options.AccountOf(x.r.Context(), accessKey); ok {
			return account
		}
	}
	return x.options.Account
}

// issuedLength is how long the access key ids are that AWS issues (AKIA…,
// ASIA…), in characters.
const issuedLength = 16

func isAccount(accessKey string) bool {
	for _, c := range accessKey {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(accessKey) == 12
}

// invoke calls the API method.
func (op *operation) invoke(ctx context.Context, in reflect.Value) (reflect.Value, error) {
	results := op.method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	err, _ := results[1].Interface().(error)
	return results[0], err
}

type presentKey struct{}

// context is what the operation gets: the request's own, with the call and the
// members that were sent.
func (x *exchange) context() context.Context {
	ctx := WithCall(x.r.Context(), x.call)
	return context.WithValue(ctx, presentKey{}, x.r.present)
}

// Present tells whether the client sent a value for a member of the
// operation's input, even if it is the zero value; null is no value. Members
// are named as in Go ("MaxResults") or on the wire ("maxResults"). It knows
// only those at the top level.
func Present(ctx context.Context, member string) bool {
	present, _ := ctx.Value(presentKey{}).([]string)
	return slices.Contains(present, upperFirst(member))
}
