package emulator

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
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

// TestAgentsAddress: the address of the EKS Pod Identity Agent is told from
// the other by where a connection came in, and answers pods of node groups
// alone.
func TestAgentsAddress(t *testing.T) {
	c := Defaults()
	c.DataDir, c.Runtime, c.EKS = Memory, RuntimeFake, EKSRecords
	e, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	const cluster = "arn:aws:eks:us-east-1:000000000000:cluster/shop"
	spec := sandbox.Spec{ID: strings.Repeat("a", 32), Owner: cluster + "/default/web", Group: cluster, Steps: 2, Open: true}
	fargate := spec
	fargate.ID = strings.Repeat("b", 32)
	spec.Labels = map[string]string{"io.kubernetes.node.name": "ip-10-0-0-1.ec2.internal"}
	for _, s := range []sandbox.Spec{spec, fargate} {
		err := e.store.Update(t.Context(), "test", func(tx *store.Tx) error { return sandbox.Create(tx, s) })
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func(id, local string) string {
		r := httptest.NewRequest(http.MethodGet, "http://169.254.170.23/v1/credentials", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local))))
		w := httptest.NewRecorder()
		e.metadata(id).ServeHTTP(w, r)
		return w.Body.String()
	}
	for _, c := range []struct{ id, local, want string }{
		{spec.ID, "169.254.170.23:64680", "the cluster has no EKS Pod Identity Agent"},
		{fargate.ID, "169.254.170.23:80", "there is no EKS Pod Identity Agent here"},
		{strings.Repeat("c", 32), "169.254.170.23:80", "there is no EKS Pod Identity Agent here"},
		{spec.ID, "169.254.170.2:64680", "NoIdInRequest"}, // ECS's
	} {
		if got := ask(c.id, c.local); !strings.Contains(got, c.want) {
			t.Errorf("%s at %s: %s", c.id, c.local, got)
		}
	}
}
