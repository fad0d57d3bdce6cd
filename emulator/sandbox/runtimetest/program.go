package runtimetest

import (
	"fmt"
	"strconv"
	"time"
)

// Path is where images for real runtimes hold the command of the folder
// program.
const Path = "/program"

// Program is how a container behaves. The zero value runs until it is stopped
// and ends with 143 on SIGTERM.
//
// A real process does, in this order: Print and PrintErr, Do, Eat, Serve,
// then it waits for Run (for ever without Exit) and leaves with Exit.
type Program struct {
	Print      []string      // lines for stdout, printed at once
	PrintErr   []string      // lines for stderr, printed after those
	Every      time.Duration // then a line "tick 1", "tick 2", … at each interval
	Do         []string      // needs Processes: see the command in folder program
	Eat        int64         // bytes of memory that are taken and touched
	Serve      uint16        // HTTP on this port, all addresses, answering Body with 200
	Body       string        //
	Run        time.Duration // before it exits; with Exit nil it exits with 0 after it
	Exit       *int          // nil and no Run: never
	IgnoreTerm bool
	Message    string // simulated runtimes: what it leaves as its termination message
	ExecExit   int    // simulated runtimes: the exit code of what is executed in it

	// NoImage: the image does not exist anywhere. NoCommand: the image does,
	// the command in it does not.
	NoImage, NoCommand bool
}

// Exits is a program that ends with code as soon as it has started.
func Exits(code int) Program { return Program{Exit: &code} }

// RunsFor is a program that ends with code after a while.
func RunsFor(d time.Duration, code int) Program { return Program{Run: d, Exit: &code} }

// Argv is the command line with which the command of folder program behaves
// as p.
func (p Program) Argv() []string {
	if p.NoCommand {
		return []string{"/no-such-command"}
	}
	argv := []string{Path}
	for _, l := range p.Print {
		argv = append(argv, "-print="+l)
	}
	for _, l := range p.PrintErr {
		argv = append(argv, "-print-err="+l)
	}
	for _, d := range p.Do {
		argv = append(argv, "-do="+d)
	}
	if p.Every > 0 {
		argv = append(argv, "-every="+p.Every.String())
	}
	if p.Eat > 0 {
		argv = append(argv, fmt.Sprintf("-eat=%d", p.Eat))
	}
	if p.Serve > 0 {
		argv = append(argv, fmt.Sprintf("-serve=%d", p.Serve), "-body="+p.Body)
	}
	if p.IgnoreTerm {
		argv = append(argv, "-ignore-term")
	}
	return append(argv, p.ending()...)
}

// ending holds the flags that say when the process leaves, and how.
func (p Program) ending() []string {
	var argv []string
	if p.Run > 0 {
		argv = append(argv, "-run="+p.Run.String())
	}
	switch {
	case p.Exit != nil:
		argv = append(argv, "-exit="+strconv.Itoa(*p.Exit))
	case p.Run > 0:
		argv = append(argv, "-exit=0")
	}
	return argv
}
