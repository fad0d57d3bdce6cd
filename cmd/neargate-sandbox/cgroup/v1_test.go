//go:build linux

package cgroup_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/neargate/neargate/cmd/neargate-sandbox/cgroup"
	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// tree1 is a v1 tree with a group in it; cpu and cpuacct share a hierarchy, as
// on most hosts, with links in their names.
func tree1(t *testing.T, swap string) (root string, tree *cgroup.Tree) {
	t.Helper()
	root = t.TempDir()
	folder(t, root+"/cpu,cpuacct/neargate/1", map[string]string{
		"cpu.cfs_quota_us": "-1\n", "cpu.cfs_period_us": "100000\n", "cpu.shares": "1024\n",
		"cpu.stat": "nr_periods 4\nnr_throttled 2\nthrottled_time 900\n", "cpuacct.usage": "12345\n",
	})
	memory := map[string]string{
		"memory.limit_in_bytes": "9223372036854771712\n", "memory.use_hierarchy": "0\n", "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
		"memory.usage_in_bytes": "4096\n", "memory.max_usage_in_bytes": "8192\n", "memory.stat": "inactive_file 1\ntotal_inactive_file 5\n", "cgroup.event_control": "",
	}
	if swap != "" {
		memory["memory.memsw.limit_in_bytes"] = swap
	}
	folder(t, root+"/memory/neargate/1", memory)
	folder(t, root+"/memory/neargate", map[string]string{"memory.use_hierarchy": "1\n"})
	folder(t, root+"/memory/neargate/1/aa", map[string]string{"memory.oom_control": "oom_kill 2\n"})
	folder(t, root+"/pids/neargate/1", map[string]string{"pids.max": "max\n", "pids.current": "3\n"})
	for _, link := range []string{"cpu", "cpuacct"} {
		if err := os.Symlink("cpu,cpuacct", filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := cgroup.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return root, tree
}

func TestV1Limits(t *testing.T) {
	root, tree := tree1(t, "9223372036854771712\n")
	state, err := tree.Create(tunnel.Cgroup{Path: "/neargate/1", CPUQuota: 25000, CPUShares: 256, MemoryBytes: 1 << 29, PidsMax: 50})
	if err != nil || state.Version != 1 || len(state.Warnings) != 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	wantFiles(t, root+"/cpu/neargate/1", map[string]string{"cpu.cfs_quota_us": "25000", "cpu.cfs_period_us": "100000", "cpu.shares": "256"})
	wantFiles(t, root+"/memory/neargate/1", map[string]string{
		"memory.limit_in_bytes": "536870912", "memory.memsw.limit_in_bytes": "536870912", "memory.use_hierarchy": "1"})
	wantFiles(t, root+"/pids/neargate/1", map[string]string{"pids.max": "50"})
	s, err := tree.Stats("/neargate/1")
	if err != nil || s.CPUUsage != 12345 || s.CPUThrottled != 900 || s.ThrottledPeriods != 2 || s.MemoryUsage != 4096 ||
		s.MemoryPeak != 8192 || s.MemoryInactive != 5 || s.MemoryLimit != 1<<29 || s.Pids != 3 || s.OOMKills != 3 || s.Children["aa"] != 2 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := tree.Update(tunnel.Cgroup{Path: "/neargate/1", MemoryBytes: tunnel.Unlimited, CPUQuota: tunnel.Unlimited}); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, root+"/memory/neargate/1", map[string]string{"memory.limit_in_bytes": "-1", "memory.memsw.limit_in_bytes": "-1"})
	wantFiles(t, root+"/cpu/neargate/1", map[string]string{"cpu.cfs_quota_us": "-1"})
}

func TestV1WithoutSwapAccounting(t *testing.T) {
	root, tree := tree1(t, "")
	state, err := tree.Create(tunnel.Cgroup{Path: "/neargate/1", MemoryBytes: 1 << 29})
	if err != nil || len(state.Warnings) != 1 || !strings.Contains(state.Warnings[0], "swap") {
		t.Errorf("%+v, %v", state, err)
	}
	wantFiles(t, root+"/memory/neargate/1", map[string]string{"memory.limit_in_bytes": "536870912"})
}

// testGroup is where these tests make their groups.
const testGroup = "/neargate-test"

// host opens this machine's own tree.
func host(t *testing.T) *cgroup.Tree {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: needs root to write to /sys/fs/cgroup")
	}
	if _, err := os.Stat("/sys/fs/cgroup/memory/memory.use_hierarchy"); err != nil {
		t.Skip("SKIPPED: this machine has no cgroup v1 memory controller: ", err)
	}
	tree, err := cgroup.Open("/sys/fs/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tree.Remove(context.Background(), testGroup); err != nil {
			t.Error(err)
		}
	})
	return tree
}

