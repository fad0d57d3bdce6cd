package docker_test

import (
	"archive/tar"
	"bytes"
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

// bed is what all tests of this package share: a real Engine, the binaries,
// an image. It is nil when no Engine answers.
type testBed struct {
	engine   *client.Client
	run      string // in the names and labels of everything that is made
	image    string
	pid1     string // file
	registry string // host:port of a registry that has nothing

	// The first two numbers of this run's addresses, as "10.70", and of the
	// suite's. They are not of those that any emulator takes where the ones
	// that it wants are in use.
	addresses, suite string
}

var bed *testBed

// The label of what the tests themselves make.
const testLabel = "dev.neargate.test"

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "neargate-docker-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var missing error
	bed, missing = makeBed(dir)
	if missing != nil {
		if !errors.Is(missing, errNoEngine) || os.Getenv("NEARGATE_REQUIRE_DOCKER") == "1" {
			fmt.Fprintln(os.Stderr, "docker tests cannot run:", missing)
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, "DOCKER TESTS ARE SKIPPED:", missing)
	}
	code := m.Run()
	if bed != nil {
		if err := bed.leftovers(); err != nil {
			fmt.Fprintln(os.Stderr, "LEFT BEHIND:", err)
			code = 1
		}
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

var errNoEngine = errors.New("no Docker Engine answers")

func makeBed(dir string) (*testBed, error) {
	engine, err := client.New(client.FromEnv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	info, err := engine.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoEngine, err)
	}
	b := &testBed{engine: engine, run: "t" + strings.ToLower(crand.Text()[:7]), pid1: filepath.Join(dir, "neargate-sandbox")}
	arch := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}[info.Info.Architecture]
	program, datagrams := filepath.Join(dir, "program"), filepath.Join(dir, "datagrams")
	for out, pkg := range map[string]string{
		b.pid1: "cmd/neargate-sandbox", program: "emulator/sandbox/runtimetest/program", datagrams: "emulator/sandbox/docker/testdata/datagrams",
	} {
		c := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "github.com/neargate/neargate/"+pkg)
		c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch, "GOFLAGS="+os.Getenv("GOFLAGS"))
		if text, err := c.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", pkg, err, text)
		}
	}
	if b.registry, err = emptyRegistry(); err != nil {
		return nil, err
	}
	b.image = "neargate-test-program:" + b.run
	b.addresses, b.suite = fmt.Sprintf("10.%d", 64+rand.N(32)), fmt.Sprintf("10.%d", 32+rand.N(32))
	return b, b.importProgram(program, datagrams)
}

