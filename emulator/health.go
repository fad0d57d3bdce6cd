package emulator

import (
	"net/http"
	"os"
	"time"
)

// Health is the answer of /_neargate/health. Services and Edition are there
// for tools that wait for LocalStack.
type Health struct {
	Status    string            `json:"status"`
	Version   string            `json:"version"`
	Edition   string            `json:"edition"`
	Instance  string            `json:"instance"`
	PID       int               `json:"pid"`
	StartedAt time.Time         `json:"startedAt"`
	DataDir   string            `json:"dataDir"`
	Runtime   string            `json:"runtime"`
	Timing    string            `json:"timing"`
	Engine    string            `json:"engine,omitempty"`
	Problem   string            `json:"problem,omitempty"`
	Services  map[string]string `json:"services"`
}

// health answers 200 as long as the APIs are served; what the runtime lacks is
// told in Problem.
func (e *Emulator) health(w http.ResponseWriter, r *http.Request) {
	h := Health{
		Status: "running", Version: e.config.Version, Edition: "neargate", Instance: e.instance, PID: os.Getpid(),
		StartedAt: e.startedAt, DataDir: e.config.DataDir, Runtime: e.config.Runtime, Timing: e.config.Timing,
		Services: map[string]string{},
	}
	for _, c := range e.wire.Coverage() {
		h.Services[c.Service] = "running"
	}
	var err error
	if h.Engine, err = e.examine(r.Context()); err != nil {
		h.Problem = err.Error()
	}
	reply(w, http.StatusOK, h)
}
