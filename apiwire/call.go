package apiwire

import "context"

// Call says who asks for what: the facts of a request that are not in its
// input. Handlers read it with [CallFrom].
type Call struct {
	Service   string // signing name of the service, such as "ecs"
	Operation string // such as "RunTask"
	Account   string // 12 digits
	Partition string // "aws", "aws-cn", "aws-us-gov"
	Region    string // from the signature's credential scope
	AccessKey string // "" when the request is not signed
	RequestID string // as answered in X-Amzn-Requestid
	Host      string // the Host the client wrote; advertised URLs are built from it
	Secure    bool   // the request came in over TLS
}

// By names the call for the change feed, as "ecs:RunTask 7f3c…".
func (c Call) By() string {
	return c.Service + ":" + c.Operation + " " + c.RequestID
}

// ARN builds the ARN of a resource of the caller's account and region.
func (c Call) ARN(service, resource string) string {
	return ARN{Partition: c.Partition, Service: service, Region: c.Region, Account: c.Account, Resource: resource}.String()
}

// Scope is the account and region in one string, for keys of records that
// exist once in each.
func (c Call) Scope() string { return c.Account + "/" + c.Region }

type callKey struct{}

// WithCall returns a context that carries c.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the call that ctx carries, and a zero Call when there is
// none.
func CallFrom(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}
