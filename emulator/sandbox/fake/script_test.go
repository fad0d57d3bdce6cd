package fake_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
)

// one is a sandbox of one container with an environment like "FAKE_EXIT=3".
func one(n int, env ...string) *sandbox.Spec {
	c := sandbox.Container{Name: "c", Image: "image"}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		c.Env = append(c.Env, sandbox.EnvVar{Name: name, Value: value})
	}
	return &sandbox.Spec{
		ID: fmt.Sprintf("%032x", n), Containers: []sandbox.Container{c},
		Network: sandbox.Network{VPC: "vpc-1", VPCCIDR: "10.0.0.0/8", Subnet: "subnet-1", SubnetCIDR: "10.0.0.0/9", Public: true},
	}
}

// run brings a sandbox up and starts its container.
func run(t *testing.T, r *fake.Runtime, s *sandbox.Spec) {
	t.Helper()
	if _, err := r.Up(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context(), s, &s.Containers[0], 0, nil); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, r *fake.Runtime, s *sandbox.Spec) string {
	t.Helper()
	o, err := r.Inspect(t.Context(), s.ID)
	if err != nil {
		t.Fatal(err)
	}
	c := o.Containers["c"]
	return fmt.Sprintf("%s %d after %v, killed for memory: %v %d", c.State, c.ExitCode, c.FinishedAt.Sub(c.StartedAt), c.OOMKilled, o.OOMKills)
}

func TestScripts(t *testing.T) {
	for script, want := range map[string]string{
		"FAKE_EXIT=3":                       "STOPPED 3 after 0s, killed for memory: false 0",
		"FAKE_RUN_FOR=5s":                   "STOPPED 0 after 5s, killed for memory: false 0",
		"FAKE_RUN_FOR=5s FAKE_EXIT=9":       "STOPPED 9 after 5s, killed for memory: false 0",
		"FAKE_OOM_AFTER=2s":                 "STOPPED 137 after 2s, killed for memory: true 1",
		"FAKE_OOM_AFTER=9s FAKE_RUN_FOR=1s": "STOPPED 0 after 1s, killed for memory: false 0",
		"FAKE_STDOUT=x":                     "STOPPED 143 after 10s, killed for memory: false 0",
		"FAKE_STOP_FOR=3s":                  "STOPPED 143 after 13s, killed for memory: false 0",
		"FAKE_STOP_EXIT=0":                  "STOPPED 0 after 10s, killed for memory: false 0",
		"FAKE_IGNORE_TERM=true":             "STOPPED 137 after 15s, killed for memory: false 0",
	} {
		t.Run(script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, s := fake.New(fake.Options{}), one(1, strings.Fields(script)...)
				run(t, r, s)
				<-time.After(10 * time.Second)
				if err := r.Stop(t.Context(), s, &s.Containers[0], 5*time.Second); err != nil {
					t.Fatal(err)
				}
				if got := state(t, r, s); got != want {
					t.Errorf("%s\nwant %s", got, want)
				}
			})
		})
	}
}

func TestScriptsThatAreWrong(t *testing.T) {
	for script, want := range map[string]string{
		"FAKE_EXIT=256":         "ResourceInitializationError: FAKE_EXIT: 256 is not within 0 and 255",
		"FAKE_RUN_FOR=-1s":      `ResourceInitializationError: FAKE_RUN_FOR: "-1s" is negative`,
		"FAKE_IGNORE_TERM=well": `ResourceInitializationError: FAKE_IGNORE_TERM: strconv.ParseBool: parsing "well": invalid syntax`,
		"FAKE_RUNFOR=1s": "ResourceInitializationError: unknown variable FAKE_RUNFOR; the fake runtime knows FAKE_CREATE_ERROR, FAKE_EXEC_EXIT, FAKE_EXIT, " +
			"FAKE_HEALTHY_AFTER, FAKE_HTTP_BODY, FAKE_HTTP_STATUS, FAKE_IGNORE_TERM, FAKE_IMAGE_LOCAL, FAKE_LOG_EVERY, FAKE_MESSAGE, FAKE_NETWORK_ERROR, FAKE_OOM_AFTER, " +
			"FAKE_PULL_ERROR, FAKE_PULL_FOR, FAKE_RUN_FOR, FAKE_START_AFTER, FAKE_START_ERROR, FAKE_STDERR, FAKE_STDOUT, FAKE_STOP_EXIT, " +
			"FAKE_STOP_FOR, FAKE_UNHEALTHY_AFTER",
	} {
		_, err := fake.New(fake.Options{}).Up(t.Context(), one(1, script))
		var stop *sandbox.StopError
		if !errors.As(err, &stop) || stop.Reason != want || stop.Container != "c" || stop.Code != "TaskFailedToStart" {
			t.Errorf("%s: %v\nwant %s", script, err, want)
		}
	}
}

