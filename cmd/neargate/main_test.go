package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// neargate runs the command line and returns its exit code and what it wrote.
func neargate(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return code, o.String(), e.String()
}

// unset keeps the variables of whoever runs the tests away.
func unset(t *testing.T) {
	t.Helper()
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"} {
		t.Setenv(name, "")
	}
}

func TestEnv(t *testing.T) {
	unset(t)
	const exports = "export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=test AWS_REGION=%s AWS_DEFAULT_REGION=%[3]s\n"
	for _, row := range []struct {
		name string
		env  map[string]string
		args []string
		want string
	}{
		{"alone", nil, nil, fmt.Sprintf(exports, "http://127.0.0.1:4566", "test", "us-east-1")},
		{"endpoint of the shell", map[string]string{"AWS_ENDPOINT_URL": "http://h:1"}, nil, fmt.Sprintf(exports, "http://h:1", "test", "us-east-1")},
		{"endpoint by variable", map[string]string{"AWS_ENDPOINT_URL": "http://h:1", "NEARGATE_ENDPOINT": "http://h:2"}, nil, fmt.Sprintf(exports, "http://h:2", "test", "us-east-1")},
		{"endpoint by flag", map[string]string{"NEARGATE_ENDPOINT": "http://h:2"}, []string{"--endpoint", "http://h:3"}, fmt.Sprintf(exports, "http://h:3", "test", "us-east-1")},
		{"region", map[string]string{"NEARGATE_REGION": "eu-west-1"}, nil, fmt.Sprintf(exports, "http://127.0.0.1:4566", "test", "eu-west-1")},
		{"account", map[string]string{"AWS_ACCESS_KEY_ID": "111122223333"}, nil, fmt.Sprintf(exports, "http://127.0.0.1:4566", "111122223333", "us-east-1")},
		{"a real key is not repeated", map[string]string{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, nil, fmt.Sprintf(exports, "http://127.0.0.1:4566", "test", "us-east-1")},
	} {
		t.Run(row.name, func(t *testing.T) {
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			if code, out, errOut := neargate(t, append([]string{"env"}, row.args...)...); code != 0 || out != row.want {
				t.Errorf("%d %s%s\nwant %s", code, out, errOut, row.want)
			}
		})
	}
}

// TestRefusals: what is wrong on the command line is told in one sentence.
func TestRefusals(t *testing.T) {
	unset(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.Addr().String()
	for _, row := range []struct {
		args []string
		want string
	}{
		{[]string{"coffee"}, `unknown command "coffee" for "neargate"`},
		{[]string{"env", "coffee"}, `unknown command "coffee" for "neargate env"`},
		{[]string{"logs"}, "name a task, a pod or an EKS cluster: `neargate logs TASK|POD|CLUSTER [flags]`; `neargate status` lists them"},
		{[]string{"why", "a", "b"}, "name a task, a task definition, a cluster or a pod: `neargate why TASK|CLUSTER|POD|… [flags]`; `neargate status` lists them"},
		{[]string{"doctor", "--only", "coffee"}, `there is no check "coffee", only docker, network, leftovers, sandbox, kube, clients, port, data, disk`},
		{[]string{"serve", "--listen", at, "--data-dir", "memory"}, at + " is taken: is a server running already? `neargate status` asks it; --listen chooses another port"},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", "memory", "--runtime", "moon"}, `runtime "moon" is not one of docker, fake`},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", "memory", "--timing", "fast"}, `timing "fast" is not one of real, aws, instant`},
		{[]string{"serve", "--listen", "127.0.0.1:0", "--data-dir", "memory", "--auth", "maybe"}, `auth "maybe" is not one of any, verify`},
		{[]string{"serve", "--log-level", "loud"}, `log level "loud" is not one of trace, debug, info, warn, error`},
		{[]string{"status", "--endpoint", "http://127.0.0.1:1"}, "no server answers at http://127.0.0.1:1: start one with `neargate serve`, or name another with --endpoint"},
	} {
		t.Run(strings.Join(row.args, " "), func(t *testing.T) {
			if code, out, errOut := neargate(t, row.args...); code != 1 || out != "" || errOut != "neargate: "+row.want+"\n" {
				t.Errorf("%d %s%s\nwant %s", code, out, errOut, row.want)
			}
		})
	}
}

func TestBadVariable(t *testing.T) {
	t.Setenv("NEARGATE_WARM", "many")
	if code, _, errOut := neargate(t, "serve"); code != 1 || !strings.HasPrefix(errOut, "neargate: NEARGATE_WARM=many: ") {
		t.Errorf("%d %s", code, errOut)
	}
}

