// Neargate-demo runs one Fargate task from beginning to end against a server
// that it starts for the purpose, and shows what happens as it happens. All
// of it goes through the AWS wire with the stock SDK. `make demo` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	var d demo
	flag.StringVar(&d.neargate, "neargate", "bin/neargate", "the server's binary")
	flag.StringVar(&d.web, "web", "bin/demo-web", "the workload: a static Linux binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
