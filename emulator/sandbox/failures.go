package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// failures.go counts the failures of probes one by one, where a sandbox's owner
// tells of each as a kubelet does: long before they are enough for a verdict.
// The verdicts are in prober.go.

// Failures are those of the probes of a container's run. They are counted in
// patient sandboxes alone.
type Failures struct {
	Startup   Failed `json:",omitzero"`
	Liveness  Failed `json:",omitzero"`
	Readiness Failed `json:",omitzero"` // of Container.Health
}

// Failed is how often one probe has failed.
type Failed struct {
	Count  int    `json:",omitempty"`
	Output string `json:",omitempty"` // of the last time, at most 4096 bytes
}

// A flood of failures is cut as a kubelet's events of one object are: so many
// are told at once, and then one in a while. A verdict always is.
const (
	failureBurst = 25
	failurePause = 5 * time.Minute
)

// counting counts the failures of a probe; what it returns takes in an outcome,
// and is for one goroutine.
func (w *watch) counting(of func(*Failures) *Failed) func(out tried, verdict bool) {
	var last time.Time
	return func(out tried, verdict bool) {
		if out.failure == "" || out.unable || !w.s.patient(w.c) {
			return
		}
		w.p.mu.Lock()
		f := of(&w.r.failures)
		f.Count, f.Output = f.Count+1, out.output
		n := f.Count
		w.p.mu.Unlock()
		if verdict || n <= failureBurst || time.Since(last) >= failurePause {
			last = time.Now()
			w.p.e.loop.Touch(w.s.Spec.ID)
		}
	}
}

// overtime is what came of a probe whose time was over: in Docker's words, and
// in a kubelet's for who knows those.
func (w *watch) overtime(a *Action, limit time.Duration, out tried) tried {
	out.exit, out.failure = -1, "Health check exceeded timeout ("+limit.String()+")"
	switch {
	case !w.s.patient(w.c):
	case len(a.Exec) > 0:
		out.failure = fmt.Sprintf("command timed out: %q timed out after %s", strings.Join(a.Exec, " "), limit)
	case a.HTTP != nil:
		out.failure = strings.TrimSuffix(out.output, awaiting) + awaiting
	case a.TCP != 0:
		out.failure = fmt.Sprintf("dial tcp %s: i/o timeout", w.s.at(a.TCP))
	case a.GRPC != nil:
		out.failure = fmt.Sprintf("timeout: health rpc did not complete within %s", limit)
	}
	out.output = out.failure
	return out
}

// awaiting is what net/http's client adds when it is its own limit that was met.
const awaiting = " (Client.Timeout exceeded while awaiting headers)"
