package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/neargate/neargate/emulator"
)

func newWhy() *cobra.Command {
	return &cobra.Command{
		Use:   "why TASK|CLUSTER|POD|…",
		Short: "Tell what became of something, and who caused it",
		Long: `Why reads the change feed: every commit that touched a task, a task definition
or a cluster, with its time and its cause, what is being waited for at the
moment, and every field that was accepted but has no effect in Neargate.

Of EKS it knows clusters, what belongs to one (CLUSTER/NAME or an ARN), and pods
(CLUSTER/NAMESPACE/POD), for which it asks the cluster's control plane, too.`,
		Example: `  neargate why 6f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e
  neargate why arn:aws:ecs:us-east-1:000000000000:task/default/6f1c…
  neargate why web:3
  neargate why default
  neargate why demo/default/web-5d7f4
  neargate why demo/my-fargate-profile`,
		Args: one("a task, a task definition, a cluster or a pod"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var a emulator.Why
			q := url.Values{"of": {args[0]}}
			if err := askJSON(cmd.Context(), cmd, http.MethodGet, "/_neargate/why?"+q.Encode(), &a); err != nil {
				return err
			}
			printWhy(cmd.OutOrStdout(), &a)
			return nil
		},
	}
}

func printWhy(w io.Writer, a *emulator.Why) {
	fmt.Fprintln(w, a.Key)
	for _, line := range a.Summary {
		fmt.Fprintf(w, "  %s\n", line)
	}
	if len(a.Ineffective) > 0 {
		fmt.Fprintln(w, "\nAccepted without effect")
		for _, line := range a.Ineffective {
			fmt.Fprintf(w, "  %s\n", line)
		}
	}
	if len(a.History) == 0 {
		return
	}
	fmt.Fprintln(w, "\nHistory")
	var before time.Time
	for _, e := range a.History {
		step := ""
		if !before.IsZero() {
			step = "+" + e.At.Sub(before).Round(time.Millisecond).String()
		}
		before = e.At
		fmt.Fprintf(w, "  %s %9s  %s   by %s\n", e.At.Local().Format("15:04:05.000"), step, strings.Join(e.What, ", "), e.By)
	}
}