func (b *testBed) importProgram(file, datagrams string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	udp, err := os.ReadFile(datagrams)
	if err != nil {
		return err
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: "seed/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "seed/file", Mode: 0o644, Size: 4},
		{Typeflag: tar.TypeReg, Name: "datagrams", Mode: 0o755, Size: int64(len(udp))},
		{Typeflag: tar.TypeReg, Name: runtimetest.Path[1:], Mode: 0o755, Size: int64(len(data))},
	} {
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		content := data
		switch h.Name {
		case "seed/file":
			content = []byte("seed")
		case "datagrams":
			content = udp
		}
		if h.Size > 0 {
			if _, err := w.Write(content); err != nil {
				return err
			}
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	r, err := b.engine.ImageImport(context.Background(), client.ImageImportSource{Source: &root, SourceName: "-"}, b.image, client.ImageImportOptions{
		Changes: []string{"LABEL " + testLabel + "=" + b.run, `CMD ["` + runtimetest.Path + `", "-print=from the image", "-exit=0"]`, "ENV FROM_IMAGE=yes"},
	})
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}

// emptyRegistry answers as a registry without images.
func emptyRegistry() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() {
		_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
			if req.URL.Path == "/v2/" {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			code, status := "MANIFEST_UNKNOWN", http.StatusNotFound
			switch {
			case strings.Contains(req.URL.Path, "/secret/"):
				code, status = "UNAUTHORIZED", http.StatusUnauthorized
			case strings.Contains(req.URL.Path, "/broken/"):
				code, status = "UNKNOWN", http.StatusInternalServerError
			}
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"test"}]}`, code)
		}))
	}()
	return l.Addr().String(), nil
}

// leftovers removes the tests' own image and complains of everything else that
// carries the run's name.
func (b *testBed) leftovers() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := b.engine.ImageRemove(ctx, b.image, client.ImageRemoveOptions{Force: true}); err != nil {
		return err
	}
	var left []string
	containers, err := b.engine.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return err
	}
	for _, c := range containers.Items {
		if b.mine(c.Labels) {
			left = append(left, "container "+c.Names[0])
			_, _ = b.engine.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		}
	}
	networks, err := b.engine.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return err
	}
	for _, n := range networks.Items {
		if b.mine(n.Labels) && !b.isMiscounted(ctx, n.ID) {
			left = append(left, "network "+n.Name)
		}
	}
	volumes, err := b.engine.VolumeList(ctx, client.VolumeListOptions{})
	if err != nil {
		return err
	}
	for _, v := range volumes.Items {
		if b.mine(v.Labels) {
			left = append(left, "volume "+v.Name)
			_, _ = b.engine.VolumeRemove(ctx, v.Name, client.VolumeRemoveOptions{Force: true})
		}
	}
	images, err := b.engine.ImageList(ctx, client.ImageListOptions{})
	if err != nil {
		return err
	}
	for _, i := range images.Items {
		if b.mine(i.Labels) {
			left = append(left, "image "+strings.Join(i.RepoTags, " "))
			_, _ = b.engine.ImageRemove(ctx, i.ID, client.ImageRemoveOptions{Force: true})
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("%s", strings.Join(left, ", "))
	}
	return nil
}

// isMiscounted removes a network. Docker 20.10 sometimes counts an endpoint too
// many when it is very busy, and refuses that until it is started anew, although
// it knows of nobody in the network: no fault of ours.
func (b *testBed) isMiscounted(ctx context.Context, network string) bool {
	n, err := b.engine.NetworkInspect(ctx, network, client.NetworkInspectOptions{})
	if err != nil {
		return false
	}
	_, err = b.engine.NetworkRemove(ctx, network, client.NetworkRemoveOptions{})
	if err == nil || len(n.Network.Containers) > 0 || !strings.Contains(err.Error(), "has active endpoints") {
		return false
	}
	fmt.Fprintln(os.Stderr, "THE ENGINE HAS MISCOUNTED:", err)
	return true
}

func (b *testBed) mine(labels map[string]string) bool {
	return strings.HasPrefix(labels["dev.neargate.instance"], b.run) || labels[testLabel] == b.run
}

// need skips the test when there is no Engine.
func need(t *testing.T) *testBed {
	t.Helper()
	if bed == nil {
		t.Skip("no Docker Engine")
	}
	return bed
}

// instance is an id that no other test has.
func (b *testBed) instance() string { return b.run + "-" + crand.Text() }

func (b *testBed) options(instance string) docker.Options {
	o := docker.Options{
		Instance: instance,
		PID1:     func(string) (io.ReadCloser, error) { return os.Open(b.pid1) },
		Log:      zerolog.Nop(),
	}
	if os.Getenv("NEARGATE_TEST_LOG") != "" {
		o.Log = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr}).With().Timestamp().Logger()
	}
	return o
}

// start makes a runtime that is purged and closed with the test.
func (b *testBed) start(t *testing.T, o docker.Options) *docker.Runtime {
	t.Helper()
	r, err := docker.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Purge(ctx); err != nil {
			t.Errorf("Purge: %v", err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return r
}

// container turns a program of the suite into a container.
func (b *testBed) container(_ *testing.T, p runtimetest.Program) sandbox.Container {
	c := sandbox.Container{Image: b.image, Command: p.Argv(), StopTimeout: 2 * time.Second}
	if p.NoImage {
		c.Image = b.registry + "/absent/image:none"
	}
	return c
}