func TestErrorsKeepTheirOwnNames(t *testing.T) {
	for text, want := range map[string]string{
		"no such image": "CannotPullContainerError: no such image",
		"pull: denied":  "CannotPullContainerError: pull: denied",
		"ResourceInitializationError: no registry":   "ResourceInitializationError: no registry",
		"CannotPullContainerError: manifest unknown": "CannotPullContainerError: manifest unknown",
	} {
		s := one(1)
		s.Containers[0].Env = []sandbox.EnvVar{{Name: "FAKE_PULL_ERROR", Value: text}}
		if _, err := fake.New(fake.Options{}).Pull(t.Context(), s, &s.Containers[0]); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := fake.New(fake.Options{}), one(1, "FAKE_PULL_FOR=10s")
		done := make(chan error)
		go func() {
			_, err := r.Pull(t.Context(), s, &s.Containers[0])
			done <- err
		}()
		<-time.After(4 * time.Second)
		if got := r.Progress(s.ID)["image"]; got != "40 %" {
			t.Errorf("progress %q", got)
		}
		if err := <-done; err != nil || len(r.Progress(s.ID)) > 0 {
			t.Errorf("%v, %v", err, r.Progress(s.ID))
		}
	})
}

func TestAttachAndMeddling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s := fake.New(fake.Options{}), one(1, "FAKE_STDOUT=before")
		run(t, r, s)
		<-time.After(time.Second)
		var out bytes.Buffer
		done := make(chan error)
		go func() { done <- r.Attach(t.Context(), s.ID, "c", sandbox.Streams{Out: &out}) }()
		synctest.Wait()
		r.Print(s.ID, "c", "hello")
		if got := r.Running(s.ID); len(got) != 1 || got[0] != "c" {
			t.Errorf("running: %v", got)
		}
		if !r.Kill(s.ID, "c", 42) || r.Kill(s.ID, "c", 43) {
			t.Error("Kill does not tell whether the container ran")
		}
		if err := <-done; err != nil || out.String() != "hello\n" {
			t.Errorf("%v, %q", err, out.String())
		}
		if got := state(t, r, s); got != "STOPPED 42 after 1s, killed for memory: false 0" {
			t.Error(got)
		}
	})
}

func TestFaults(t *testing.T) {
	r, s := fake.New(fake.Options{}), one(1)
	want := errors.New("broken")
	r.Fail("Up", want)
	if _, err := r.Up(t.Context(), s); !errors.Is(err, want) {
		t.Errorf("Up: %v", err)
	}
	r.Fail("Up", nil)
	run(t, r, s)
	r.Away(true)
	if _, err := r.List(t.Context()); !errors.Is(err, fake.ErrAway) {
		t.Errorf("List: %v", err)
	}
	if got := r.Running(s.ID); len(got) != 1 {
		t.Errorf("what runs does not go on: %v", got)
	}
	r.Away(false)
	r.Forget(s.ID)
	if o, err := r.Inspect(t.Context(), s.ID); err != nil || o.Up {
		t.Errorf("%+v, %v", o, err)
	}
	if n := r.Calls("Up"); n != 2 {
		t.Errorf("%d calls of Up", n)
	}
}

func TestIdleContainersCostNoGoroutines(t *testing.T) {
	r := fake.New(fake.Options{})
	before := runtime.NumGoroutine()
	const many = 100_000
	seen := map[string]bool{}
	for n := range many {
		s := one(n)
		run(t, r, s)
		o, err := r.Inspect(t.Context(), s.ID)
		if err != nil || seen[o.Address.IP] || seen[o.Address.Public] {
			t.Fatalf("%+v, %v", o, err)
		}
		seen[o.Address.IP], seen[o.Address.Public] = true, true
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, were %d", after, before)
	}
}
