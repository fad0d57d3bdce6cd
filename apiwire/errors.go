package apiwire

import (
	"errors"
	"net/http"
	"reflect"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// This file turns what an operation returned as an error into what the client
// is told. Only errors in AWS's terms are told; all else is an internal
// failure whose text stays here.

// failureOf makes the answer of an error that speaks AWS's terms. It returns
// nil for any other.
func failureOf(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return nil
	}
	f := &Failure{Code: e.ErrorCode(), Message: e.ErrorMessage(), Value: typedError(e)}
	f.Status = statusOf(e.ErrorFault(), f.Value)
	if f.Message == "" {
		f.Message = f.Code
	}
	return f
}

// typedError returns an error that is one of the SDK's structs, whose members
// go on the wire too; the SDK marks them all with ErrorCodeOverride. It returns
// an invalid value for others.
func typedError(e smithy.APIError) reflect.Value {
	v := reflect.ValueOf(e)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return reflect.Value{}
	}
	if _, ok := v.Elem().Type().FieldByName("ErrorCodeOverride"); !ok {
		return reflect.Value{}
	}
	return v
}

// statusOf is the HTTP status of an error: the schema's where there is one,
// else by whose fault it is.
func statusOf(fault smithy.ErrorFault, typed reflect.Value) int {
	if typed.IsValid() {
		if t, ok := smithy.SchemaTrait[*traits.HTTPError](schemaOf(typed.Type().Elem())); ok {
			return t.Code
		}
	}
	if fault == smithy.FaultServer {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// internal is the answer for an error that is none of the client's business.
// The container services model a ServerException; the common code of all of
// AWS is InternalFailure.
func (s *Service) internal() *Failure {
	code := "InternalFailure"
	switch s.name {
	case "ecs", "eks", "ecr":
		code = "ServerException"
	}
	return &Failure{
		Code:    code,
		Message: "The request processing has failed because of an unknown error, exception or failure.",
		Status:  http.StatusInternalServerError,
	}
}

// unknownOperation is the answer for an operation that is not served.
func unknownOperation(status int, message string) *Failure {
	return &Failure{Code: "UnknownOperationException", Message: message, Status: status}
}
