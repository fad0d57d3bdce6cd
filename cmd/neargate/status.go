package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/neargate/neargate/emulator"
)

func newStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the running server, its clusters, tasks and pods",
		Long: `Status shows which server answers, where it keeps its state and what runs its
containers, and then each cluster with its tasks: id, status, definition,
private and public address, and for one that does not run what it waits for. Of
EKS clusters it shows version, status, endpoint, what is the matter, how many pods
there are by status, and the memory that the control plane occupies.`,
		Example: `  neargate status
  neargate status --endpoint http://127.0.0.1:4567`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var h emulator.Health
			if err := askJSON(cmd.Context(), cmd, http.MethodGet, "/_neargate/health", &h); err != nil {
				return err
			}
			var s emulator.Status
			if err := askJSON(cmd.Context(), cmd, http.MethodGet, "/_neargate/status", &s); err != nil {
				return err
			}
			printHealth(cmd, &h)
			printStatus(cmd, &s)
			for _, c := range s.EKSClusters {
				printEKSCluster(cmd.OutOrStdout(), &c)
			}
			return nil
		},
	}
}

func printHealth(cmd *cobra.Command, h *emulator.Health) {
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "neargate %s at %s, up %s (process %d)\n", h.Version, endpointFlag(cmd), time.Since(h.StartedAt).Round(time.Second), h.PID)
	fmt.Fprintf(w, "  data      %s\n", h.DataDir)
	fmt.Fprintf(w, "  services  %s\n", strings.Join(slices.Sorted(maps.Keys(h.Services)), " "))
	fmt.Fprintf(w, "  runtime   %s\n", cmp.Or(h.Engine, h.Runtime))
	if h.Problem != "" {
		fmt.Fprintf(w, "  problem   %s\n", h.Problem)
	}
}

func printStatus(cmd *cobra.Command, s *emulator.Status) {
	w := cmd.OutOrStdout()
	for _, c := range s.Clusters {
		fmt.Fprintf(w, "\ncluster %s (%s, %s)\n", c.Name, c.Account, c.Region)
		if len(c.Tasks) == 0 {
			fmt.Fprintln(w, "  no tasks")
		}
		for _, t := range c.Tasks {
			fmt.Fprintf(w, "  %s  %-14s %-20s %-15s %s\n", t.ID, t.Status, t.Definition, t.Address, t.Public)
			if t.Status != "RUNNING" {
				for _, why := range t.Why {
					fmt.Fprintf(w, "  %34s%s\n", "", why)
				}
			}
		}
		if c.Stopped > 0 {
			fmt.Fprintf(w, "  and %d stopped\n", c.Stopped)
		}
	}
}

func printEKSCluster(w io.Writer, c *emulator.EKSCluster) {
	fmt.Fprintf(w, "\nEKS cluster %s (%s, %s)\n", c.Name, c.Account, c.Region)
	fmt.Fprintf(w, "  %s, Kubernetes %s", c.Status, c.Version)
	if c.Endpoint != "" {
		fmt.Fprintf(w, ", %s", c.Endpoint)
	}
	if c.Memory > 0 {
		fmt.Fprintf(w, ", %d MiB", c.Memory>>20)
	}
	fmt.Fprintln(w)
	for _, text := range c.Issues {
		fmt.Fprintf(w, "  problem   %s\n", text)
	}
	if len(c.Pods) == 0 {
		fmt.Fprintln(w, "  no pods")
		return
	}
	fmt.Fprintf(w, "  pods      %s\n", emulator.CountsText(c.Pods))
}
