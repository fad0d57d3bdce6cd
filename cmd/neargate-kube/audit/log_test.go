package audit_test

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/audit"
)

func event(body string) *auditinternal.Event {
	return &auditinternal.Event{
		Level: auditinternal.LevelRequestResponse, AuditID: "a1", Stage: auditinternal.StageResponseComplete, Verb: "create",
		StageTimestamp: metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)),
		RequestObject:  &runtime.Unknown{Raw: []byte(body), ContentType: runtime.ContentTypeJSON},
	}
}

type line struct {
	Component string
	Time      time.Time
	Event     auditv1.Event
}

func parse(t *testing.T, text string) (all []line) {
	t.Helper()
	for one := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(one), &l); err != nil {
			t.Fatalf("%v: %q", err, one)
		}
		all = append(all, l)
	}
	return all
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	l := audit.NewLog(&out, zerolog.Nop())
	stop := make(chan struct{})
	b := l.Backend()
	if err := b.Run(stop); err != nil {
		t.Fatal(err)
	}
	large := `{"data":"` + strings.Repeat("x", 200<<10) + `"}`
	if !b.ProcessEvents(event(`{"a":"b"}`)) || !b.ProcessEvents(event(large)) {
		t.Error("an event was not taken")
	}
	close(stop)
	b.Shutdown()
	if !strings.HasPrefix(out.String(), `{"component":"audit","time":"2026-01-02T03:04:05.678Z","event":{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse",`) {
		t.Errorf("%.200s", out.String())
	}
	all := parse(t, out.String())
	if len(all) != 2 || string(all[0].Event.RequestObject.Raw) != `{"a":"b"}` || all[1].Event.RequestObject != nil || all[1].Event.Annotations["audit.k8s.io/truncated"] != "true" {
		t.Errorf("%.500s", out.String())
	}
}

// blocked holds what is written back until it is let go.
type blocked struct {
	begun, gate chan struct{}
	lines       int
}

func (b *blocked) Write(p []byte) (int, error) {
	if b.lines++; b.lines == 1 {
		close(b.begun)
		<-b.gate
	}
	return len(p), nil
}

// Who reads the log slowly keeps nobody from the API: what is too much is
// dropped, and told.
func TestBurst(t *testing.T) {
	var log bytes.Buffer
	out := &blocked{begun: make(chan struct{}), gate: make(chan struct{})}
	l := audit.NewLog(out, zerolog.New(&log))
	stop := make(chan struct{})
	if err := l.Run(stop); err != nil {
		t.Fatal(err)
	}
	l.ProcessEvents(event(`{}`))
	<-out.begun
	body, n := `"`+strings.Repeat("x", 90<<10)+`"`, 200 // 18 MB, of which 8 MiB may wait
	for range n {
		if !l.ProcessEvents(event(body)) {
			t.Fatal("an event was refused, which would fail the request")
		}
	}
	close(out.gate)
	close(stop)
	l.Shutdown()
	var told struct {
		Level   string
		Dropped int
	}
	if err := json.Unmarshal(log.Bytes(), &told); err != nil {
		t.Fatalf("%v: %s", err, &log)
	}
	if told.Level != "warn" || told.Dropped < 100 || told.Dropped+out.lines != n+1 {
		t.Errorf("%d lines were written of %d: %s", out.lines, n+1, &log)
	}
}

func TestNothingToWrite(t *testing.T) {
	l := audit.NewLog(io.Discard, zerolog.Nop())
	stop := make(chan struct{})
	if err := l.Run(stop); err != nil {
		t.Fatal(err)
	}
	close(stop)
	l.Shutdown()
}
