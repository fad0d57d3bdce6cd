package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	sandbox "github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/fixtures"
)

// Images of the tests, each of one static program. A number keeps those of two
// runs apart.
var (
	probeImage = fmt.Sprintf("neargate-e2e-probe:%d", os.Getpid())
	webImage   = fmt.Sprintf("neargate-e2e-web:%d", os.Getpid())
)

// makeImages makes them when the first test asks; all tests share them.
var makeImages = sync.OnceValue(func() error {
	ctx := context.Background()
	report, err := sandbox.Examine(ctx, "")
	if err != nil {
		return err
	}
	for image, pkg := range map[string]string{probeImage: "./programs/probe", webImage: "../fixtures/web"} {
		out := filepath.Join(filepath.Dir(binary), filepath.Base(pkg))
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+report.Arch)
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", pkg, err, text)
		}
		program, err := os.ReadFile(out)
		if err != nil {
			return err
		}
		if err := sandbox.ImportProgram(ctx, "", image, "program", program); err != nil {
			return err
		}
	}
	return nil
})

// requireImages makes the test skip without an Engine.
func requireImages(t testing.TB) {
	t.Helper()
	fixtures.RequireDocker(t)
	if err := makeImages(); err != nil {
		t.Fatal(err)
	}
}

func removeImages() {
	for _, image := range []string{probeImage, webImage} {
		if _, err := command(nil, "docker", "image", "inspect", image); err != nil {
			continue // it was not made
		}
		if err := sandbox.RemoveImage(context.Background(), "", image); err != nil {
			fmt.Fprintf(os.Stderr, "remove %s: %v\n", image, err)
		}
	}
}
