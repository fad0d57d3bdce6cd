package e2e_test

import (
	"strings"
	"testing"

	"github.com/neargate/neargate/fixtures"
)

// cli is the AWS CLI, pointed at a server by its environment only, as the
// export lines of `neargate serve` do it. No configuration of the machine has
// a part in it.
type cli struct {
	t       testing.TB
	program string
	env     []string
}

func (s *server) cli(t testing.TB) *cli {
	t.Helper()
	return &cli{t: t, program: fixtures.RequireCommand(t, "aws"), env: []string{
		"AWS_ENDPOINT_URL=" + s.endpoint, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_DEFAULT_OUTPUT=text",
	}}
}

// with is the same CLI with more in its environment.
func (c *cli) with(env ...string) *cli {
	return &cli{t: c.t, program: c.program, env: append(append([]string{}, c.env...), env...)}
}

// aws runs a command given as one line of words; each {} stands for the next of
// the arguments, which may hold spaces.
func (c *cli) aws(line string, arguments ...string) string {
	c.t.Helper()
	out, err := command(c.env, c.program, words(line, arguments)...)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// fails runs a command that must be refused and returns what the CLI says.
func (c *cli) fails(line string, arguments ...string) string {
	c.t.Helper()
	out, err := command(c.env, c.program, words(line, arguments)...)
	if err == nil {
		c.t.Fatalf("aws %s was not refused: %s", line, out)
	}
	return err.Error()
}

func words(line string, arguments []string) []string {
	list := strings.Fields(line)
	for i, w := range list {
		for strings.Contains(w, "{}") {
			w, arguments = strings.Replace(w, "{}", arguments[0], 1), arguments[1:]
		}
		list[i] = w
	}
	return list
}

// version 2 has commands that version 1 lacks.
func (c *cli) isVersion2() bool { return strings.HasPrefix(c.aws("--version"), "aws-cli/2") }
