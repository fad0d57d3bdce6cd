package eksauth

import (
	"fmt"
	"net/http"
)

// Error is an exception of EKS Auth's. The statuses are those of its API
// model.
type Error struct {
	Code    string // such as "AccessDeniedException"
	Message string
	Status  int // HTTP status
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// fault is whose it is, in the SDK's words.
func (e *Error) fault() string {
	if e.Status >= http.StatusInternalServerError {
		return "server"
	}
	return "client"
}

func invalidToken(format string, args ...any) error {
	return &Error{"InvalidTokenException", fmt.Sprintf(format, args...), http.StatusBadRequest}
}

func notFound(format string, args ...any) error {
	return &Error{"ResourceNotFoundException", fmt.Sprintf(format, args...), http.StatusNotFound}
}

// notTrusted has AWS's words for a trust policy that does not let EKS in.
func notTrusted() error {
	return &Error{"AccessDeniedException", "Unauthorized Exception! EKS does not have permissions to assume the associated role.", http.StatusBadRequest}
}
