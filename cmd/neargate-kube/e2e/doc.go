// Package e2e holds no code: its tests are programs with client-go, as people
// write them, against a cluster whose pods run on a real Docker Engine. What
// kubectl, helm and the AWS CLI do is tested in the root module's e2e.
package e2e
