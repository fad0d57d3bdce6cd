package controlplane

import (
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"

	"k8s.io/apimachinery/pkg/version"
)

// version.go tells which Kubernetes this is. A program that embeds the API
// server has no version of its own without linker flags, and kubectl does not
// understand the one that it then shows.

// Versions are the Kubernetes versions that a control plane of this build can
// behave as, newest last: the API server emulates the three before its own.
var Versions = []string{"1.34", "1.35", "1.36", "1.37"}

// gitVersion is in the form of EKS's: v1.35.0-eks-…
func gitVersion(v string) string { return "v" + v + ".0-eks-neargate" }

func info(v string) (*version.Info, error) {
	major, minor, ok := strings.Cut(v, ".")
	if !ok {
		return nil, fmt.Errorf("%q is not a Kubernetes version such as 1.35", v)
	}
	return &version.Info{
		Major: major, Minor: minor + "+", GitVersion: gitVersion(v), GitTreeState: "clean",
		EmulationMajor: major, EmulationMinor: minor,
		GoVersion: runtime.Version(), Compiler: runtime.Compiler, Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}, nil
}

// tellVersion answers GET /version in front of the API server's own handler.
func tellVersion(v *version.Info, next http.Handler) http.Handler {
	body, err := json.MarshalIndent(v, "", "  ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimSuffix(r.URL.Path, "/") != "/version" || r.Method != http.MethodGet || err != nil {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}
