package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newEnv() *cobra.Command {
	var region string
	cmd := &cobra.Command{
		Use:   "env",
		Short: "Print the variables that point the AWS CLI and SDKs at the server",
		Long: `Env prints two export lines for a POSIX shell. An access key id of 12 digits
chooses the account; any other one means the server's own. kubectl needs them,
too, for what ` + "`aws eks update-kubeconfig`" + ` writes: it gets its tokens by the AWS CLI.`,
		Example: `  eval "$(neargate env)"
  eval "$(AWS_ACCESS_KEY_ID=111122223333 neargate env)"`,
		Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			printExports(cmd.OutOrStdout(), endpointFlag(cmd), region)
		},
	}
	cmd.Flags().StringVar(&region, "region", "us-east-1", "region to work in")
	return cmd
}

func printExports(w io.Writer, endpoint, region string) {
	fmt.Fprintf(w, "export AWS_ENDPOINT_URL=%s\n", endpoint)
	fmt.Fprintf(w, "export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=test AWS_REGION=%s AWS_DEFAULT_REGION=%s\n",
		accessKey(), region, region)
}

func endpointFlag(cmd *cobra.Command) string { return cmd.Flag("endpoint").Value.String() }
