package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestWhy(t *testing.T) {
	for name, c := range map[string]struct {
		make func(b *bench)
		want []string
	}{
		"runs": {func(b *bench) {
			b.create(spec(1, ""))
			b.wait(1, sandbox.Running)
		}, []string{"It is RUNNING since 2000-01-01T00:00:00Z."}},
		"pulls": {func(b *bench) {
			b.create(spec(1, "FAKE_PULL_FOR=1h"))
			b.wait(1, sandbox.Pending)
		}, []string{"It is PENDING: its containers are being started.", "Container a is having its image image-a pulled."}},
		"waits for another": {func(b *bench) {
			p := spec(1, "", "")
			needs(&p.Containers[1], sandbox.Exited, "a")
			b.create(p)
			b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].State == sandbox.ContainerRunning })
		}, []string{"It is PENDING: its containers are being started.", "Container b waits for condition COMPLETE of container a."}},
		"stopped": {func(b *bench) {
			b.create(spec(1, "FAKE_RUN_FOR=1s FAKE_EXIT=3"))
			b.wait(1, sandbox.Stopped)
		}, []string{
			"It stopped at 2000-01-01T00:00:01Z: Essential container in task exited (EssentialContainerExited).",
			"Container a ended with exit code 3 at 2000-01-01T00:00:01Z.",
		}},
		"cannot start": {func(b *bench) {
			b.create(spec(1, "FAKE_START_ERROR=no"))
			b.wait(1, sandbox.Stopped)
		}, []string{
			"It stopped at 2000-01-01T00:00:00Z: CannotStartContainerError: no (TaskFailedToStart).",
			"Container a is why.",
		}},
		"stopping": {func(b *bench) {
			b.create(spec(1, "FAKE_IGNORE_TERM=1"))
			b.wait(1, sandbox.Running)
			b.stopTask(1)
			b.wait(1, sandbox.Stopping)
		}, []string{
			"It is to stop since 2000-01-01T00:00:00Z: Task stopped by user (UserInitiated).",
			"It is STOPPING: its containers are being stopped.",
		}},
		"cannot be seen": {func(b *bench) {
			b.create(spec(1, ""))
			b.wait(1, sandbox.Running)
			<-time.After(5 * time.Second)
			b.rt.Away(true)
			<-time.After(time.Minute)
		}, []string{
			"It is RUNNING since 2000-01-01T00:00:00Z.",
			"That is how it was when it was last seen. Since 2000-01-01T00:00:05Z the runtime does not tell how it is, and is asked again until it does: " +
				"cannot connect to the fake runtime: it is away",
		}},
		"is seen again": {func(b *bench) {
			b.create(spec(1, ""))
			b.wait(1, sandbox.Running)
			b.rt.Away(true)
			b.until(1, func(s *sandbox.Sandbox) bool { return !s.Status.UnseenSince.IsZero() })
			b.rt.Away(false)
			b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.UnseenSince.IsZero() })
		}, []string{"It is RUNNING since 2000-01-01T00:00:00Z."}},
		"cannot go on": {func(b *bench) {
			b.rt.Away(true)
			b.create(spec(1, ""))
			<-time.After(time.Second)
		}, []string{
			"It is PROVISIONING: its network is being made.",
			"The last of 4 tries failed at 2000-01-01T00:00:00Z and will be repeated: cannot connect to the fake runtime: it is away",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			scene(t, nil, func(b *bench) {
				c.make(b)
				if got := sandbox.Why(b.get(1)); !slices.Equal(got, c.want) {
					b.Errorf("it says\n%q, want\n%q", got, c.want)
				}
			})
		})
	}
}
