package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// This file ends what an earlier emulator has left: a control plane that has
// not noticed yet that nobody wants it holds the database, the socket and the
// port. It is known by its pid file; that the number has not become another
// program's is told by the time at which the process started and, where that
// can be read, by its environment.

// markName is the variable in a control plane's environment that names its
// directory.
const markName = "NEARGATE_KUBE_DIR"

// pidFile tells which process a control plane is.
type pidFile struct {
	PID     int
	Started string // as startOf tells it
}

func writePID(p place, pid int) error {
	return writeJSON(p.pid(), pidFile{pid, startOf(pid)})
}

// startOf tells when a process started, in words that only compare; "" when it
// is not there.
func startOf(pid int) string {
	stat, err := os.ReadFile(procFile(pid, "stat"))
	if err == nil {
		return startInStat(string(stat))
	}
	if _, err := os.Stat("/proc/self/stat"); err == nil {
		return ""
	}
	out, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return "" // ps fails when there is none
	}
	return strings.TrimSpace(string(out))
}

func procFile(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// startInStat takes the 22nd field of /proc/PID/stat. The second one, the
// program's name in parentheses, may hold anything. A zombie has ended, but not
// before its last thread (field 20) has: until then its port and its files are
// taken.
func startInStat(stat string) string {
	i := strings.LastIndexByte(stat, ')')
	if i < 0 {
		return ""
	}
	fields := strings.Fields(stat[i+1:])
	if len(fields) < 20 {
		return ""
	}
	state, threads, started := fields[0], fields[17], fields[19]
	if (state == "Z" || state == "X") && (threads == "0" || threads == "1") {
		return ""
	}
	return started
}

// isOurs tells whether the process of a pid file still runs.
func (f pidFile) isOurs(dir string) bool {
	if f.PID <= 1 || f.Started == "" || startOf(f.PID) != f.Started {
		return false
	}
	environ, err := os.ReadFile(procFile(f.PID, "environ"))
	if err != nil {
		// Nothing to be read where there is no /proc. Where there is, it is
		// another user's.
		_, proc := os.Stat("/proc/self/environ")
		return proc != nil
	}
	if len(environ) == 0 { // it is ending, and has given its memory back already
		return true
	}
	return slices.Contains(strings.Split(string(environ), "\x00"), markName+"="+dir)
}

// leftoverLook is how often an end is looked for that nothing tells.
const leftoverLook = 20 * time.Millisecond

// endLeftover ends the control plane of an earlier emulator, if there is one:
// SIGTERM, and SIGKILL when grace is over. It returns when it has ended.
func endLeftover(ctx context.Context, p place, grace time.Duration) error {
	var f pidFile
	switch err := readJSON(p.pid(), &f); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		f = pidFile{} // half written: by somebody who did not get far
	}
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if !f.isOurs(p.dir) {
			break
		}
		if err := syscall.Kill(-f.PID, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("ending the control plane of an earlier emulator, process %d: %w", f.PID, err)
		}
		if err := waitGone(ctx, f, p.dir, grace); err != nil {
			return err
		}
	}
	if f.isOurs(p.dir) {
		return fmt.Errorf("the control plane of an earlier emulator, process %d, does not end", f.PID)
	}
	if err := os.Remove(p.pid()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // two have removed the same cluster at once
}

// waitGone waits for the end of a process that is not our child.
func waitGone(ctx context.Context, f pidFile, dir string, most time.Duration) error {
	look := time.NewTicker(leftoverLook)
	defer look.Stop()
	late := time.NewTimer(most)
	defer late.Stop()
	for f.isOurs(dir) {
		select {
		case <-look.C:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
