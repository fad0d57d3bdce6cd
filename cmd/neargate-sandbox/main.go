//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// options are the flags of PID 1. None is about a task.
type options struct {
	socket     string
	dns        bool
	upstreams  []netip.AddrPort
	cgroupRoot string
	volumes    string
}

func main() {
	frugal()
	log := zerolog.New(os.Stderr).With().Timestamp().Logger()
	command, args := run, os.Args[1:]
	if done, err := errand(args); done {
		if err != nil {
			fmt.Fprintln(os.Stderr, "neargate-sandbox:", err)
			os.Exit(1)
		}
		return
	}
	if len(args) > 0 && args[0] == "pause" {
		if err := pause(args[1:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "neargate-sandbox:", err)
			os.Exit(1)
		}
		return
	}
	if len(args) > 0 && args[0] == "bridge" {
		command, args = bridge, args[1:]
	}
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "neargate-sandbox:", err)
		os.Exit(2)
	}
	if err := command(context.Background(), o, log); err != nil {
		log.Fatal().Err(err).Msg("sandbox ends")
	}
}

// frugal keeps a process that sleeps nearly always, hundreds of times on one
// host, from taking what a server would.
func frugal() {
	runtime.GOMAXPROCS(min(2, runtime.NumCPU()))
	debug.SetGCPercent(50)
	debug.SetMemoryLimit(16 << 20)
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("neargate-sandbox", flag.ContinueOnError)
	f.StringVar(&o.socket, "socket", "/run/neargate.sock", "unix `socket` that bridge connects to")
	f.BoolVar(&o.dns, "dns", true, "answer DNS on 169.254.169.253")
	f.StringVar(&o.cgroupRoot, "cgroup-root", "", "`folder` where the host's /sys/fs/cgroup is mounted")
	f.StringVar(&o.volumes, "volumes", "", "`folder` in which the sandbox's volumes and termination messages are kept")
	f.Func("upstream", "DNS server, `IP[:port]`, for names that the emulator does not know; repeatable; default: those that /etc/resolv.conf has at the first start", func(text string) error {
		a, err := upstream(text)
		o.upstreams = append(o.upstreams, a)
		return err
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return o, nil
}

func upstream(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, 53), nil
	}
	return netip.ParseAddrPort(text)
}

// run is PID 1's life. It returns nil when a signal ends it.
func run(ctx context.Context, o options, log zerolog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGCHLD)
	defer signal.Stop(signals)

	failed := make(chan error, 8)
	if err := start(ctx, o, log, failed); err != nil {
		return err
	}
	reap()
	for {
		select {
		case s := <-signals:
			if s != unix.SIGCHLD {
				return nil
			}
			reap()
		case err := <-failed:
			return err
		}
	}
}

// reap collects all ended processes that nobody else waits for: those of
// workloads that share this process namespace, and what docker exec left.
func reap() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if err == unix.EINTR {
			continue
		}
		if pid <= 0 {
			return
		}
	}
}

// release is the version of this build, as Go has recorded it.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "vcs.revision" })
	if i < 0 {
		return info.Main.Version
	}
	return info.Main.Version + " " + info.Settings[i].Value
}
