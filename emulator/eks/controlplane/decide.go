package controlplane

import (
	"fmt"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Pace is how fast control planes are looked after. Zero values mean what the
// comments say.
type Pace struct {
	Backoff    time.Duration // before the first restart, doubled each time: 1 s
	MaxBackoff time.Duration // 30 s
	Steady     time.Duration // READY for so long makes the backoff begin anew: 1 min
	Speak      time.Duration // a process that has told nothing after it has failed: 1 min
	Start      time.Duration // a process that is not READY after it has failed: 5 min
	Check      time.Duration // between two looks at whether it still answers: 10 s
	Answer     time.Duration // so long an answer may take: 10 s
	Stop       time.Duration // from SIGTERM to SIGKILL: 10 s
}

func (p Pace) orDefaults() Pace {
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{
		{&p.Backoff, time.Second}, {&p.MaxBackoff, 30 * time.Second}, {&p.Steady, time.Minute}, {&p.Start, 5 * time.Minute},
		{&p.Speak, time.Minute}, {&p.Check, 10 * time.Second}, {&p.Answer, 10 * time.Second}, {&p.Stop, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	return p
}

const (
	// maxStarts is how many starts may fail in a row before a control plane that
	// has never been READY is given up.
	maxStarts = 3
	// maxMisses is how many looks in a row may stay without an answer.
	maxMisses = 3
)

// tally is what the lives of a control plane have come to.
type tally struct {
	everReady bool // in this life of the emulator or an earlier one
	failures  int  // in a row, of lives that were not steady
}

// end is how a life ended.
type end struct {
	why      string        // in a sentence that tells what to do, if that is known
	program  string        // that was started; "" none was
	hopeless bool          // it could not even be tried: there is no program
	ready    bool          // it was READY at some time
	readyFor time.Duration // and for so long
}

// next decides what follows: a wait until the next life, or that there is none.
func (t tally) next(e end, p Pace) (after tally, wait time.Duration, giveUp bool) {
	t.everReady = t.everReady || e.ready
	if e.ready && e.readyFor >= p.Steady {
		t.failures = 0
	}
	t.failures++
	if !t.everReady && (e.hopeless || t.failures >= maxStarts) {
		return t, 0, true
	}
	wait = p.Backoff
	for range t.failures - 1 {
		wait = min(2*wait, p.MaxBackoff)
	}
	return t, wait, false
}

// between is the status between two lives.
func between(last link.Status, why string, giveUp bool) link.Status {
	last.Phase, last.Error, last.ReadyAt = link.Starting, why, time.Time{}
	last.Progress = "waiting to start again"
	if giveUp {
		last.Phase, last.Progress = link.Failed, ""
	}
	return last
}

// silent tells of a control plane that runs and does not answer.
func silent(misses int, err error) string {
	return fmt.Sprintf("It has not answered %d of %d times (%v). Then it is ended and started anew; pods run on meanwhile.", misses, maxMisses, err)
}

// gaveUp adds what people can do to why a control plane has never come up.
func gaveUp(why, name, program string) string {
	return fmt.Sprintf("%s. It was started %d times from %s: `neargate doctor --only kube --kube %s` tells whether that is the right program, `neargate logs %s` what it said, and make build-kube makes it anew.",
		strings.TrimRight(why, ". "), maxStarts, program, program, name)
}

// told makes one sentence of how a process ended and what it said last.
func told(how string, last []string) string {
	if len(last) == 0 {
		return "neargate-kube " + how
	}
	return "neargate-kube " + how + ": " + strings.Join(last, "; ")
}
