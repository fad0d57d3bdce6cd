package controlplane

import (
	"bytes"
	"os"
	"strconv"
)

// This file answers what people ask of control planes as programs.

// FindProgram returns the path of neargate-kube: named when that is not "", else
// the one beside this program, else the one in PATH. The error tells what to
// do.
func FindProgram(named string) (string, error) { return findProgram(named) }

// Memory is how much memory a control plane's process occupies, in bytes; 0
// when it does not run, or where that cannot be read (it can on Linux).
func (p *Planes) Memory(arn string) int64 {
	one, err := p.plane(arn)
	if err != nil || one.client() == nil {
		return 0
	}
	var known pidFile
	if readJSON(one.place.pid(), &known) != nil {
		return 0
	}
	statm, err := os.ReadFile(procFile(known.PID, "statm"))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64) // resident
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
