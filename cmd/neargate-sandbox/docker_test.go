//go:build linux

package main_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// metadata answers the workloads' requests to 169.254.170.2.
func metadata(t testing.TB, s *tunnel.Session, name string) {
	h := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, name, " ", r.URL.Path)
	})}
	go h.Serve(s.Listen(tunnel.ServiceMetadata))
	t.Cleanup(func() { h.Close() })
}

// wantLines compares what a workload printed.
func wantLines(t testing.TB, got string, want ...string) {
	t.Helper()
	if got != strings.Join(want, "\n") {
		t.Errorf("the workload says %q, want %q", got, want)
	}
}

func TestDockerMetadataBesidesPort80(t *testing.T) {
	b, attached, s := newBox(t, []string{"--network", ownNetwork(t)})
	h := s.Hello()
	address := docker(t, "inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}/{{.IPPrefixLen}}{{end}}", b.name)
	if len(h.Warnings) != 0 || len(h.Addresses) == 0 || h.Addresses[0] != netip.MustParsePrefix(address) {
		t.Errorf("hello %+v, want address %s", h, address)
	}
	metadata(t, s, "first")
	b.serve(t, "0.0.0.0:80")
	urls := []string{"get", "http://169.254.170.2/v4/x", "http://127.0.0.1/home"}
	wantLines(t, b.run(t, urls...), "200 first /v4/x", "200 workload /home")
	wantLines(t, b.runWith(t, []string{"--user", "1000", "--cap-drop", "ALL"}, urls...), "200 first /v4/x", "200 workload /home")

	all, err := s.NetworkStats(within(t))
	if err != nil || len(all) != 1 || all[0].Name != "eth0" || all[0].RxBytes == 0 || all[0].Addresses[0] != h.Addresses[0] {
		t.Errorf("%+v, %v", all, err)
	}
	seeMemory(t, b)

	// the emulator dies, a workload asks, the emulator comes back
	attached.cmd.Process.Kill()
	receive(t, s.Done())
	wantLines(t, b.run(t, urls...), "503 the emulator is not connected", "200 workload /home")
	_, again := b.bridge(t)
	metadata(t, again, "second")
	wantLines(t, b.run(t, urls...), "200 second /v4/x", "200 workload /home")
	seeDial(t, again)

	began := time.Now()
	docker(t, "stop", "-t", "120", b.name)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("stop took %v", took)
	}
	if code := docker(t, "inspect", "-f", "{{.State.ExitCode}}", b.name); code != "0" {
		t.Errorf("exit code %s", code)
	}
}

// seeDial forwards a port into the namespace.
func seeDial(t *testing.T, s *tunnel.Session) {
	t.Helper()
	c, err := s.Dial(within(t), "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(limit))
	fmt.Fprint(c, "GET /forwarded HTTP/1.0\r\n\r\n")
	if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), "workload /forwarded") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := s.Dial(within(t), "tcp", "127.0.0.1:81"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("dial to nobody: %v", err)
	}
}

// seeMemory checks what PID 1 uses for itself; the rest of its resident set is
// the binary's file, shared by all sandboxes.
func seeMemory(t *testing.T, b *box) {
	t.Helper()
	status, err := os.ReadFile("/proc/" + docker(t, "inspect", "-f", "{{.State.Pid}}", b.name) + "/status")
	if err != nil {
		t.Log("the Engine is on another machine: memory not measured: ", err)
		return
	}
	var total, own int
	for line := range bytes.Lines(status) {
		fmt.Sscanf(string(line), "VmRSS: %d kB", &total)
		fmt.Sscanf(string(line), "RssAnon: %d kB", &own)
	}
	t.Logf("PID 1 has %d KiB resident, %d of them its own", total, own)
	if own == 0 || own > 4<<10 {
		t.Errorf("PID 1 uses %d KiB of its own", own)
	}
}

func TestDockerReapsOrphans(t *testing.T) {
	b, _, _ := newBox(t, nil)
	wantLines(t, b.runWith(t, []string{"--pid", "container:" + b.name}, "orphan"), "reaped")
}

