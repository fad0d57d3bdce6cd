package main

import (
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

// printVersion tells which Kubernetes this is and which versions of it a
// cluster can have.
func printVersion(w io.Writer) error {
	version := "of unknown version"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "k8s.io/kubernetes" {
				version = m.Version
			}
		}
	}
	_, err := fmt.Fprintf(w, "neargate-kube (Kubernetes %s; clusters of %s)\n", version, strings.Join(controlplane.Versions, ", "))
	return err
}
