package apiwire_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/neargate/neargate/apiwire"
)

// TestExplain: an internal failure is told in the words of whoever runs the
// handler, where it has any.
func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"no room": `{"__type":"ServerException","message":"no room"}`,
		"":        `{"__type":"ServerException","message":"The request processing has failed because of an unknown error, exception or failure."}`,
	} {
		var asked error
		h, _, _ := toys(t, apiwire.Options{Explain: func(err error) string { asked = err; return text }})
		w := send(h, http.MethodPost, "/", `{}`, "X-Amz-Target", ecsTarget+"RunTask")
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusInternalServerError || got != want {
			t.Errorf("%d %s\nwant %s", w.Code, got, want)
		}
		if asked == nil {
			t.Error("it was not asked about the error")
		}
	}
}