func TestV1OnThisMachine(t *testing.T) {
	tree := host(t)
	group := fmt.Sprintf("%s/%d-limits", testGroup, os.Getpid())
	for _, bytes := range []int64{64 << 20, 128 << 20, 32 << 20, tunnel.Unlimited, 16 << 20} { // up and down
		_, err := tree.Create(tunnel.Cgroup{Path: group, CPUQuota: 50000, CPUShares: 512, MemoryBytes: bytes, PidsMax: 20})
		if err != nil {
			t.Fatal(err)
		}
		s, err := tree.Stats(group)
		if err != nil || s.MemoryLimit != bytes {
			t.Errorf("limit %d, want %d, %v", s.MemoryLimit, bytes, err)
		}
	}
	for _, period := range []int64{10000, 1000000, 100000} {
		if _, err := tree.Update(tunnel.Cgroup{Path: group, CPUQuota: period / 2, CPUPeriod: period}); err != nil {
			t.Error(err)
		}
	}
	if err := tree.Remove(context.Background(), group); err != nil {
		t.Error(err)
	}
	if _, err := tree.Stats(group); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stats after the end: %v", err)
	}
}

// enter starts a process in a group under group and returns it, once it has
// printed a line or ended.
func enter(t *testing.T, group, script string) *exec.Cmd {
	t.Helper()
	var procs strings.Builder
	for _, controller := range []string{"cpu", "memory", "pids"} {
		fmt.Fprintf(&procs, "mkdir -p /sys/fs/cgroup/%s%s/child && echo $$ > /sys/fs/cgroup/%[1]s%[2]s/child/cgroup.procs && ", controller, group)
	}
	c := exec.Command("sh", "-c", procs.String()+script)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return c
}

func TestV1OOMAndRemoveOnThisMachine(t *testing.T) {
	tree := host(t)
	group := fmt.Sprintf("%s/%d-oom", testGroup, os.Getpid())
	if _, err := tree.Create(tunnel.Cgroup{Path: group, MemoryBytes: 16 << 20}); err != nil {
		t.Fatal(err)
	}
	eater := enter(t, group, "head -c 100m /dev/zero | tail >/dev/null; echo over")
	_ = eater.Wait() // tail is killed, not the shell; the counters tell
	s, err := tree.Stats(group)
	if err != nil || s.OOMKills == 0 || s.Children["child"] != s.OOMKills || s.OOMs == 0 || s.MemoryPeak < 15<<20 {
		t.Errorf("after an OOM kill: %+v, %v", s, err)
	}

	sleeper := enter(t, group, "echo in; exec sleep 1000")
	defer sleeper.Process.Kill()
	if s, err = tree.Stats(group); err != nil || s.Pids != 1 {
		t.Errorf("with one process: %+v, %v", s, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := tree.Remove(ctx, group); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("remove of a group in use: %v", err)
	}
	removed := make(chan error, 1)
	go func() { removed <- tree.Remove(context.Background(), group) }()
	sleeper.Process.Kill()
	sleeper.Wait()
	if err := <-removed; err != nil {
		t.Errorf("remove of a group that gets empty: %v", err)
	}
}
