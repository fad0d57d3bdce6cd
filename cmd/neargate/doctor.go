package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/neargate/neargate/emulator"
)

// finding is what one check of the doctor found.
type finding struct {
	what   string
	bad    bool
	detail string
	advice string // what to do about it
}

// patient is what is examined.
type patient struct {
	listen, dataDir, dockerHost, kube string
}

// checkup is one check. It may find several things.
type checkup struct {
	name string
	run  func(context.Context, patient) []finding
}

var checkups = []checkup{
	{"docker", checkDocker},
	{"network", checkNetworks},
	{"leftovers", checkLeftovers},
	{"sandbox", checkBinary},
	{"kube", checkKube},
	{"clients", checkClients},
	{"port", checkPort},
	{"data", checkData},
	{"disk", checkDisk},
}

var errFindings = errors.New("something stands in the way: see above")

func newDoctor() *cobra.Command {
	var p patient
	var only []string
	var quiet bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether this machine has what Neargate needs",
		Long: `Doctor checks that a Docker Engine answers and is new enough, that the addresses
of the default VPC are free, that the port and the data directory can be had,
and that there is room on the disk; and it tells whether neargate-kube is there,
which EKS clusters need, and the clients aws and kubectl. It changes nothing. The
exit code is 1 when something stands in the way.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w := cmd.OutOrStdout()
			if quiet {
				w = io.Discard
			}
			return examine(cmd.Context(), w, p, only)
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.listen, "listen", "127.0.0.1:4566", "address and port that serve would listen on")
	f.StringVar(&p.dataDir, "data-dir", emulator.DefaultDataDir(), "where serve would keep its state")
	f.StringVar(&p.dockerHost, "docker-host", "", "Docker Engine that serve would use")
	f.StringVar(&p.kube, "kube", "", "the program neargate-kube that serve would use")
	f.StringSliceVar(&only, "only", nil, "only these checks: "+checkNames())
	f.BoolVarP(&quiet, "quiet", "q", false, "say nothing; the exit code tells")
	return cmd
}

// checkNames lists the checks for people.
func checkNames() string {
	var all []string
	for _, c := range checkups {
		all = append(all, c.name)
	}
	return strings.Join(all, ", ")
}

func examine(ctx context.Context, w io.Writer, p patient, only []string) error {
	for _, name := range only {
		if !slices.ContainsFunc(checkups, func(c checkup) bool { return c.name == name }) {
			return fmt.Errorf("there is no check %q, only %s", name, checkNames())
		}
	}
	bad := false
	for _, c := range checkups {
		if len(only) > 0 && !slices.Contains(only, c.name) {
			continue
		}
		for _, f := range c.run(ctx, p) {
			bad = bad || f.bad
			printFinding(w, f)
		}
	}
	if bad {
		return errFindings
	}
	return nil
}

func printFinding(w io.Writer, f finding) {
	mark := "ok "
	if f.bad {
		mark = "BAD"
	}
	fmt.Fprintf(w, "%s  %-12s %s\n", mark, f.what, f.detail)
	if f.advice != "" {
		fmt.Fprintf(w, "     %-12s → %s\n", "", strings.ReplaceAll(f.advice, "\n", "\n"+strings.Repeat(" ", 20)))
	}
}
