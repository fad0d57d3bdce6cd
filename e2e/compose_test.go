package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/fixtures"
)

// requireServerImage skips where nobody has made the server's image.
func requireServerImage(t *testing.T) {
	t.Helper()
	requireImages(t)
	if _, err := command(nil, "docker", "image", "inspect", fixtures.ServerImage); err != nil {
		fixtures.Skip(t, "NEARGATE_REQUIRE_DOCKER", "there is no image "+fixtures.ServerImage+": `make image` makes it")
	}
}

// compose is the project of docker-compose.yml on a port of its own.
type compose struct {
	t   *testing.T
	env []string
}

func (c *compose) do(args ...string) string {
	c.t.Helper()
	out, err := command(c.env, fixtures.RequireCommand(c.t, "docker-compose"), append([]string{"-f", "../docker-compose.yml"}, args...)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// freePort is a port that nobody had a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// up starts the project and returns the server in it.
func (c *compose) up() *server {
	c.t.Helper()
	fixtures.RequireCommand(c.t, "docker-compose")
	name, listen := fmt.Sprintf("neargate-e2e-%d", os.Getpid()), freePort(c.t)
	c.env = []string{"COMPOSE_PROJECT_NAME=" + name, "NEARGATE_CONTAINER=" + name, "NEARGATE_LISTEN=" + listen, "NEARGATE_SOCKET=" + socket(c.t)}
	s := &server{t: c.t, endpoint: "http://" + listen, log: &output{}}
	c.t.Cleanup(func() { c.do("down", "--volumes", "--timeout", "30") })
	c.do("up", "-d")
	c.ready(s)
	s.instance = s.health().Instance
	c.t.Cleanup(func() {
		if c.t.Failed() {
			s.explain()
			c.t.Log(c.do("logs", "--no-color"))
		}
		s.post("/_neargate/reset")
		checkNothingLeft(c.t, s.instance)
	})
	return s
}

func (c *compose) ready(s *server) {
	c.t.Helper()
	eventually(c.t, "the server in the container answers", patience, func() error {
		answer, err := http.Get(s.endpoint + "/_localstack/health")
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})
}

// web is a task definition of the demo's web server.
func web(family string) *ecs.RegisterTaskDefinitionInput {
	c := probe("web")
	c.Image, c.PortMappings = aws.String(webImage), []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	return definition(family, c)
}

// TestCompose: the walk from the host, with the server in a container beside
// its tasks; state and tasks outlive the server's container.
func TestCompose(t *testing.T) {
	t.Parallel()
	requireServerImage(t)
	c := &compose{t: t}
	s := c.up()
	k := s.run(t, web("composed"))
	k.running()
	private, public := k.addresses()
	visit := func() {
		t.Helper()
		for _, address := range []string{private, public} {
			eventually(t, "the task answers at "+address, patience, func() error {
				body, err := get("http://" + address + "/")
				if err == nil && !strings.HasPrefix(body, "hello from ip-"+strings.ReplaceAll(private, ".", "-")) {
					err = fmt.Errorf("it answers %q", body)
				}
				return err
			})
		}
	}
	visit()
	before := workload(t, k.id())

	c.do("restart", "--timeout", "30")
	c.ready(s)
	if got := k.describe(); aws.ToString(got.LastStatus) != "RUNNING" || s.health().Instance != s.instance {
		t.Errorf("after a restart of the server's container the task is %s", aws.ToString(got.LastStatus))
	}
	visit()
	if after := workload(t, k.id()); after["web"] != before["web"] || after["web"] == "" {
		t.Errorf("the task's container is %q, it was %q", after["web"], before["web"])
	}
	k.stop("enough")
	got := k.stopped()
	checkStop(t, got, types.TaskStopCodeUserInitiated, "enough")
	checkExit(t, got, "web", 0)
	if lines := k.lines("web"); len(lines) != 6 || lines[0] != "listening on :80" || lines[5] != "told to stop" {
		t.Errorf("it wrote %q", lines)
	}
}

// TestContainerOfFixtures: the image beside a Go test, by testcontainers.
func TestContainerOfFixtures(t *testing.T) {
	t.Parallel()
	requireServerImage(t)
	s := &server{t: t, log: &output{}}
	t.Cleanup(func() { checkNothingLeft(t, s.instance) }) // when the container has gone
	e := fixtures.Container(t, map[string]string{"NEARGATE_ACCOUNT_ID": "123456789012"})
	s.endpoint = e.URL
	s.instance = s.health().Instance
	k := s.run(t, web("contained"))
	k.running()
	private, _ := k.addresses()
	if body, err := get("http://" + private + "/exit?code=5"); err != nil || body != "goodbye\n" {
		t.Errorf("%q, %v", body, err)
	}
	checkExit(t, k.stopped(), "web", 5)
	if !strings.HasPrefix(k.arn, "arn:aws:ecs:us-east-1:123456789012:task/") {
		t.Errorf("the environment has no effect: %s", k.arn)
	}
}
