package apiwire_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/neargate/neargate/apiwire"
)

func TestBodies(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{MaxBody: 100})
	big := `{"clusters":["` + strings.Repeat("x", 100) + `"]}`
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		status int
		want   string
	}{
		"whole":              {strings.NewReader(`{"clusters":["a"]}`), 18, 200, "MISSING"},
		"of unknown length":  {strings.NewReader(`{"clusters":["a"]}`), -1, 200, "MISSING"},
		"too long":           {strings.NewReader(big), int64(len(big)), 413, "RequestEntityTooLargeException"},
		"too long, streamed": {strings.NewReader(big), -1, 413, "RequestEntityTooLargeException"},
		"cut off":            {strings.NewReader(`{"clus`), 18, 400, "The request body ended early."},
		"broken":             {iotest.ErrReader(errors.New("reset")), -1, 400, "The request body ended early."},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/", c.body)
			r.ContentLength = c.length
			r.Header.Set("X-Amz-Target", ecsTarget+"DescribeClusters")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("answered %d %s, want %d with %s", w.Code, w.Body, c.status, c.want)
			}
		})
	}
}

// brokenWriter is a connection that is gone.
type brokenWriter struct{ http.ResponseWriter }

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestAnswerCannotBeSent: nothing more is written, and it is nobody's error.
func TestAnswerCannotBeSent(t *testing.T) {
	var log strings.Builder
	h, _, _ := toys(t, apiwire.Options{Log: newLog(&log)})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{}`))
	r.Header.Set("X-Amz-Target", ecsTarget+"DescribeClusters")
	w := httptest.NewRecorder()
	h.ServeHTTP(brokenWriter{w}, r)
	if w.Code != http.StatusOK || strings.Contains(log.String(), `"level":"error"`) {
		t.Errorf("answered %d, logged %s", w.Code, log.String())
	}
}
