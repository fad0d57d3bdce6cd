package main

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

func newReset() *cobra.Command {
	return &cobra.Command{
		Use:   "reset",
		Short: "Remove everything: clusters, tasks, networks, containers",
		Long: `Reset empties the running server. Containers, networks and volumes that it made
are removed; nothing of other programs is touched.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			done := progress(cmd.ErrOrStderr(), "removing everything")
			defer done()
			var a struct{ Took string }
			if err := askJSON(cmd.Context(), cmd, http.MethodPost, "/_neargate/reset", &a); err != nil {
				return err
			}
			done()
			fmt.Fprintf(cmd.OutOrStdout(), "everything is gone (%s)\n", a.Took)
			return nil
		},
	}
}
