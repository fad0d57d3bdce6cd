package apiwire

import (
	"net/http"
	"reflect"
)

// This file is awsQuery, the form-in, XML-out protocol of STS, IAM and
// ELBv2. Its sibling of EC2, with other names and flatter lists, is in
// ec2query.go; what both share is in query_form.go (forms taken apart),
// query_plan.go (struct plans), query_read.go and query_write.go.

// awsQuery serves AWS's query protocol.
type awsQuery struct {
	xmlns string // namespace of answers
	plans *queryPlans
}

// newAWSQuery returns the query protocol. The API version is of no concern to
// it: which service a version belongs to is settled before. Xmlns is the
// XML namespace of its answers.
func newAWSQuery(_, xmlns string) protocol {
	return awsQuery{xmlns: xmlns, plans: newQueryPlans(awsQueryDialect)}
}

func (p awsQuery) operation(_ *Service, r *request) (string, map[string]string) {
	return formAction(r), nil
}

func (p awsQuery) decode(_ *operation, r *request, in reflect.Value) error {
	return p.plans.decode(r, in.Elem())
}

func (p awsQuery) encode(op *operation, w http.ResponseWriter, requestID string, out reflect.Value) error {
	var x xmlWriter
	x.header()
	x.openNamespace(op.name+"Response", p.xmlns)
	x.open(op.name + "Result")
	if err := p.plans.encode(&x, out); err != nil {
		return err
	}
	x.close(op.name + "Result")
	x.open("ResponseMetadata")
	x.text("RequestId", requestID)
	x.close("ResponseMetadata")
	x.close(op.name + "Response")
	x.send(w, http.StatusOK, requestID, "text/xml")
	return nil
}

func (p awsQuery) fail(_ *Service, w http.ResponseWriter, requestID string, f *Failure) {
	code, message, status := queryFailure(f)
	var x xmlWriter
	x.openNamespace("ErrorResponse", p.xmlns)
	x.open("Error")
	x.text("Type", faultOf(status))
	x.text("Code", code)
	x.text("Message", message)
	p.plans.details(&x, f.Value)
	x.close("Error")
	x.text("RequestId", requestID)
	x.close("ErrorResponse")
	x.send(w, status, requestID, "text/xml")
}

// faultOf says whose fault an HTTP status is, in the query protocol's words.
func faultOf(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// queryFailure puts a failure into the words of the query services: those
// name the refusals of unsigned and wrongly signed requests otherwise than the
// JSON services do, and answer all of them with 403.
func queryFailure(f *Failure) (code, message string, status int) {
	switch f.Code {
	case codeMissingToken:
		return "MissingAuthenticationToken", "Request is missing Authentication Token", http.StatusForbidden
	case codeBadSignature:
		return "SignatureDoesNotMatch", f.Message, http.StatusForbidden
	case codeUnknownClient:
		return "InvalidClientTokenId", f.Message, http.StatusForbidden
	case codeIncompleteSignature:
		return "IncompleteSignature", f.Message, f.Status
	case "UnknownOperationException":
		return "InvalidAction", f.Message, f.Status
	}
	return f.Code, f.Message, queryStatus(f)
}

// queryStatus is the HTTP status of an error of STS, IAM or ELBv2. Their SDK
// modules have no schemas to tell it; these are the models' statuses that are
// not 400.
func queryStatus(f *Failure) int {
	if f.Status != http.StatusBadRequest {
		return f.Status
	}
	switch f.Code {
	case "AccessDenied", "IDPRejectedClaim", "OutboundWebIdentityFederationDisabledException", "RegionDisabledException",
		"SessionDurationEscalationException", "InvalidAuthenticationCode":
		return http.StatusForbidden
	case "NoSuchEntity", "ReportInProgress", "FeatureDisabled", "NotSupportedService":
		return http.StatusNotFound
	case "EntityAlreadyExists", "DeleteConflict", "LimitExceeded", "ConcurrentModification", "DuplicateCertificate",
		"EntityTemporarilyUnmodifiable", "FeatureEnabled", "ReportGenerationLimitExceeded":
		return http.StatusConflict
	case "ReportExpired", "ReportNotPresent":
		return http.StatusGone
	case "PriorRequestNotComplete":
		return http.StatusTooManyRequests
	case "ServiceFailure", "PolicyEvaluation", "HealthUnavailable", "InsufficientCapacity":
		return http.StatusInternalServerError
	}
	return f.Status
}
