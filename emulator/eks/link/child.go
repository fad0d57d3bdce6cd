package link

import (
	"context"
	"io"
	"iter"
)

// Child is what a control plane does for the emulator.
type Child interface {
	// Configure replaces the settings. It returns when they are taken; that
	// they are in force is told by Status.Settings.
	Configure(ctx context.Context, s Settings) error
	// Watch yields the status now and whenever it changes.
	Watch(ctx context.Context) iter.Seq2[Status, error]
	// Why tells what is to be known of a pod, "namespace/name", or with "" of
	// the cluster, in sentences.
	Why(ctx context.Context, pod string) ([]string, error)
	// Keys is the JWKS of the service accounts' tokens, a JSON document.
	Keys(ctx context.Context) ([]byte, error)
	// Log writes what the control plane has logged lately.
	Log(ctx context.Context, w io.Writer) error
}
