package controlplane

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// LogSink takes what control planes log; CloudWatch Logs stands behind it.
type LogSink interface {
	// Write takes lines of a cluster, in order, and keeps those whose type the
	// cluster's logging enables.
	Write(ctx context.Context, clusterARN string, lines []LogLine) error
}

// LogLine is a line of a control plane's log.
type LogLine struct {
	At     time.Time
	Type   string // EKS's: api, audit, authenticator, controllerManager or scheduler
	Stream string // as on EKS: kube-apiserver-0123456789abcdef0123456789abcdef
	Text   string
}

// component is who logs: its type, and what its stream's name begins with.
type component struct{ kind, stream string }

// componentOf knows the components by the names that lines carry. What others
// log is in the log file only: EKS has no type for it.
func componentOf(name string) (component, bool) {
	switch name {
	case "kube-apiserver":
		return component{"api", "kube-apiserver-"}, true
	case "audit":
		return component{"audit", "kube-apiserver-audit-"}, true
	case "authenticator":
		return component{"authenticator", "authenticator-"}, true
	case "kube-controller-manager":
		return component{"controllerManager", "kube-controller-manager-"}, true
	case "kube-scheduler", "fargate-scheduler":
		return component{"scheduler", "kube-scheduler-"}, true
	}
	return component{}, false
}

// auditLine begins every line of the audit log. They are for CloudWatch Logs
// alone: in the log file they would leave room for nothing else.
var auditLine = []byte(`{"component":"audit",`)

// parseLine reads a line as the control plane logs it. An audit line has its
// event, a JSON document.
func parseLine(b []byte, clusterID string, now time.Time) (LogLine, bool) {
	var l struct {
		Component, Message, Error string
		Time                      time.Time
		Event                     json.RawMessage
	}
	if json.Unmarshal(b, &l) != nil {
		return LogLine{}, false
	}
	c, ok := componentOf(l.Component)
	if !ok {
		return LogLine{}, false
	}
	text := l.Message
	if l.Event != nil {
		text = string(l.Event)
	}
	if l.Error != "" {
		text += ": " + l.Error
	}
	if l.Time.IsZero() {
		l.Time = now
	}
	return LogLine{At: l.Time, Type: c.kind, Stream: c.stream + strings.ToLower(clusterID), Text: text}, true
}

const (
	pumpQueue = 4096
	pumpBytes = 16 << 20 // of the lines that wait
	pumpBatch = 500
)

// pump carries lines to a sink, beside the control plane: one that is slow
// costs lines, never time.
type pump struct {
	sink    LogSink
	arn, id string
	log     zerolog.Logger
	lines   chan LogLine
	waiting atomic.Int64 // bytes
	lost    atomic.Int64 // lines, not told yet
}

func newPump(sink LogSink, arn, id string, log zerolog.Logger) *pump {
	return &pump{sink: sink, arn: arn, id: id, log: log, lines: make(chan LogLine, pumpQueue)}
}

func (p *pump) take(b []byte) {
	l, ok := parseLine(b, p.id, time.Now())
	if !ok {
		return
	}
	n := int64(len(l.Text))
	if p.waiting.Add(n) <= pumpBytes {
		select {
		case p.lines <- l:
			return
		default:
		}
	}
	p.waiting.Add(-n)
	p.lost.Add(1)
}

func (p *pump) run(ctx context.Context) {
	for {
		select {
		case l := <-p.lines:
			p.write(ctx, l)
		case <-ctx.Done():
			return
		}
	}
}

// write takes what has come meanwhile along, and tells what was lost.
func (p *pump) write(ctx context.Context, l LogLine) {
	batch := []LogLine{l}
	for len(batch) < pumpBatch {
		select {
		case l := <-p.lines:
			batch = append(batch, l)
			continue
		default:
		}
		break
	}
	for _, l := range batch {
		p.waiting.Add(-int64(len(l.Text)))
	}
	err := p.sink.Write(ctx, p.arn, batch)
	if err != nil && ctx.Err() == nil {
		p.lost.Add(int64(len(batch)))
	}
	if n := p.lost.Swap(0); n > 0 {
		p.log.Warn().Err(err).Int64("lost", n).Msg("lines of the control plane's log do not reach CloudWatch Logs")
	}
}
