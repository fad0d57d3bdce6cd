package translate_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/pods/translate"
	"github.com/neargate/neargate/emulator/sandbox"
)

func pullSecret(name string, kind v1.SecretType, key, file string) *v1.Secret {
	s := secret(name, map[string]string{key: file})
	s.Type = kind
	return s
}

func TestRegistries(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("ann:pass:word"))
	s := &objects{secrets: []*v1.Secret{
		pullSecret("new", v1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths": {
			"https://index.docker.io/v1/": {"auth": "`+auth+`"},
			"registry.example:5000": {"username": "bob", "password": "secret", "email": "x"},
			"http://registry.example:5000/v2/team/": {"auth": "`+strings.TrimRight(auth, "=")+`", "username": "ignored"}}}`),
		pullSecret("old", v1.SecretTypeDockercfg, ".dockercfg", `{"old.example/v1": {"username": "o", "password": "p"}}`),
		pullSecret("bad", v1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{`),
		pullSecret("worse", v1.SecretTypeDockerConfigJson, ".dockerconfigjson", `{"auths": {"a": {"auth": "bm8="}}}`),
		secret("opaque", nil),
	}}
	pod := shopPod(box())
	for _, name := range []string{"new", "", "gone", "old", "bad", "worse", "opaque", "away"} {
		pod.Spec.ImagePullSecrets = append(pod.Spec.ImagePullSecrets, v1.LocalObjectReference{Name: name})
	}
	r := translated(t, pod, s)
	want := []sandbox.Registry{
		{Server: "registry.example:5000/team", Username: "ann", Password: "pass:word"},
		{Server: "registry.example:5000", Username: "bob", Password: "secret"},
		{Server: "old.example", Username: "o", Password: "p"},
		{Server: "index.docker.io", Username: "ann", Password: "pass:word"},
	}
	if !slices.Equal(r.Completion.Registries, want) {
		t.Errorf("got %+v", r.Completion.Registries)
	}
	event := translate.Event{Type: "Warning", Reason: "FailedToRetrieveImagePullSecret",
		Message: "Unable to retrieve some image pull secrets (gone, away); attempting to pull the image may not succeed."}
	if !slices.Equal(r.Events, []translate.Event{event}) {
		t.Errorf("events %+v", r.Events)
	}
	if len(r.Notes) != 3 || !strings.Contains(r.Notes[0], "bad") || !strings.Contains(r.Notes[1], "worse") || !strings.Contains(r.Notes[2], "type \"\" holds no logins") {
		t.Errorf("notes %q", r.Notes)
	}
	if text := strings.Join(r.Notes, " "); strings.Contains(text, "bm8") {
		t.Errorf("a note tells a login: %s", text)
	}
}
