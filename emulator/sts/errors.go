package sts

import (
	"fmt"
	"net/http"

	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
)

// Error is an error of the query protocol's common ones, for which the SDK has
// no types. It is a smithy.APIError with an HTTP status.
type Error struct {
	Code    string // such as "AccessDenied"
	Message string
	Status  int // HTTP status
}

func (e *Error) Error() string                 { return e.Code + ": " + e.Message }
func (e *Error) ErrorCode() string             { return e.Code }
func (e *Error) ErrorMessage() string          { return e.Message }
func (e *Error) ErrorFault() smithy.ErrorFault { return smithy.FaultClient }

// As tells apiwire the status.
func (e *Error) As(target any) bool {
	f, ok := target.(**apiwire.Failure)
	if ok {
		*f = &apiwire.Failure{Code: e.Code, Message: e.Message, Status: e.Status}
	}
	return ok
}

func denied(format string, args ...any) error {
	return &Error{Code: "AccessDenied", Message: fmt.Sprintf(format, args...), Status: http.StatusForbidden}
}

func invalid(format string, args ...any) error {
	return &Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...), Status: http.StatusBadRequest}
}
