package e2e_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// terminal: exec -it has a terminal of the size that the user's has, and hears
// of it when that changes.
func terminal(n *namespace) {
	n.t.Helper()
	own, theirs := openTerminal(n)
	resize(n, own, 40, 100)
	cmd := exec.Command("kubectl", n.args("-n {} exec -it box -- probe size", []string{n.ns})...)
	cmd.Env = append(environment(), n.env()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := theirs.Close(); err != nil {
		n.t.Error(err)
	}
	var said []string
	entered := false
	for lines := bufio.NewScanner(own); !entered && lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		said = append(said, line)
		switch line {
		case "40 100":
			resize(n, own, 25, 81)
			if err := cmd.Process.Signal(unix.SIGWINCH); err != nil {
				n.t.Error(err)
			}
		case "25 81":
			entered = true
			if _, err := own.WriteString("\n"); err != nil {
				n.t.Error(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !entered {
		n.t.Errorf("exec -it said %q: %v", said, err)
	}
}

// openTerminal opens a pseudo terminal.
func openTerminal(n *namespace) (own, theirs *os.File) {
	n.t.Helper()
	own, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = own.Close() })
	if err := unix.IoctlSetPointerInt(int(own.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		n.t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(own.Fd()), unix.TIOCGPTN)
	if err != nil {
		n.t.Fatal(err)
	}
	theirs, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	return own, theirs
}

func resize(n *namespace, terminal *os.File, rows, columns uint16) {
	n.t.Helper()
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}); err != nil {
		n.t.Fatal(err)
	}
}
