package emulator

import (
	"net/http"
	"os"
	"strings"
	"time"
)

// Health is the answer of /_neargate/health. Services and Edition are there
// for tools that wait for LocalStack.
type Health struct {
	Status    string    `json:"status"`
	Version   string    `json:"version"`
	Edition   string    `json:"edition"`
	Instance  string    `json:"instance"`
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"startedAt"`
	DataDir   string    `json:"dataDir"`
	Runtime   string    `json:"runtime"`
	Timing    string    `json:"timing"`
	Engine    string    `json:"engine,omitempty"`
	Problem   string    `json:"problem,omitempty"`
	// Clusters tells of the clusters of EKS that are not well, by ARN, what is
	// the matter, as DescribeCluster's health says it.
	Clusters map[string][]string `json:"clusters,omitempty"`
	Services map[string]string   `json:"services"`
}

// health answers 200 as long as the APIs are served; what the runtime lacks is
// told in Problem, what clusters lack in Clusters.
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
	clusters, err := e.services.eks.Overview(r.Context())
	if err != nil {
		h.Problem = strings.TrimSpace(h.Problem + " The state cannot be read: " + err.Error())
	}
	for _, c := range clusters {
		if len(c.Issues) > 0 {
			if h.Clusters == nil {
				h.Clusters = map[string][]string{}
			}
			h.Clusters[c.ARN] = c.Issues
		}
	}
	reply(w, http.StatusOK, h)
}
