package docker_test

import (
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
)

// What the Engine said of containers that lived for some milliseconds on a
// busy machine, and of one that never ran.
func TestNoContainerEndsBeforeItsStart(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const started, sooner, later, never = "2026-11-23T21:45:34.95559539Z", "2026-11-23T21:45:34.945216669Z", "2026-11-23T21:45:35Z", "0001-01-01T00:00:00Z"
	for name, c := range map[string]struct {
		started, finished string
		want              time.Time
	}{
		"seems to end first": {started, sooner, at(started)},
		"ends later":         {started, later, at(later)},
		"never ran":          {never, later, at(later)},
	} {
		got := docker.Observed(container.InspectResponse{State: &container.State{
			Status: container.StateExited, StartedAt: c.started, FinishedAt: c.finished, ExitCode: 7,
		}})
		if got.State != sandbox.ContainerStopped || !got.FinishedAt.Equal(c.want) || got.ExitCode != 7 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