// ownNetwork makes a network for one test: an Engine may be without its usual
// bridge.
func ownNetwork(t *testing.T) string {
	t.Helper()
	needDocker(t)
	network := fmt.Sprintf("neargate-sandbox-test-%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	docker(t, "network", "create", network)
	t.Cleanup(func() { tryDocker("network", "rm", network) })
	return network
}

// On a network of its own Docker's resolver is 127.0.0.11; both resolvers must
// answer, and ours must know what Docker's knows.
func TestDockerDNS(t *testing.T) {
	b, _, s := newBox(t, []string{"--network", ownNetwork(t), "--network-alias", "peer"})
	own := s.Hello().Addresses[0].Addr().String()
	err := s.SetNames(within(t), tunnel.Names{Zones: []string{"shop.local"}, TTL: 60, Set: map[string][]netip.Addr{
		"web.shop.local": {netip.MustParseAddr("10.0.0.7")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, b.run(t, "lookup", "169.254.169.253:53", "web.shop.local", "peer"), "web.shop.local 10.0.0.7", "peer "+own)
	wantLines(t, b.run(t, "lookup", "127.0.0.11:53", "peer"), "peer "+own)
	if got := b.run(t, "lookup", "169.254.169.253:53", "none.shop.local"); !strings.Contains(got, "no such host") {
		t.Errorf("the workload says %q", got)
	}
}

func TestDockerTaskCeiling(t *testing.T) {
	needDocker(t)
	if driver := docker(t, "info", "-f", "{{.CgroupDriver}} {{.CgroupVersion}}"); !strings.HasPrefix(driver, "cgroupfs") {
		t.Skipf("SKIPPED: the Engine's cgroup driver is %s, not cgroupfs", driver)
	}
	b, _, s := newBox(t, []string{"--cap-add", "DAC_OVERRIDE", "-v", "/sys/fs/cgroup:/host/cgroup"}, "--cgroup-root", "/host/cgroup")
	group := "/neargate-test/" + b.name
	t.Cleanup(func() { s.CgroupRemove(within(t), "/neargate-test") })
	state, err := s.CgroupCreate(within(t), tunnel.Cgroup{Path: group, CPUQuota: 50000, CPUShares: 512, MemoryBytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cgroup v%d, warnings %q", state.Version, state.Warnings)

	name := b.name + "-eater"
	t.Cleanup(func() { tryDocker("rm", "-f", name) })
	eat := func(mib string) (string, error) {
		tryDocker("rm", "-f", name)
		return tryDocker("run", "--name", name, "--network", "container:"+b.name, "--cgroup-parent", group, b.workload, "eat", mib)
	}
	if out, err := eat("20"); err != nil || out != "ate 20 MiB" {
		t.Errorf("within the ceiling: %q, %v", out, err)
	}
	if stats, err := s.CgroupStats(within(t), group); err != nil || stats.OOMKills+stats.OOMs != 0 || stats.CPUUsage == 0 || stats.MemoryLimit != 64<<20 {
		t.Errorf("within the ceiling: %+v, %v", stats, err)
	}
	out, err := eat("200")
	if err == nil {
		t.Errorf("200 MiB fit into 64: %q", out)
	}
	// Whether Docker calls it OOMKilled is chance: containerd tells it of the end
	// and of the reason on two ways. The group's own count is what holds.
	if code := docker(t, "inspect", "-f", "{{.State.ExitCode}}", name); code != "137" {
		t.Errorf("it ended with %s", code)
	}
	if stats, err := s.CgroupStats(within(t), group); err != nil || stats.OOMs == 0 || stats.MemoryPeak < 60<<20 {
		t.Errorf("after the kill: %+v, %v", stats, err)
	}
	docker(t, "rm", name)
	if err := s.CgroupRemove(within(t), group); err != nil {
		t.Error(err)
	}
}

func BenchmarkDockerCall(b *testing.B) {
	_, _, s := newBox(b, nil)
	for b.Loop() {
		if _, err := s.NetworkStats(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDockerHTTP reports the median that a workload measures.
func BenchmarkDockerHTTP(b *testing.B) {
	box, _, s := newBox(b, nil)
	metadata(b, s, "bench")
	for b.Loop() {
		median, err := time.ParseDuration(box.run(b, "times", "200", "http://169.254.170.2/v4/x"))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(median.Nanoseconds()), "ns/request")
	}
}
