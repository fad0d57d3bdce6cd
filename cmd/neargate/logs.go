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
		Use:   "logs TASK|POD|CLUSTER",
		Short: "Show what the containers of a task or a pod have written",
		Long: `Logs shows the output of the containers of a task or of a pod, wherever their log
configuration sends it. TASK is an id, the beginning of one, or an ARN; a pod of
EKS is CLUSTER/NAMESPACE/POD. Where there are several containers, each line says
whose it is.

Of an EKS cluster, by name or ARN, it shows the log of the control plane; a
container is then a component, such as kube-apiserver.`,
		Example: `  neargate logs 6f1c2d3e
  neargate logs -f -c web arn:aws:ecs:us-east-1:000000000000:task/default/6f1c…
  neargate logs -f demo/default/web-5d7f4
  neargate logs demo -c fargate-scheduler`,
		Args: one("a task, a pod or an EKS cluster"),
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
