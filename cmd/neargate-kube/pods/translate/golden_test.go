package translate_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestManifests translates whole manifests, testdata/NAME.yaml, and compares
// what comes out with NAME.json. Each holds a Pod and what it refers to.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			pod, s, e := manifest(t, file)
			r, err := translate.Pod(t.Context(), pod, s, e)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(r, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			compare(t, strings.TrimSuffix(file, ".yaml")+".json", append(got, '\n'))
		})
	}
}

func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what came out:\n%s", file, got)
	}
}

// manifest reads a file's Pod and puts the rest into a Source.
func manifest(t *testing.T, file string) (*v1.Pod, *objects, translate.Environment) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pod, e := &v1.Pod{}, surroundings()
	e.EmulatorURL = "http://169.254.170.2:4566"
	s := &objects{token: translate.Token{Value: "a.b.c", Issued: issued, Expires: issued.Add(time.Hour)}}
	for _, document := range strings.Split(string(text), "\n---\n") {
		var kind struct{ Kind string }
		read(t, document, &kind)
		switch kind.Kind {
		case "Pod":
			read(t, document, pod)
		case "ConfigMap":
			cm := &v1.ConfigMap{}
			read(t, document, cm)
			if cm.Namespace != translate.LoggingNamespace {
				s.configMaps = append(s.configMaps, cm)
			} else if e.Outputs, err = translate.Logging(cm); err != nil {
				t.Fatal(err)
			}
		case "Secret":
			s.secrets = append(s.secrets, &v1.Secret{})
			read(t, document, s.secrets[len(s.secrets)-1])
		case "Service":
			s.services = append(s.services, &v1.Service{})
			read(t, document, s.services[len(s.services)-1])
		default:
			t.Fatalf("%s holds a %s", file, kind.Kind)
		}
	}
	return pod, s, e
}

func read(t *testing.T, document string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(document), into); err != nil {
		t.Fatal(err)
	}
}
