package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/neargate/neargate/cmd/neargate-demo/server"
	"github.com/neargate/neargate/cmd/neargate-kube/trial"
)

// start starts a server with a cluster that runs the pods of the namespace
// default, and makes an image. Everything is gone after the test.
func start(t *testing.T) (kube kubernetes.Interface, image string) {
	t.Helper()
	program := requireKube(t)
	ctx := t.Context()
	dir := t.TempDir()
	build(t, filepath.Join(dir, "neargate"), "./cmd/neargate")
	build(t, filepath.Join(dir, "neargate-sandbox-linux-"+runtime.GOARCH), "./cmd/neargate-sandbox", "CGO_ENABLED=0", "GOOS=linux")
	build(t, filepath.Join(dir, "web"), "./fixtures/web", "CGO_ENABLED=0", "GOOS=linux")
	image = fmt.Sprintf("neargate-kube-e2e:%d", os.Getpid())
	if err := trial.ImportProgram(ctx, image, filepath.Join(dir, "web")); err != nil {
		skip(t, "NEARGATE_REQUIRE_DOCKER", fmt.Sprintf("no Docker Engine answers: %v", err))
	}
	t.Cleanup(func() {
		if err := trial.RemoveImage(context.Background(), image); err != nil {
			t.Error(err)
		}
	})
	s, err := server.Start(ctx, filepath.Join(dir, "neargate"), "--kube", program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster(t, trial.AWS{Endpoint: s.Endpoint}), image
}

func cluster(t *testing.T, a trial.AWS) kubernetes.Interface {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	subnets, err := a.CreateVPC(ctx)
	must(t, err)
	role, err := a.CreateRole(ctx, "cluster", "eks.amazonaws.com")
	must(t, err)
	must(t, a.CreateCluster(ctx, "informed", role, subnets))
	c, err := a.Follow(ctx, trial.ClusterPath("informed"), "ACTIVE", func(s string) { t.Log("cluster:", s) })
	must(t, err)
	role, err = a.CreateRole(ctx, "pods", "eks-fargate-pods.amazonaws.com")
	must(t, err)
	must(t, a.CreateProfile(ctx, "informed", "all", role, "default"))
	_, err = a.Follow(ctx, trial.ProfilePath("informed", "all"), "ACTIVE", func(s string) { t.Log("profile:", s) })
	must(t, err)
	config, err := c.Config(ctx, "informed")
	must(t, err)
	kube, err := kubernetes.NewForConfig(config)
	must(t, err)
	return kube
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// build builds a command of the root module, as its own tests do.
func build(t *testing.T, out, pkg string, env ...string) {
	t.Helper()
	args := []string{"build", "-trimpath", "-o", out, pkg}
	if len(env) > 0 {
		args = []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg}
	}
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = "../../..", append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, text)
	}
}

// requireKube finds neargate-kube. A test that linked it would take minutes.
func requireKube(t *testing.T) string {
	t.Helper()
	path := os.Getenv("NEARGATE_KUBE")
	if path == "" {
		path = "../../../bin/neargate-kube"
	}
	path, err := filepath.Abs(path)
	must(t, err)
	if _, err := os.Stat(path); err != nil {
		skip(t, "NEARGATE_REQUIRE_KUBE", "neargate-kube is not built: `make build-kube` makes it, or NEARGATE_KUBE names it")
	}
	return path
}

// skip skips a test, or fails it when the variable is 1.
func skip(t *testing.T, variable, reason string) {
	t.Helper()
	if os.Getenv(variable) == "1" {
		t.Fatalf("%s=1, but %s", variable, reason)
	}
	t.Skipf("SKIPPED: %s", reason)
}
