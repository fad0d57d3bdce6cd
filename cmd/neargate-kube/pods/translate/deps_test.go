package translate_test

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Kubernetes' own module is taken in by two packages that need nothing of it:
// everything else of it would make this package, and its tests, slow to build.
func TestImports(t *testing.T) {
	light := []string{"k8s.io/kubernetes/pkg/fieldpath", "k8s.io/kubernetes/third_party/forked/golang/expansion"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case slices.Contains(light, path):
				seen++
			case strings.HasPrefix(path, "k8s.io/kubernetes/"), strings.HasPrefix(path, "k8s.io/apiserver/"), strings.HasPrefix(path, "k8s.io/client-go/"):
				t.Errorf("%s imports %s", file, path)
			}
		}
	}
	if seen == 0 {
		t.Error("no import was seen")
	}
}
