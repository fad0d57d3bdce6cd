package eks

import "github.com/neargate/neargate/emulator/eks/link"

// seen is what a controller knows of the control plane in the transaction in
// which it moves records on.
type seen struct {
	status link.Status // zero when records is set
	// settled: everything that the records of this transaction say is in force
	// in a control plane that is ready, or there is none that could differ.
	settled bool
	// records: this emulator has no control planes.
	records bool
}

// drained tells that what is being deleted has no pods any more. What is named
// as link.Status.Draining names it: "fargateprofile/NAME", "nodegroup/NAME".
func (s seen) drained(what string) bool {
	_, left := s.status.Draining[what]
	return s.settled && !left
}