// TestHelp: every command says what it does in more than its name, and shows
// how to use it.
func TestHelp(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Name() == "help" || sub.Name() == "completion" {
				continue
			}
			args := append(strings.Fields(strings.TrimPrefix(sub.CommandPath(), "neargate ")), "--help")
			code, out, errOut := neargate(t, args...)
			if code != 0 || !strings.Contains(out, "Usage:\n  "+sub.CommandPath()) || len(sub.Long) <= len(sub.Short) || errOut != "" {
				t.Errorf("%v: %d\n%s%s", args, code, out, errOut)
			}
			for _, line := range strings.Split(sub.Long, "\n") {
				if len([]rune(line)) > 84 {
					t.Errorf("%s: a line of its help is longer than 84: %s", sub.CommandPath(), line)
				}
			}
			visit(sub)
		}
	}
	visit(newRoot())
}

func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := neargate(t, "completion", shell); code != 0 || len(out) < 1000 {
			t.Errorf("%s: %d, %d bytes", shell, code, len(out))
		}
	}
	code, out, _ := neargate(t, "__complete", "st")
	if code != 0 || !strings.HasPrefix(out, "status\tShow the running server") {
		t.Errorf("what begins with st: %d %s", code, out)
	}
}

func TestVersion(t *testing.T) {
	if code, out, _ := neargate(t, "version"); code != 0 || !strings.HasPrefix(out, "neargate ") || !strings.Contains(out, "(go1.") {
		t.Errorf("%d %s", code, out)
	}
}

// TestDoctor: what stands in the way is found, and only that.
func TestDoctor(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	code, out, _ := neargate(t, "doctor", "--only", "data,port", "--listen", "127.0.0.1:0", "--data-dir", dir)
	if want := "ok   port         127.0.0.1:0 is free\nok   data         " + filepath.Join(dir, "neargate.db") + " will be made\n"; code != 0 || out != want {
		t.Errorf("%d %s\nwant %s", code, out, want)
	}
	code, out, errOut := neargate(t, "doctor", "--only", "port", "--listen", taken.Addr().String())
	if code != 1 || !strings.HasPrefix(out, "BAD  port ") || !strings.Contains(errOut, "something stands in the way") {
		t.Errorf("a port that is taken: %d %s%s", code, out, errOut)
	}
	code, out, _ = neargate(t, "doctor", "--only", "docker", "--docker-host", "unix://"+filepath.Join(dir, "none.sock"))
	if code != 1 || !strings.HasPrefix(out, "BAD  docker ") || !strings.Contains(out, "`neargate serve --runtime=fake` runs scripted containers") {
		t.Errorf("no Engine: %d %s", code, out)
	}
	if code, out, _ := neargate(t, "doctor", "--quiet", "--only", "docker", "--docker-host", "unix://"+filepath.Join(dir, "none.sock")); code != 1 || out != "" {
		t.Errorf("quiet: %d %s", code, out)
	}
}

func TestAPIBefore(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{{"1.40", "1.41", true}, {"1.9", "1.41", true}, {"1.41", "1.41", false}, {"1.56", "1.41", false}, {"junk", "1.41", true}} {
		if got := apiBefore(row.a, row.b); got != row.want {
			t.Errorf("%s before %s: %v", row.a, row.b, got)
		}
	}
}

func TestEndpointOf(t *testing.T) {
	for _, row := range []struct {
		address net.Addr
		want    string
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 4566}, "http://127.0.0.1:4566"},
		{&net.TCPAddr{IP: net.IPv4zero, Port: 1}, "http://127.0.0.1:1"},
		{&net.TCPAddr{IP: net.IPv6unspecified, Port: 1}, "http://127.0.0.1:1"},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 1}, "http://[::1]:1"},
	} {
		if got := endpointOf(row.address); got != row.want {
			t.Errorf("%s: %s, want %s", row.address, got, row.want)
		}
	}
}

// TestServeEnds: the server ends when it is told to, without an error.
func TestServeEnds(t *testing.T) {
	unset(t)
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstLine{written: cancel}
	var errOut bytes.Buffer
	code := run(ctx, []string{"serve", "--runtime", "fake", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, out, &errOut)
	if code != 0 || !strings.HasPrefix(out.text.String(), "export AWS_ENDPOINT_URL=http://127.0.0.1:") {
		t.Errorf("%d %s%s", code, out.text.String(), errOut.String())
	}
}

// firstLine calls a function at the first write.
type firstLine struct {
	text    bytes.Buffer
	written func()
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.written()
	return f.text.Write(p)
}
