// Package metrics serves metrics.k8s.io out of what containers really use, for
// `kubectl top` and the HorizontalPodAutoscaler: what metrics-server does on
// other clusters.
//
// Usage is read only while somebody asks for it: an idle cluster costs nothing.
package metrics
