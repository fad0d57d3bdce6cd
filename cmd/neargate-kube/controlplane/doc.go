// Package controlplane is the Kubernetes API of one cluster: kine on SQLite,
// the upstream kube-apiserver and kube-controller-manager in this process, and
// the parts of Neargate that are plugged into them.
//
// run.go puts everything together; kine.go, pki.go, apiserver.go and
// controllers.go are the upstream parts, each with what had to be done to
// embed it; parts.go is what works through the API server, and in_force.go what
// new settings need done; version.go tells which Kubernetes this is; status.go,
// provided.go, why.go and child.go are what the emulator sees.
package controlplane
