package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/neargate/neargate/cmd/neargate-demo/server"
	"github.com/neargate/neargate/cmd/neargate-kube/trial"
)

const (
	image   = "neargate-demo-web:latest"
	cluster = "demo"
	profile = "everything-in-default"
	space   = "default"
)

type demo struct {
	neargate, web string

	aws    trial.AWS
	config *rest.Config
	kube   kubernetes.Interface
	pods   *follower
	took   []figure
}

// figure is how long a part of the demonstration took.
type figure struct {
	what string
	time.Duration
}

func (d *demo) run(ctx context.Context) (err error) {
	if err := d.makeImage(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, trial.RemoveImage(context.WithoutCancel(ctx), image)) }()
	s, err := server.Start(ctx, d.neargate)
	if err != nil {
		return err
	}
	defer func() {
		say("Cleaning up: the server ends its control plane and removes every container and network that it made")
		err = errors.Join(err, s.Stop())
		if err == nil {
			d.tellTimes()
		}
	}()
	say("Neargate answers at %s", s.Endpoint)
	d.aws = trial.AWS{Endpoint: s.Endpoint}
	for _, step := range []func(context.Context) error{
		d.makeCluster, d.makeProfile, d.connect, d.apply, d.visit, d.look, d.scale, d.replace, d.removeWorkload, d.removeCluster,
	} {
		if err := step(ctx); err != nil {
			return d.explain(ctx, err)
		}
	}
	return nil
}

// explain shows what the server knows of the cluster when something failed.
func (d *demo) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", err)
	}
	text, whyErr := exec.CommandContext(ctx, d.neargate, "why", cluster, "--endpoint", d.aws.Endpoint).CombinedOutput()
	say("neargate why %s", cluster)
	show(string(text))
	return errors.Join(err, whyErr)
}

func (d *demo) makeImage(ctx context.Context) error {
	say("Making the image %s of one static binary: no registry is asked", image)
	return trial.ImportProgram(ctx, image, d.web)
}

// timed notes how long something took.
func (d *demo) timed(what string, began time.Time) {
	d.took = append(d.took, figure{what, time.Since(began)})
}

func (d *demo) tellTimes() {
	say("How long it took")
	for _, f := range d.took {
		fmt.Printf("  %7.2f s  %s\n", f.Seconds(), f.what)
	}
}

func say(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }

// show prints a text as a block.
func show(text string) {
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fmt.Println("  " + strings.TrimRight(line, " \n"))
	}
}
