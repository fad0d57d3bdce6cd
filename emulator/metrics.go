package emulator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// instruments are the emulator's Prometheus metrics. They live in a set of
// their own, because two emulators may live in one process.
type instruments struct {
	set   *metrics.Set
	known map[string]bool // "ecs:RunTask": what gets a metric by its name
	calls sync.Map        // callKey → *callInstruments: names are made once, not on every call
}

type callKey struct {
	service, operation string
	status             int
}

type callInstruments struct {
	total *metrics.Counter
	took  *metrics.PrometheusHistogram
}

func newInstruments(st *store.Store, started time.Time) *instruments {
	i := &instruments{set: metrics.NewSet()}
	i.set.NewGauge("neargate_uptime_seconds", func() float64 { return time.Since(started).Seconds() })
	i.set.RegisterMetricsWriter(func(w io.Writer) { writeSandboxes(w, st) })
	return i
}

// know learns the names of operations, those that AWS has and Neargate lacks
// too, before the first call.
func (i *instruments) know(services []apiwire.Coverage) {
	i.known = map[string]bool{}
	for _, s := range services {
		for _, op := range slices.Concat(s.Implemented, s.Missing) {
			i.known[s.Service+":"+op] = true
		}
	}
}

// called counts one AWS request. Those for operations that do not exist are
// counted together: names that callers make up must not become metrics.
func (i *instruments) called(c apiwire.Call, status int, took time.Duration) {
	key := callKey{c.Service, c.Operation, status}
	if !i.known[c.Service+":"+c.Operation] {
		key.operation = ""
	}
	one, ok := i.calls.Load(key)
	if !ok {
		one, _ = i.calls.LoadOrStore(key, i.instrument(key))
	}
	one.(*callInstruments).total.Inc()
	one.(*callInstruments).took.Update(took.Seconds())
}

func (i *instruments) instrument(k callKey) *callInstruments {
	return &callInstruments{
		total: i.set.GetOrCreateCounter(fmt.Sprintf(`neargate_requests_total{service=%q,operation=%q,status="%d"}`, k.service, k.operation, k.status)),
		took:  i.set.GetOrCreatePrometheusHistogram(fmt.Sprintf(`neargate_request_duration_seconds{service=%q,operation=%q}`, k.service, k.operation)),
	}
}

func (i *instruments) serve(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	i.set.WritePrometheus(w)
	metrics.WriteProcessMetrics(w)
}

// writeSandboxes tells how many sandboxes there are.
func writeSandboxes(w io.Writer, st *store.Store) {
	_ = st.View(context.Background(), func(tx *store.Tx) error {
		alive, all, err := sandbox.CountLive(tx)
		if err != nil {
			return err
		}
		metrics.WriteGaugeUint64(w, `neargate_sandboxes{state="live"}`, uint64(alive))
		metrics.WriteGaugeUint64(w, `neargate_sandboxes{state="stopped"}`, uint64(all-alive))
		metrics.WriteGaugeUint64(w, "neargate_store_revision", uint64(tx.Revision()))
		return nil
	}) // a scrape during a fault shows the other metrics
}
