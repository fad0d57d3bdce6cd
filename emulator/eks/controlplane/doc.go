// Package controlplane runs the Kubernetes of EKS clusters: one process of
// neargate-kube for each, which it starts, watches, starts anew and ends, and
// for which it is the [link.Parent].
//
// [Planes] is all that others see. A plane (plane.go) is one cluster's: a loop
// of lives (life.go), each a process (process.go) with its output (output.go)
// in a directory (place.go). What follows from how a life ended is decided by
// pure functions (decide.go). parent*.go is what a control plane may ask of
// the emulator, token.go who stands behind a token, balancer*.go the load
// balancers on this host.
//
// The process is the emulator's child in every sense: its standard input stays
// open for as long as the emulator lives, and it ends with it, also after
// kill -9. One that has not ended yet when the next emulator starts is known
// by its pid file and its environment, and ended first (leftover.go).
package controlplane
