package docker

import (
	"testing"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/jsonstream"
)

// Errors as Engines of several versions word them.
func TestExplainPull(t *testing.T) {
	const resolve = "pull image manifest has been retried 1 time(s): failed to resolve ref docker.io/library/nginx:nope: "
	for _, c := range []struct{ engine, want string }{
		{"Error response from daemon: manifest for nginx:nope not found: manifest unknown: manifest unknown", resolve + "not found"},
		{`Error response from daemon: failed to resolve reference "docker.io/library/nginx:nope": docker.io/library/nginx:nope: not found`, resolve + "not found"},
		{"Error response from daemon: pull access denied for nginx, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
			resolve + "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"},
		{"Error response from daemon: unauthorized: authentication required", resolve + "unexpected status from HEAD request to https://registry-1.docker.io/v2/library/nginx/manifests/nope: 401 Unauthorized"},
		{"no matching manifest for linux/arm64/v8 in the manifest list entries", "pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching platform 'linux/arm64'"},
		{"toomanyrequests: You have reached your pull rate limit.", "pull image manifest has been retried 1 time(s): httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/nginx/manifests/nope: 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit"},
		{`Get "https://r.example/v2/": x509: certificate signed by unknown authority`, resolve + `failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/nope": x509: certificate signed by unknown authority`},
		{"write /var/lib/docker/x: no space left on device", "failed to register layer: no space left on device"},
	} {
		f := explainPull(c.engine, named(t, "nginx:nope"), "linux/arm64")
		if got := f.text(1); got != c.want || f.again {
			t.Errorf("%s\n got %s (again %v)\nwant %s", c.engine, got, f.again, c.want)
		}
	}
}

func TestExplainPullThatMayWorkLater(t *testing.T) {
	const head = `pull image manifest has been retried 5 time(s): failed to resolve ref docker.io/library/nginx:latest: failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/latest": `
	for _, c := range []struct{ engine, want string }{
		{`Error response from daemon: Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`, "dial tcp: lookup registry-1.docker.io: no such host"},
		{"Error response from daemon: Get https://registry-1.docker.io/v2/: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)", "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"},
		{`failed to do request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/latest": dial tcp 1.2.3.4:443: i/o timeout`, "dial tcp 1.2.3.4:443: i/o timeout"},
		{"received unexpected HTTP status: 503 100% busy", "received unexpected HTTP status: 503 100% busy"},
	} {
		f := explainPull(c.engine, named(t, "nginx"), "linux/amd64")
		if got := f.text(5); got != head+c.want || !f.again {
			t.Errorf("%s\n got %s (again %v)\nwant %s", c.engine, got, f.again, head+c.want)
		}
	}
}

func named(t *testing.T, s string) reference.Named {
	t.Helper()
	n, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDigestOf(t *testing.T) {
	i := image.InspectResponse{ID: "sha256:id", RepoDigests: []string{"other.example/nginx@sha256:other", "nginx@sha256:right"}}
	if got := digestOf(i, "docker.io/library/nginx:1"); got != "sha256:right" {
		t.Errorf("of several repositories: %s", got)
	}
	i.RepoDigests = i.RepoDigests[:1]
	if got := digestOf(i, "nginx"); got != "sha256:other" {
		t.Errorf("of another repository: %s", got)
	}
	i.RepoDigests = nil
	if got := digestOf(i, "nginx"); got != "sha256:id" {
		t.Errorf("built here: %s", got)
	}
}

func TestProgress(t *testing.T) {
	l := layers{}
	for _, c := range []struct {
		m    jsonstream.Message
		want string
	}{
		{jsonstream.Message{ID: "latest", Status: "Pulling from library/nginx"}, ""},
		{jsonstream.Message{ID: "a", Status: "Downloading", Progress: &jsonstream.Progress{Current: 25, Total: 100}}, "25 %"},
		{jsonstream.Message{ID: "b", Status: "Downloading", Progress: &jsonstream.Progress{Current: 50, Total: 200}}, "25 %"},
		{jsonstream.Message{ID: "a", Status: "Download complete"}, "50 %"},
		{jsonstream.Message{ID: "b", Status: "Pull complete"}, "100 %"},
	} {
		if got := l.see(c.m); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.m.ID, c.m.Status, got, c.want)
		}
	}
}

func TestCredentials(t *testing.T) {
	const config = `{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnNlY3JldA=="},"ghcr.io":{"auth":"Z2g6YTpi"},"empty.example":{}}}`
	for domain, want := range map[string]string{"docker.io": "hub secret", "ghcr.io": "gh a:b", "empty.example": " ", "none.example": " "} {
		user, password, err := credentialsIn([]byte(config), domain)
		if err != nil || user+" "+password != want {
			t.Errorf("%s: %q %q %v, want %q", domain, user, password, err, want)
		}
	}
}
