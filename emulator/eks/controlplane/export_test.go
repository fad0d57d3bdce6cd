package controlplane

import (
	"context"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/eks/link"
)

// What follows lets tests of package controlplane_test reach pure functions.

// MaxStarts is maxStarts.
const MaxStarts = maxStarts

// Tally is a tally with the lives that it has seen.
type Tally struct{ t tally }

// KnownTally is that of a control plane that has been READY.
func KnownTally() Tally { return Tally{tally{everReady: true}} }

// Next is tally.next, on itself.
func (t *Tally) Next(ready bool, readyFor time.Duration, hopeless bool) (wait time.Duration, giveUp bool) {
	t.t, wait, giveUp = t.t.next(end{ready: ready, readyFor: readyFor, hopeless: hopeless}, Pace{}.orDefaults())
	return wait, giveUp
}

// Verify verifies a token as a control plane's parent does.
func Verify(ctx context.Context, token, cluster string, t Tokens, own func(string) bool, now time.Time) (link.Identity, error) {
	v := &verifier{cluster, t, own, func() time.Time { return now }}
	return v.verify(ctx, token)
}

// CanonicalARN, ParseLine, StartInStat and IsLoopback are the functions.
var (
	CanonicalARN = canonicalARN
	ParseLine    = parseLine
	StartInStat  = startInStat
	IsLoopback   = isLoopback
)

// Place tells where a cluster has its directory and its sockets.
func Place(home, arn string) (dir, parentSocket, childSocket string, err error) {
	p, err := placeOf(home, arn)
	return p.dir, p.parentSocket(), p.childSocket(), err
}

// MakePlace makes the directories.
func MakePlace(home, arn string) error {
	p, err := placeOf(home, arn)
	if err != nil {
		return err
	}
	return p.make()
}

// Telling is what of an output tells why a program has ended.
func Telling(written string) []string {
	o := newOutput("/dev/null", zerolog.Nop())
	o.Write([]byte(written))
	return o.last()
}

// NewOutput is an output into a file; done lets go of it.
func NewOutput(path string) (w io.Writer, done func()) {
	o := newOutput(path, zerolog.Nop())
	return o, o.close
}

// StartPump runs a pump; end ends it.
func StartPump(sink LogSink, log zerolog.Logger) (take func(line []byte), end func()) {
	p := newPump(sink, "arn", "AB", log)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.run(ctx) }()
	return p.take, func() { cancel(); <-done }
}
