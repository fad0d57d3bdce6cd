// Neargate-demo-eks makes an EKS cluster on a server that it starts for the
// purpose, runs pods on it with Kubernetes' own client, shows what happens as
// it happens, and takes everything down again. `make demo-eks` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/klog/v2"
)

func main() {
	var d demo
	flag.StringVar(&d.neargate, "neargate", "bin/neargate", "the server's binary; neargate-kube is looked for beside it")
	flag.StringVar(&d.web, "web", "bin/demo-web", "the workload: a static Linux binary")
	flag.Parse()
	klog.LogToStderr(false) // what the client libraries have to say is no part of the show
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	if err := d.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}
