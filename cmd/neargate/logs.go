package main

import (
	"io"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"
)

func newLogs() *cobra.Command {
	var follow bool
	var container string
	cmd := &cobra.Command{
		Use:   "logs TASK",
		Short: "Show what the containers of a task have written",
		Long: `Logs shows the output of a task's containers, wherever their log configuration
sends it. TASK is an id, the beginning of one, or an ARN. Where there are
several containers, each line says whose it is.`,
		Example: `  neargate logs 6f1c2d3e
  neargate logs -f -c web arn:aws:ecs:us-east-1:000000000000:task/default/6f1c…`,
		Args: one("a task"),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"of": {args[0]}, "container": {container}}
			if follow {
				q.Set("follow", "1")
			}
			body, err := ask(cmd.Context(), cmd, http.MethodGet, "/_neargate/logs?"+q.Encode())
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.Copy(cmd.OutOrStdout(), body)
			if cmd.Context().Err() != nil {
				return nil // interrupted by the reader
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the containers have ended")
	cmd.Flags().StringVarP(&container, "container", "c", "", "only this container")
	return cmd
}
