package emulator

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestPodsReachSTS: the link-local address of a pod's sandbox takes the
// unsigned request by which an SDK turns a service account's token into
// credentials, and has nothing of ECS's for a pod.
func TestPodsReachSTS(t *testing.T) {
	c := Defaults()
	c.DataDir, c.Runtime, c.EKS = Memory, RuntimeFake, EKSRecords
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	pod := e.metadata("0123456789abcdef0123456789abcdef")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=web&WebIdentityToken=nonsense&RoleArn=arn:aws:iam::000000000000:role/app"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	w := httptest.NewRecorder()
	pod.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "<Code>InvalidIdentityToken</Code>") {
		t.Errorf("STS: %d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	pod.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v4/app/task", nil))
	if w.Code != http.StatusNotFound && w.Code != http.StatusBadRequest {
		t.Errorf("task metadata: %d %s", w.Code, w.Body)
	}
}
