package controlplane

import (
	"math"
	"os"
	"runtime/debug"
	"time"
)

// memory.go keeps an idle cluster small without making its start slow. GOGC in
// the environment overrides all of it.

const (
	// While it starts, a control plane makes some hundred megabytes, most of
	// which stay. Collecting them over and over, as they grow, took a third of
	// the start.
	startPercent = 200
	startLimit   = 200 << 20
	// Later a few hundred objects gain nothing from a large heap.
	usualPercent = 50
	// settleAfter is how long the controllers still fill their caches once the
	// control plane is ready.
	settleAfter = 5 * time.Second
)

func isOurs() bool { return os.Getenv("GOGC") == "" }

// generous is for the start.
func generous() {
	if isOurs() {
		debug.SetGCPercent(startPercent)
		debug.SetMemoryLimit(startLimit)
	}
}

// frugal is for the time after it, and gives back what the start has left. stop
// keeps it from happening.
func frugal() (stop func() bool) {
	t := time.AfterFunc(settleAfter, func() {
		if isOurs() {
			debug.SetGCPercent(usualPercent)
			debug.SetMemoryLimit(math.MaxInt64)
		}
		debug.FreeOSMemory()
	})
	return t.Stop
}
