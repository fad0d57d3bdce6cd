// Package audit writes the API server's audit log as EKS does: with EKS's
// policy (policy.yaml), as events of audit.k8s.io/v1, one JSON document a line.
// What an event is, and when there is one, is the API server's own machinery;
// this package says which (policy.go) and where to (log.go).
package audit
