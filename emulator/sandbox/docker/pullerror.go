package docker

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Why an image cannot be had, in Fargate's words (ecs.md section 7), read out
// of the Engine's: those of the classic image store and those of containerd's.

// pullFailure is a reason with a place for the number of tries.
type pullFailure struct {
	format string // what follows "CannotPullContainerError: "; %d is the number of tries
	again  bool   // another try may help
}

func (f pullFailure) text(tries int) string {
	if strings.Contains(f.format, "%d") {
		return fmt.Sprintf(f.format, tries)
	}
	return f.format
}

// stopPull tells it in Fargate's words, and in the Engine's own.
func stopPull(c *sandbox.Container, text, own string) error {
	own = strings.TrimPrefix(own, "Error response from daemon: ")
	return &sandbox.StopError{Container: c.Name, Reason: "CannotPullContainerError: " + text, Trouble: sandbox.TroublePull, Text: own}
}

func invalidName(c *sandbox.Container) error {
	return &sandbox.StopError{
		Container: c.Name, Reason: "CannotPullContainerError: invalid reference format: " + c.Image, Trouble: sandbox.TroubleName,
		Text: fmt.Sprintf("Failed to apply default image tag %q: couldn't parse image name %q: invalid reference format", c.Image, c.Image),
	}
}

func neverThere(c *sandbox.Container) error {
	return &sandbox.StopError{
		Container: c.Name, Reason: fmt.Sprintf("CannotPullContainerError: image %s is not present and its pull policy is Never", c.Image), Trouble: sandbox.TroubleNever,
		Text: fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image),
	}
}

const retried = "pull image manifest has been retried %d time(s): "

// explainPull recognises an error of the Engine. Order matters: the texts
// contain each other.
func explainPull(text string, ref reference.Named, platform string) pullFailure {
	full := escape(reference.TagNameOnly(ref).String())
	low := strings.ToLower(text)
	has := func(signs ...string) bool {
		for _, s := range signs {
			if strings.Contains(low, s) {
				return true
			}
		}
		return false
	}
	resolve := retried + "failed to resolve ref " + full + ": "
	switch {
	case has("no matching manifest for", "does not match the specified platform", "no match for platform"):
		return pullFailure{format: retried + "image Manifest does not contain descriptor matching platform '" + platform + "'"}
	case has("toomanyrequests", "too many requests", "rate limit"):
		return pullFailure{format: retried + "httpReadSeeker: failed open: unexpected status code " + manifestURL(ref) +
			": 429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit"}
	case has("pull access denied", "requested access to the resource is denied", "insufficient_scope", "repository does not exist"):
		return pullFailure{format: resolve + "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"}
	case has("unauthorized", "no basic auth credentials", "authentication required", "incorrect username or password", "401 "):
		return pullFailure{format: resolve + "unexpected status from HEAD request to " + manifestURL(ref) + ": 401 Unauthorized"}
	case has("403 forbidden", "denied:"):
		return pullFailure{format: resolve + "unexpected status from HEAD request to " + manifestURL(ref) + ": 403 Forbidden"}
	case has("manifest unknown", "manifest for ", "not found", "name unknown", "name_unknown"):
		if !has("no such host", "server misbehaving") {
			return pullFailure{format: resolve + "not found"}
		}
	case has("no space left on device"):
		return pullFailure{format: "failed to register layer: no space left on device"}
	case has("server gave http response to https client", "x509:", "tls: ", "certificate"):
		return pullFailure{format: resolve + "failed to do request: Head \"" + manifestURL(ref) + "\": " + escape(transport(text))}
	}
	return pullFailure{format: resolve + "failed to do request: Head \"" + manifestURL(ref) + "\": " + escape(transport(text)), again: true}
}

func manifestURL(ref reference.Named) string {
	host := reference.Domain(ref)
	if host == "docker.io" {
		host = "registry-1.docker.io"
	}
	tag := "latest"
	switch r := reference.TagNameOnly(ref).(type) {
	case reference.Digested:
		tag = r.Digest().String()
	case reference.Tagged:
		tag = r.Tag()
	}
	return escape("https://" + host + "/v2/" + reference.Path(ref) + "/manifests/" + tag)
}

// requested is Go's prefix of an HTTP error: the method and the URL, which is
// another one than Fargate would have asked.
var requested = regexp.MustCompile(`(?i)^.*?\b(get|head|post) "?https?://[^ "]+"?: `)

// transport is what is left of an error when it is told without its request.
func transport(text string) string {
	text = strings.TrimPrefix(text, "Error response from daemon: ")
	return requested.ReplaceAllString(text, "")
}

func escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }
