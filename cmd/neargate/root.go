package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newRoot() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "neargate",
		Short: "Amazon ECS and Amazon EKS on Fargate, on this machine",
		Long: `Neargate answers the AWS APIs of ECS and EKS on Fargate (and what tasks and pods
need beside them: EC2 networks, IAM roles, STS, CloudWatch Logs) on one local
port, and runs the tasks and pods as real containers on Docker. The stock AWS CLI
and SDKs, kubectl and helm work against it unchanged.

  neargate serve &              start it on 127.0.0.1:4566
  eval "$(neargate env)"        point the AWS CLI and the SDKs at it
  aws ecs create-cluster        and go on as on AWS
  neargate why TASK             what became of a task, and who caused it`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return fromEnvironment(cmd.Flags()) },
	}
	cmd.PersistentFlags().String("endpoint", defaultEndpoint(), "the running server's address")
	cmd.AddCommand(newServe(), newEnv(), newStatus(), newLogs(), newWhy(), newReset(), newDoctor(), newVersion())
	return cmd
}

// one makes sure that a command is given the one thing that it is about.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		return fmt.Errorf("name %s: `%s`; `neargate status` lists them", what, cmd.UseLine())
	}
}

// fromEnvironment gives each flag that was not set on the command line the
// value of its variable, if there is one.
func fromEnvironment(flags *pflag.FlagSet) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := variable(f.Name)
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || err != nil {
			return
		}
		if bad := flags.Set(f.Name, value); bad != nil {
			err = fmt.Errorf("%s=%s: %w", name, value, bad)
		}
	})
	return err
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "NEARGATE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// defaultEndpoint is where the AWS clients of this shell go, so that the
// commands ask the same server.
func defaultEndpoint() string {
	if url := os.Getenv("AWS_ENDPOINT_URL"); url != "" {
		return url
	}
	return "http://127.0.0.1:4566"
}
