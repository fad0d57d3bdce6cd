package runtimetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// faults: what can never work says so in AWS's words; cancelled calls end.
func faults() []scenario {
	return []scenario{
		{"an image that does not exist cannot be pulled", nil, noImage},
		{"a command that does not exist cannot be started", nil, noCommand},
		{"a subnet without free addresses says so", nil, subnetFull},
		{"a cancelled context is an error, not an outcome", nil, cancelled},
		{"an exit at once is seen with its code", nil, exitAtOnce},
		{"exit codes are told", nil, exitCodes},
	}
}

func noImage(b *bench) {
	s := b.spec(Program{NoImage: true})
	b.up(s)
	_, err := b.rt.Pull(b.ctx, s, &s.Containers[0])
	stop := b.stopError(err)
	if !strings.HasPrefix(stop.Reason, "CannotPullContainerError: ") || stop.Container != "c0" {
		b.Errorf("%+v", stop)
	}
	if stop.Code != "" && stop.Code != "TaskFailedToStart" {
		b.Errorf("stop code %q", stop.Code)
	}
}

func noCommand(b *bench) {
	s := b.spec(Program{NoCommand: true})
	b.up(s)
	stop := b.stopError(b.tryStart(s, 0))
	if !strings.HasPrefix(stop.Reason, "CannotStartContainerError: ") || stop.Container != "c0" {
		b.Errorf("%+v", stop)
	}
	if c := b.inspect(s).Containers["c0"]; c.State == sandbox.ContainerRunning {
		b.Errorf("it runs: %+v", c)
	}
}

func subnetFull(b *bench) {
	for range 20 {
		s := b.spec()
		tiny(s, 32)
		b.Cleanup(func() {
			if err := b.rt.Down(context.WithoutCancel(b.ctx), s.ID); err != nil {
				b.Error(err)
			}
		})
		if _, err := b.rt.Up(b.ctx, s); err != nil {
			if stop := b.stopError(err); !strings.Contains(stop.Reason, "InsufficientFreeAddressesInSubnet") {
				b.Errorf("reason %q", stop.Reason)
			}
			return
		}
	}
	b.Error("a /28 gave 20 addresses")
}

func cancelled(b *bench) {
	s := b.ready(Program{IgnoreTerm: true})
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	c := &s.Containers[0]
	calls := map[string]func() error{
		"Up":      func() error { _, err := b.rt.Up(ctx, b.spec()); return err },
		"Pull":    func() error { _, err := b.rt.Pull(ctx, s, c); return err },
		"Start":   func() error { return b.rt.Start(ctx, s, c, 1, nil) },
		"Stop":    func() error { return b.rt.Stop(ctx, s, c, 2*soon) },
		"Inspect": func() error { _, err := b.rt.Inspect(ctx, s.ID); return err },
		"List":    func() error { _, err := b.rt.List(ctx); return err },
	}
	for name, call := range calls {
		b.atOnce(name, func() {
			err := call()
			var stop *sandbox.StopError
			if err == nil || errors.As(err, &stop) {
				b.Errorf("%s with a cancelled context: %v", name, err)
			}
		})
	}
	if c := b.inspect(s).Containers["c0"]; c.State != sandbox.ContainerRunning || c.Attempt != 0 {
		b.Errorf("cancelled calls had an effect: %+v", c)
	}
}

func exitAtOnce(b *bench) {
	s := b.launch(Exits(7))
	c := b.ended(s, "c0")
	if c.ExitCode != 7 || c.StartedAt.IsZero() || c.FinishedAt.Before(c.StartedAt) || c.OOMKilled {
		b.Errorf("%+v", c)
	}
}

func exitCodes(b *bench) {
	codes := []int{0, 1, 137, 255}
	var programs []Program
	for _, code := range codes {
		programs = append(programs, RunsFor(200*time.Millisecond, code))
	}
	s := b.launch(programs...)
	for i, code := range codes {
		if c := b.ended(s, s.Containers[i].Name); c.ExitCode != code || c.OOMKilled {
			b.Errorf("want exit code %d: %+v", code, c)
		}
	}
}
