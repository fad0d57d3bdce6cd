package ec2

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
)

// Error is an error in EC2's words. EC2's SDK has no error types; this one is
// a smithy.APIError with an HTTP status.
type Error struct {
	Code    string // such as "InvalidVpcID.NotFound"
	Message string
	Status  int // HTTP status; 0 means 400
}

// Error returns EC2's text alone, so that services which pass it on, as ECS
// does, need not take it apart.
func (e *Error) Error() string { return e.Message }

func (e *Error) ErrorCode() string             { return e.Code }
func (e *Error) ErrorMessage() string          { return e.Message }
func (e *Error) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// As tells apiwire the status, which the wire's own rule for typed errors (400
// or 500) does not know.
func (e *Error) As(target any) bool {
	f, ok := target.(**apiwire.Failure)
	if ok {
		*f = &apiwire.Failure{Code: e.Code, Message: e.Message, Status: cmp.Or(e.Status, http.StatusBadRequest)}
	}
	return ok
}

func fail(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid is the error for a parameter's value that does not do.
func invalid(parameter, value, why string) error {
	return fail("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, parameter, why)
}

func missing(parameter string) error {
	return fail("MissingParameter", "The request must contain the parameter %s", parameter)
}

func badCombination(format string, args ...any) error {
	return fail("InvalidParameterCombination", format, args...)
}

func dependency(format string, args ...any) error {
	return fail("DependencyViolation", format, args...)
}

// unsupported is the error for something that AWS has and this EC2 has not.
func unsupported(what string) error {
	return fail("UnsupportedOperation", "%s not available in Neargate's EC2.", what)
}

// require returns the error for the first of the named parameters that is
// empty. Arguments alternate between name and value.
func require(pairs ...any) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if value, ok := pairs[i+1].(*string); !ok || value == nil || strings.TrimSpace(*value) == "" {
			return missing(pairs[i].(string))
		}
	}
	return nil
}
