//go:build linux

package main_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

const limit = 2 * time.Minute

// built are the binaries under test.
var built struct{ sandbox, workload string }

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "neargate-sandbox")
	if err != nil {
		panic(err)
	}
	built.sandbox, built.workload = filepath.Join(folder, "neargate-sandbox"), filepath.Join(folder, "workload")
	for output, source := range map[string]string{built.sandbox: ".", built.workload: "./testdata/workload"} {
		c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", output, source)
		c.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", source, err, out)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// needDocker skips, or fails where it is told that there must be an Engine.
func needDocker(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", "version", "--format", "{{.Server.Version}}").CombinedOutput()
	if err == nil {
		return
	}
	if os.Getenv("NEARGATE_REQUIRE_DOCKER") == "1" {
		t.Fatalf("no Docker Engine answers: %v: %s", err, out)
	}
	t.Skipf("SKIPPED: no Docker Engine answers: %v: %s", err, out)
}

// docker runs the CLI and returns its output.
func docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := tryDocker(args...)
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryDocker(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// image imports one binary as an image of its own and returns its tag.
func image(t testing.TB, binary string) string {
	t.Helper()
	needDocker(t)
	name := filepath.Base(binary)
	tag := fmt.Sprintf("%s-test:%d", strings.TrimPrefix(name, "neargate-"), os.Getpid())
	if _, err := tryDocker("image", "inspect", tag); err == nil {
		return tag
	}
	c := exec.Command("docker", "import", "-c", `ENTRYPOINT ["/`+name+`"]`, "-", tag)
	c.Stdin = bytes.NewReader(archive(t, name, binary))
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("docker import: %v: %s", err, out)
	}
	t.Cleanup(func() { tryDocker("image", "rm", tag) })
	return tag
}

func archive(t testing.TB, name, binary string) []byte {
	t.Helper()
	text, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, folder := range []string{"etc/", "tmp/", "run/"} {
		err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o755}))
	}
	err = errors.Join(err, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(text))}))
	_, wrote := w.Write(text)
	if err := errors.Join(err, wrote, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// box is a sandbox container.
type box struct {
	name     string
	workload string // the image of those that join
}

// newBox runs a sandbox and greets it over its standard streams.
func newBox(t testing.TB, dockerFlags []string, flags ...string) (*box, *process, *tunnel.Session) {
	t.Helper()
	b := &box{name: fmt.Sprintf("neargate-sandbox-test-%d-%d", os.Getpid(), time.Now().UnixNano()), workload: image(t, built.workload)}
	args := append([]string{"run", "-i", "--name", b.name, "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--log-driver", "none"}, dockerFlags...)
	args = append(append(args, image(t, built.sandbox)), flags...)
	t.Cleanup(func() { tryDocker("rm", "-f", b.name) })
	p := startProcess(t, exec.Command("docker", args...))
	return b, p, p.greet(t)
}

// bridge brings a fresh stream.
func (b *box) bridge(t testing.TB) (*process, *tunnel.Session) {
	t.Helper()
	p := startProcess(t, exec.Command("docker", "exec", "-i", b.name, "/neargate-sandbox", "bridge"))
	return p, p.greet(t)
}

// run runs the workload in a container that joins the namespace.
func (b *box) run(t testing.TB, args ...string) string {
	t.Helper()
	return b.runWith(t, nil, args...)
}

func (b *box) runWith(t testing.TB, dockerFlags []string, args ...string) string {
	t.Helper()
	return docker(t, append(append([]string{"run", "--rm", "--network", "container:" + b.name}, dockerFlags...), append([]string{b.workload}, args...)...)...)
}

// serve runs a workload that listens, until the test is over.
func (b *box) serve(t testing.TB, address string) {
	t.Helper()
	name := fmt.Sprintf("%s-serve-%s", b.name, address[strings.LastIndex(address, ":")+1:])
	t.Cleanup(func() { tryDocker("rm", "-f", name) })
	c := exec.Command("docker", "run", "--name", name, "--network", "container:"+b.name, b.workload, "serve", address)
	p := startProcess(t, c)
	if line, err := bufio.NewReader(p.out).ReadString('\n'); err != nil || line != "listening\n" {
		t.Fatalf("workload says %q, %v: %s", line, err, p.stderr.String())
	}
}

// process is a command with its standard streams as one.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr bytes.Buffer
	ended  chan error
}

func startProcess(t testing.TB, c *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: c, ended: make(chan error, 1)}
	inRead, inWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	outRead, outWrite, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = inWrite, outRead
	c.Stdin, c.Stdout, c.Stderr = inRead, outWrite, &p.stderr
	err = c.Start()
	inRead.Close()
	outWrite.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- c.Wait() }()
	t.Cleanup(func() {
		c.Process.Kill()
		p.Close()
	})
	return p
}

func (p *process) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *process) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *process) Close() error                { return errors.Join(p.in.Close(), p.out.Close()) }

func (p *process) greet(t testing.TB) *tunnel.Session {
	t.Helper()
	s, err := tunnel.Client(within(t), p)
	if err != nil {
		p.cmd.Process.Kill()
		t.Fatalf("%v: %v: %s", err, <-p.ended, p.stderr.String())
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	return ctx
}

func receive[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(limit):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
