package controlplane_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/eks/controlplane"
)

// slowSink takes its first batch only when it is told to.
type slowSink struct {
	begun, gate chan struct{}
	lines       chan int
}

func (s *slowSink) Write(_ context.Context, _ string, lines []controlplane.LogLine) error {
	select {
	case <-s.begun:
	default:
		close(s.begun)
		<-s.gate
	}
	s.lines <- len(lines)
	return nil
}

// A sink that is slow costs lines, of which it is told how many, and neither
// time nor memory.
func TestPumpIsBounded(t *testing.T) {
	const n, size = 300, 100 << 10 // 30 MB, of which 16 MiB may wait
	sink := &slowSink{begun: make(chan struct{}), gate: make(chan struct{}), lines: make(chan int)}
	var log bytes.Buffer
	take, end := controlplane.StartPump(sink, zerolog.New(&log))
	line := []byte(`{"component":"audit","time":"2026-01-02T03:03:05Z","event":"` + strings.Repeat("x", size) + `"}`)
	take(line)
	<-sink.begun
	for range n {
		take(line)
	}
	close(sink.gate)
	got := <-sink.lines
	got += <-sink.lines
	end()
	if got < 150 || got > 170 || !strings.Contains(log.String(), fmt.Sprintf(`"lost":%d`, n+1-got)) {
		t.Errorf("%d lines of %d: %s", got, n+1, &log)
	}
}
