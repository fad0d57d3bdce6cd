//go:build linux

package main_test

import (
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// namespaced is PID 1 in namespaces of its own, without Docker.
func namespaced(t testing.TB, flags ...string) (p *process, socket string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to make namespaces")
	}
	socket = filepath.Join(t.TempDir(), "s")
	c := exec.Command(built.sandbox, append([]string{"--socket", socket}, flags...)...)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID}
	return startProcess(t, c), socket
}

func TestOutlivesItsStreams(t *testing.T) {
	p, socket := namespaced(t)
	first := p.greet(t)
	if _, err := first.NetworkStats(within(t)); err != nil {
		t.Fatal(err)
	}
	first.Close() // closes the standard streams
	for range 3 {
		s := startProcess(t, exec.Command(built.sandbox, "bridge", "--socket", socket)).greet(t)
		if all, err := s.NetworkStats(within(t)); err != nil || len(all) != 0 {
			t.Errorf("%+v, %v", all, err)
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestLatestBridgeWins(t *testing.T) {
	p, socket := namespaced(t)
	first := p.greet(t)
	second := startProcess(t, exec.Command(built.sandbox, "bridge", "--socket", socket)).greet(t)
	receive(t, first.Done())
	if _, err := second.NetworkStats(within(t)); err != nil {
		t.Error(err)
	}
}

func TestSignalsEndIt(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p, _ := namespaced(t)
		p.greet(t)
		p.cmd.Process.Signal(s)
		if err := receive(t, p.ended); err != nil {
			t.Errorf("on %v: %v: %s", s, err, p.stderr.String())
		}
	}
}

func TestCommandsWithoutTheirFlags(t *testing.T) {
	p, _ := namespaced(t, "--dns=false")
	s := p.greet(t)
	_, err := s.CgroupCreate(within(t), tunnel.Cgroup{Path: "/neargate/1"})
	for what, err := range map[string]error{
		"--cgroup-root": err, "--dns": s.SetNames(within(t), tunnel.Names{}), "--volumes": s.MakeMessage(within(t), "m"),
	} {
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid || !strings.Contains(e.Text, what) {
			t.Errorf("without %s: %v", what, err)
		}
	}
}

func TestVolumesOutliveTheProcess(t *testing.T) {
	folder := t.TempDir()
	p, _ := namespaced(t, "--volumes", folder)
	s := p.greet(t)
	files := []tunnel.VolumeFile{{Path: "f", Mode: 0o600, UID: 5, GID: 6, Data: []byte("F")}}
	if err := s.MakeVolume(within(t), "v", tunnel.Volume{Mode: 0o777}, files); err != nil {
		t.Fatal(err)
	}
	if err := s.MakeMessage(within(t), "m"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, ".messages", "m"), []byte("said"), 0); err != nil {
		t.Fatal(err)
	}
	p.cmd.Process.Kill()
	<-p.ended
	p, _ = namespaced(t, "--volumes", folder)
	s = p.greet(t)
	if text, err := s.ReadMessage(within(t), "m"); text != "said" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if err := s.WriteVolume(within(t), "v", []tunnel.VolumeFile{{Path: "g", Mode: 0o644}}); err != nil {
		t.Error(err)
	}
	if path, err := s.SubPath(within(t), "v", "f"); path != "f" || err != nil {
		t.Errorf("%q, %v", path, err)
	}
	err := s.WriteVolume(within(t), "w", nil)
	if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.NotFound {
		t.Errorf("a volume that is not there: %v", err)
	}
}

func TestPodsKnowTheirCluster(t *testing.T) {
	p, socket := namespaced(t)
	s := p.greet(t)
	wantInvalid := func(what string, err error) {
		t.Helper()
		if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	services, err := tunnel.EncodeServices(tunnel.Services{Zones: []string{"cluster.local"}})
	if err != nil {
		t.Fatal(err)
	}
	wantInvalid("Services of no cluster", s.SetServices(within(t), services))
	c := tunnel.Cluster{
		Name: "one", Services: netip.MustParsePrefix("10.100.0.0/16"),
		DNS: netip.MustParseAddr("10.100.0.10"), API: netip.MustParseAddrPort("10.100.0.1:443"),
	}
	for range 2 { // again is no error
		if _, err := s.Configure(within(t), tunnel.Network{Cluster: &c}); err != nil {
			t.Fatal(err)
		}
		if err := s.SetServices(within(t), services); err != nil {
			t.Fatal(err)
		}
	}
	other := c
	other.Name = "two"
	_, err = s.Configure(within(t), tunnel.Network{Cluster: &other})
	wantInvalid("another cluster", err)
	bad, err := tunnel.EncodeServices(tunnel.Services{Zones: []string{"a..b"}})
	if err != nil {
		t.Fatal(err)
	}
	wantInvalid("a bad table", s.SetServices(within(t), bad))
	if h := s.Hello(); h.Cluster != "" {
		t.Errorf("the first hello says %q", h.Cluster)
	}
	again := startProcess(t, exec.Command(built.sandbox, "bridge", "--socket", socket)).greet(t)
	if h := again.Hello(); h.Cluster != "one" || len(h.Warnings) != 0 {
		t.Errorf("a later hello says %+v", h)
	}
}

func TestWarnings(t *testing.T) {
	p, _ := namespaced(t, "--cgroup-root", t.TempDir())
	h := p.greet(t).Hello()
	if len(h.Warnings) != 1 || !strings.Contains(h.Warnings[0], "cgroup") {
		t.Errorf("%q", h.Warnings)
	}
}

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "-cgroup-root"},
		{[]string{"--upstream", "nonsense"}, 2, "nonsense"},
		{[]string{"--task", "x"}, 2, "-task"},
		{[]string{"serve"}, 2, "serve"},
		{[]string{"bridge", "--socket", "/nowhere"}, 1, "PID 1 cannot be reached"},
	} {
		c := exec.Command(built.sandbox, test.args...)
		out, err := c.CombinedOutput()
		if c.ProcessState.ExitCode() != test.code || !strings.Contains(string(out), test.says) {
			t.Errorf("%q: %v: %s", test.args, err, out)
		}
	}
}

// BenchmarkStart is the time from exec to the end of the greeting, in fresh
// network and process namespaces.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p, _ := namespaced(b)
		p.greet(b)
		b.StopTimer()
		p.cmd.Process.Kill()
		<-p.ended
		b.StartTimer()
	}
}
