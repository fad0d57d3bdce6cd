package runtimetest

import (
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Capability is something that a runtime may lack by its nature.
type Capability string

// Capabilities.
const (
	// Processes: containers are real processes with a file system, an
	// environment, users and limits.
	Processes Capability = "processes"
	// Network: containers have real network interfaces.
	Network Capability = "network"
	// Memory: the memory limits of a container and of the sandbox are
	// enforced.
	Memory Capability = "memory"
)

// Options fit the suite to a runtime.
type Options struct {
	// New makes a runtime of an emulator that holds nothing yet. It is closed
	// by the test's cleanup.
	New func(t *testing.T) sandbox.Runtime
	// Again makes a second runtime of the same emulator on the same backend,
	// as after a restart.
	Again func(t *testing.T, first sandbox.Runtime) sandbox.Runtime
	// Other makes a runtime of another emulator on the same backend, whose
	// sandboxes the first must neither see nor touch. Nil skips.
	Other func(t *testing.T, first sandbox.Runtime) sandbox.Runtime
	// Container makes a container that behaves as p: image, command,
	// environment. Its name and all else are set by the suite.
	Container func(t *testing.T, p Program) sandbox.Container
	// Can lists what the runtime has.
	Can []Capability
	// Around runs a test's body; nil calls it. A simulated runtime passes
	// synctest.Test.
	Around func(t *testing.T, f func(t *testing.T))
	// Network is where addresses come from; the zero value is a /24 in
	// 10.213.0.0/16. Scenarios of full subnets use the ninth /24 of the VPC
	// beside it, so the VPC is a /16.
	Network sandbox.Network
}

// scenario is one sentence about runtimes, and how it is seen to hold.
type scenario struct {
	name  string
	needs []Capability
	run   func(b *bench)
}

// Run puts a runtime through the whole suite.
func Run(t *testing.T, o Options) {
	t.Helper()
	var all []scenario
	for _, group := range [][]scenario{life(), faults(), stopping(), reading(), talking(), inside(), networks(), ceilings(), restarts(), pods(), reserving(), leaving(), adoption()} {
		all = append(all, group...)
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range s.needs {
				if !o.can(c) {
					t.Skipf("this runtime has no %s", c)
				}
			}
			body := func(t *testing.T) { s.run(newBench(t, o)) }
			if o.Around != nil {
				o.Around(t, body)
				return
			}
			body(t)
		})
	}
}

func (o Options) can(c Capability) bool {
	for _, have := range o.Can {
		if have == c {
			return true
		}
	}
	return false
}
