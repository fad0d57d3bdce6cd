package e2e_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/fixtures"
)

// This file asks the Docker Engine what is there, by the docker command: what
// the tests claim must not rest on the code under test.

// docker runs the docker command.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := command(nil, fixtures.RequireCommand(t, "docker"), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// made lists what carries the label of an instance, one line each.
func made(t testing.TB, instance string) []string {
	t.Helper()
	filter := "label=dev.neargate.instance=" + instance
	var all []string
	for _, args := range [][]string{
		{"ps", "-a", "--filter", filter, "--format", "container {{.Names}}: {{.Status}}"},
		{"network", "ls", "--filter", filter, "--format", "network {{.Name}}"},
		{"volume", "ls", "--filter", filter, "--format", "volume {{.Name}}"},
		{"images", "--filter", filter, "--format", "image {{.Repository}}:{{.Tag}}"},
	} {
		if out := docker(t, args...); out != "" {
			all = append(all, strings.Split(out, "\n")...)
		}
	}
	return all
}

func checkNothingLeft(t testing.TB, instance string) {
	t.Helper()
	left := slices.DeleteFunc(made(t, instance), func(thing string) bool {
		network, ok := strings.CutPrefix(thing, "network ")
		return ok && isMiscounted(t, network)
	})
	if len(left) > 0 {
		t.Errorf("left behind:\n  %s", strings.Join(left, "\n  "))
	}
}

// isMiscounted: Docker 20.10 sometimes counts an endpoint too many when it is
// very busy. It refuses to remove the network then, although it knows of nobody
// in it, until it is started anew.
func isMiscounted(t testing.TB, network string) bool {
	t.Helper()
	if docker(t, "network", "inspect", "--format", "{{len .Containers}}", network) != "0" {
		return false
	}
	_, err := command(nil, fixtures.RequireCommand(t, "docker"), "network", "rm", network)
	if err == nil || !strings.Contains(err.Error(), "has active endpoints") {
		return false
	}
	t.Logf("the Engine has miscounted: %v", err)
	return true
}

// workload finds the running containers of a task: their ids and start times,
// by the container's name.
func workload(t testing.TB, task string) map[string]string {
	t.Helper()
	found := map[string]string{}
	ids := docker(t, "ps", "-q", "--no-trunc", "--filter", "label=dev.neargate.sandbox="+task, "--filter", "label=dev.neargate.role=container")
	for _, id := range strings.Fields(ids) {
		line := docker(t, "inspect", "--format", `{{index .Config.Labels "dev.neargate.container"}} {{.Id}} {{.State.StartedAt}}`, id)
		name, rest, _ := strings.Cut(line, " ")
		found[name] = rest
	}
	return found
}

// socket is the Engine's unix socket. A test that stands between needs one.
func socket(t testing.TB) string {
	t.Helper()
	fixtures.RequireDocker(t)
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return "/var/run/docker.sock"
	}
	path, ok := strings.CutPrefix(host, "unix://")
	if !ok {
		fixtures.Skip(t, "NEARGATE_REQUIRE_DOCKER", "the Engine at "+host+" is not behind a unix socket")
	}
	return path
}
