package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/emulator"
)

func newServe() *cobra.Command {
	c := emulator.Defaults()
	c.Version = version()
	var listen, level string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Start the server",
		Long: `Serve answers AWS's APIs until it is interrupted. Tasks that run then go on
running and are taken over by the next start with the same data directory; with
--data-dir=memory everything ends with the server.

It listens on loopback unless told otherwise: whoever reaches the port can run
containers on this machine. Requests of web pages from elsewhere, and those made
to a name that was not allowed, are refused.`,
		Example: `  neargate serve
  neargate serve --listen 127.0.0.1:0 --data-dir memory --runtime fake
  neargate serve --listen 0.0.0.0:4566 --allow-host neargate`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := zerolog.ParseLevel(level)
			if err != nil {
				return fmt.Errorf("log level %q is not one of trace, debug, info, warn, error", level)
			}
			c.Log = logger(cmd.ErrOrStderr(), l)
			return serve(cmd.Context(), c, listen, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:4566", "address and port; port 0 takes a free one")
	f.StringVar(&c.Account, "account-id", c.Account, "account of callers whose access key id is not an account id")
	f.StringVar(&c.Region, "region", c.Region, "region of requests that name none")
	f.StringVar(&c.DataDir, "data-dir", c.DataDir, "where state is kept; \"memory\" keeps none")
	f.StringVar(&c.Runtime, "runtime", c.Runtime, "docker, or fake: containers scripted by FAKE_* variables of their environment")
	f.StringVar(&c.Timing, "timing", c.Timing, "real; aws: delays as on AWS; instant: calls answer when their effect has settled")
	f.StringVar(&c.Auth, "auth", c.Auth, "any: all credentials are good; verify: signatures are checked")
	f.StringVar(&c.EKS, "eks", c.EKS, "kubernetes: a real control plane for each cluster; records: the EKS API alone")
	f.StringVar(&c.Kube, "kube", "", "the program neargate-kube; beside this one or in PATH when empty")
	f.StringSliceVar(&c.Hosts, "allow-host", nil, "a host name, beside localhost, that requests may be made to")
	f.IntVar(&c.Warm, "warm", c.Warm, "at most so many sandboxes are kept ready in each subnet: as many as were started at once before")
	f.StringVar(&c.Docker, "docker-host", "", "Docker Engine to use; the environment's DOCKER_HOST or the default socket when empty")
	f.StringVar(&level, "log-level", "info", "trace, debug, info, warn or error")
	return cmd
}

// logger writes for people on a terminal and for machines elsewhere.
func logger(w io.Writer, level zerolog.Level) zerolog.Logger {
	if f, ok := w.(*os.File); ok && isTerminal(f) {
		w = zerolog.ConsoleWriter{Out: f, TimeFormat: time.TimeOnly}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// serve listens before it builds anything, so that a port that is taken is
// told at once, and stops in the opposite order.
func serve(ctx context.Context, c emulator.Config, listen string, out io.Writer) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return portError(listen, err)
	}
	defer l.Close()
	collectLess()
	e, err := emulator.New(ctx, c)
	if err != nil {
		return err
	}
	printExports(out, endpointOf(l.Addr()), c.Region)
	err = errors.Join(runServer(ctx, l, e), finish(e, c))
	return errors.Join(err, e.Close())
}

// finish removes what a server without memory would leave behind.
func finish(e *emulator.Emulator, c emulator.Config) error {
	if c.DataDir != emulator.Memory {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return e.Reset(ctx)
}

func runServer(ctx context.Context, l net.Listener, e *emulator.Emulator) error {
	q := &quiet{next: e.Handler()}
	var fresh arrivals
	server := &http.Server{Handler: q, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute, ConnState: fresh.see}
	g, ctx := errgroup.WithContext(ctx)
	server.BaseContext = func(net.Listener) context.Context { return ctx }
	g.Go(func() error { return e.Run(ctx) })
	g.Go(func() error { q.run(ctx); return nil })
	g.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		return endServer(server, &fresh, farewell)
	})
	return g.Wait()
}

// portError says what to do when the port is taken.
func portError(listen string, err error) error {
	if strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("%s is taken: is a server running already? `neargate status` asks it; --listen chooses another port", listen)
	}
	return fmt.Errorf("listen: %w", err)
}

// endpointOf is the URL at which a client on this machine reaches the
// listener.
func endpointOf(a net.Addr) string {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return "http://" + a.String()
	}
	if t.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", t.Port)
	}
	return "http://" + t.String()
}
