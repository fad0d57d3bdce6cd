// Neargate is Amazon ECS and Amazon EKS on Fargate on this machine: `neargate
// serve` answers AWS's APIs on one port and runs tasks and pods as containers on
// Docker. The other
// commands ask a running server what it did and why, or look at what it needs.
//
// Each flag is also a variable: --data-dir is NEARGATE_DATA_DIR.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it. It returns the exit code.
func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	cmd := newRoot()
	cmd.SetArgs(args)
	cmd.SetOut(out)
	cmd.SetErr(errOut)
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintln(errOut, "neargate:", err)
		return 1
	}
	return 0
}
