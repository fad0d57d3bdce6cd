package iam

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/neargate/neargate/apiwire"
)

// Error is one of the SDK's errors with the HTTP status that IAM answers it
// with, which the SDK does not know.
type Error struct {
	smithy.APIError
	Status int
}

// Unwrap returns the SDK's error.
func (e *Error) Unwrap() error { return e.APIError }

// As tells apiwire the status.
func (e *Error) As(target any) bool {
	f, ok := target.(**apiwire.Failure)
	if ok {
		*f = &apiwire.Failure{Code: e.ErrorCode(), Message: e.ErrorMessage(), Status: e.Status}
	}
	return ok
}

func text(format string, args []any) *string {
	s := fmt.Sprintf(format, args...)
	return &s
}

func noSuch(format string, args ...any) error {
	return &Error{&types.NoSuchEntityException{Message: text(format, args)}, http.StatusNotFound}
}

func exists(format string, args ...any) error {
	return &Error{&types.EntityAlreadyExistsException{Message: text(format, args)}, http.StatusConflict}
}

func conflict(format string, args ...any) error {
	return &Error{&types.DeleteConflictException{Message: text(format, args)}, http.StatusConflict}
}

func limit(format string, args ...any) error {
	return &Error{&types.LimitExceededException{Message: text(format, args)}, http.StatusConflict}
}

func badInput(format string, args ...any) error {
	return &Error{&types.InvalidInputException{Message: text(format, args)}, http.StatusBadRequest}
}

func malformed(format string, args ...any) error {
	return &Error{&types.MalformedPolicyDocumentException{Message: text(format, args)}, http.StatusBadRequest}
}

// invalid is the error for a parameter that breaks a rule of its shape.
func invalid(format string, args ...any) error {
	return &Error{&smithy.GenericAPIError{Code: "ValidationError", Message: *text(format, args), Fault: smithy.FaultClient}, http.StatusBadRequest}
}

func denied(format string, args ...any) error {
	return &Error{&smithy.GenericAPIError{Code: "AccessDenied", Message: *text(format, args), Fault: smithy.FaultClient}, http.StatusForbidden}
}
