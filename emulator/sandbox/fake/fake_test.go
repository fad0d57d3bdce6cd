package fake_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
)

func TestRuntime(t *testing.T) {
	runtimetest.Run(t, runtimetest.Options{
		New: func(*testing.T) sandbox.Runtime { return fake.New(fake.Options{}) },
		Again: func(_ *testing.T, first sandbox.Runtime) sandbox.Runtime {
			return fake.New(fake.Options{State: first.(*fake.Runtime).State})
		},
		Other:     func(*testing.T, sandbox.Runtime) sandbox.Runtime { return fake.New(fake.Options{}) },
		Container: container,
		Around:    synctest.Test,
	})
}

// container says a program in the fake runtime's terms.
func container(_ *testing.T, p runtimetest.Program) sandbox.Container {
	c := sandbox.Container{Image: "program", Command: p.Argv()[1:]}
	set := func(name, format string, args ...any) {
		c.Env = append(c.Env, sandbox.EnvVar{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	if len(p.Print) > 0 {
		set("FAKE_STDOUT", "%s", strings.Join(p.Print, `\n`))
	}
	if len(p.PrintErr) > 0 {
		set("FAKE_STDERR", "%s", strings.Join(p.PrintErr, `\n`))
	}
	if p.Every > 0 {
		set("FAKE_LOG_EVERY", "%v", p.Every)
	}
	if p.Serve > 0 {
		set("FAKE_HTTP_BODY", "%s", p.Body)
	}
	if p.Run > 0 {
		set("FAKE_RUN_FOR", "%v", p.Run)
	}
	if p.Exit != nil {
		set("FAKE_EXIT", "%d", *p.Exit)
	}
	if p.IgnoreTerm {
		set("FAKE_IGNORE_TERM", "1")
	}
	if p.ExecExit > 0 {
		set("FAKE_EXEC_EXIT", "%d", p.ExecExit)
	}
	if p.Message != "" {
		set("FAKE_MESSAGE", "%s", p.Message)
	}
	if p.NoImage {
		set("FAKE_PULL_ERROR", "pull image manifest has been retried 7 time(s): failed to resolve ref %s: not found", c.Image)
	}
	if p.NoCommand {
		set("FAKE_START_ERROR", "exec: %q: executable file not found in $PATH: unknown", p.Argv()[0])
	}
	return c
}
