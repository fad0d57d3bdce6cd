// Command generate makes the tables of apiwire from the service models that
// botocore ships: how EC2 spells its names, and what each service demands of
// its inputs. It is run by hand when the pinned SDK modules move:
//
//	go run ./apiwire/generate ec2names    -botocore DIR > apiwire/ec2names.txt
//	go run ./apiwire/generate constraints -botocore DIR -service logs \
//		-sdk $(go list -m -f {{.Dir}} github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs) > apiwire/constraints/logs.txt
//
// DIR is the folder of the Python package botocore; ecs and ec2 are made with
// -required. The tables carry no
// sentences of the models, only names and numbers.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("say ec2names or constraints")
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("botocore", "", "`folder` of the Python package botocore")
	service := flags.String("service", "", "`name` of the service in botocore, such as logs")
	required := flags.Bool("required", false, "only say which members are required")
	sdk := flags.String("sdk", "", "`folder` of the SDK module of the service, which decides what is required")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	out := bufio.NewWriter(stdout)
	switch args[0] {
	case "ec2names":
		m, err := loadModel(*dir, "ec2")
		if err != nil {
			return err
		}
		writeNames(out, m)
	case "constraints":
		m, err := loadModel(*dir, *service)
		if err != nil {
			return err
		}
		if err := writeConstraints(out, m, *required, *sdk); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown table %q: say ec2names or constraints", args[0])
	}
	return out.Flush()
}
