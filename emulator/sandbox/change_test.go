package sandbox_test

import (
	"errors"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func (b *bench) change(f func(*store.Tx) error) {
	b.Helper()
	b.update(f)
}

func (b *bench) status(n, i int) sandbox.ContainerStatus {
	b.Helper()
	return b.get(n).Status.Containers[i]
}

func TestResources(t *testing.T) {
	scene(t, nil, func(b *bench) {
		a := main("a", "FAKE_RUN_FOR=1h FAKE_EXIT=1")
		a.CPU, a.Memory, a.Restart = 256, 64<<20, crashLoop(sandbox.RestartAlways)
		p := podOf(1, a)
		p.Size = sandbox.Size{CPU: 512, Memory: 100 << 20}
		b.create(p)
		b.wait(1, sandbox.Running)
		more := sandbox.Resources{CPU: 512, CPULimit: 1024, Memory: 128 << 20}
		for range 2 { // the same again is nothing new
			b.change(func(tx *store.Tx) error { return sandbox.Resize(tx, id(1), "a", more) })
		}
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Resized == 1 })
		if s := b.get(1); s.Spec.Containers[0].Resources() != more || s.Spec.Size != (sandbox.Size{CPU: 512, Memory: 164 << 20}) || b.rt.Resources(id(1), "a") != more || s.Spec.Containers[0].Resizes != 1 {
			b.Errorf("%+v, %+v", s.Spec.Containers[0], b.rt.Resources(id(1), "a"))
		}
		b.rt.Fail("Resize", errors.New("device or resource busy"))
		less := sandbox.Resources{Memory: 1 << 20}
		b.change(func(tx *store.Tx) error { return sandbox.Resize(tx, id(1), "a", less) })
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].ResizeTrouble != "" })
		first := b.rt.Calls("Resize")
		<-time.After(25 * time.Second)
		// What was done is done again when the record has changed meanwhile, so
		// that there may be one more.
		if cs, n := b.status(1, 0), b.rt.Calls("Resize")-first; cs.Resized != 1 || cs.ResizeTrouble != "device or resource busy" || cs.State != sandbox.ContainerRunning || n < 2 || n > 3 {
			b.Errorf("after %d tries more: %+v", n, cs)
		}
		b.rt.Fail("Resize", nil)
		<-time.After(10 * time.Second)
		if cs := b.status(1, 0); cs.Resized != 2 || cs.ResizeTrouble != "" || b.rt.Resources(id(1), "a") != less {
			b.Errorf("%+v", cs)
		}
		before := b.rt.Calls("Resize")
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
		if n := b.rt.Calls("Resize"); b.rt.Resources(id(1), "a") != less || b.status(1, 0).Resized != 2 || n != before {
			b.Errorf("the next run has %+v after %d calls: it is started with them", b.rt.Resources(id(1), "a"), n)
		}
		err := b.st.Update(b.Context(), "test", func(tx *store.Tx) error { return sandbox.Resize(tx, id(1), "nobody", less) })
		if !errors.Is(err, store.ErrNotFound) {
			b.Error(err)
		}
	})
}

func TestAgain(t *testing.T) {
	for _, policy := range []sandbox.RestartPolicy{sandbox.RestartNever, sandbox.RestartAlways} {
		scene(t, nil, func(b *bench) {
			a := main("a", "FAKE_STOP_FOR=2s")
			a.Restart = sandbox.Restart{Policy: policy, Fresh: true, Backoff: 10 * time.Second}
			a.PreStop = &sandbox.Action{Sleep: 3 * time.Second}
			b.create(podOf(1, a, main("b", "")))
			b.wait(1, sandbox.Running)
			for range 2 {
				b.change(func(tx *store.Tx) error { return sandbox.Again(tx, id(1), "a", 0, "it is to be another") })
			}
			<-time.After(time.Second)
			if cs := b.status(1, 0); cs.Ending != "it is to be another" || cs.State != sandbox.ContainerRunning {
				b.Errorf("%+v", cs)
			}
			b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
			b.change(func(tx *store.Tx) error { return sandbox.Again(tx, id(1), "a", 0, "of a run that is over") })
			<-time.After(time.Minute)
			if cs := b.status(1, 0); cs.Ending != "" || cs.Attempt != 1 || cs.State != sandbox.ContainerRunning || cs.Streak != 0 {
				b.Errorf("%+v", cs)
			}
			b.wants("starts", b.starts(1), "a0 0s", "b0 0s", "a1 5s")
		})
	}
}

func TestAnotherImage(t *testing.T) {
	scene(t, nil, func(b *bench) {
		b.create(podOf(1, asks("a", "FAKE_PULL_ERROR=gone", true), main("b", "")))
		<-time.After(time.Minute)
		if cs := b.status(1, 0); cs.Trouble != sandbox.TroublePull && cs.Trouble != sandbox.TroubleBackOff {
			b.Errorf("%+v", cs)
		}
		c := asks("a", "FAKE_PULL_FOR=5s", true)
		c.Image = "another"
		b.configure(1, "a", sandbox.Configuration{Container: c})
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].State == sandbox.ContainerRunning })
		before := b.status(1, 0)
		if before.Trouble != "" || b.get(1).Spec.Containers[0].Image != "another" {
			b.Error(b.dump(1))
		}
		b.change(func(tx *store.Tx) error { return sandbox.Again(tx, id(1), "a", 0, "definition changed") })
		b.asked(1, 0)
		b.configure(1, "a", sandbox.Configuration{Attempt: 1, Container: sandbox.Container{Image: "third"}, Trouble: sandbox.TroubleConfig, Text: "not yet"})
		b.asked(1, 0) // once the image is there
		b.configure(1, "a", sandbox.Configuration{Attempt: 1, Container: c})
		b.until(1, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Attempt == 1 })
		if s := b.get(1); s.Spec.Containers[0].Image != "another" || s.Status.Containers[0].ImageDigest != before.ImageDigest {
			b.Error(b.dump(1))
		}
		b.wants("starts", b.starts(1), "b0 0s", "a0 1m5s", "a1 1m15s")
	})
}
