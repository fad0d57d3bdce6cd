// Command neargate-kube is the Kubernetes control plane of one EKS cluster:
// an upstream kube-apiserver and kube-controller-manager on SQLite through
// kine, with Fargate's admission, scheduler, nodes and pod worker beside them.
//
// The emulator starts it, one process for each cluster, with a link.Config on
// standard input; it lives for as long as that stays open. It runs no
// container itself: it asks the emulator for sandboxes, over the link. With
// --version it only tells which Kubernetes it is.
//
// It is a Go module of its own because Kubernetes costs minutes of build and a
// hundred megabytes, has process-wide feature gates, and ends the process on
// some errors.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "neargate-kube:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		return printVersion(os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	in := json.NewDecoder(os.Stdin)
	var c link.Config
	if err := in.Decode(&c); err != nil {
		return fmt.Errorf("reading the configuration from standard input (neargate starts this program; it is of no use alone): %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		// Whatever else comes, the end is what counts: the emulator is gone.
		_, _ = io.Copy(io.Discard, io.MultiReader(in.Buffered(), os.Stdin))
		cancel()
	}()
	err := controlplane.Run(ctx, c, os.Stderr)
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}
