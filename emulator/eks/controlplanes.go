package eks

import (
	"context"
	"iter"

	"github.com/neargate/neargate/emulator/eks/link"
)

// ControlPlanes run the Kubernetes of clusters, each named by the cluster's
// ARN. Nothing here blocks on a control plane's work: that one is ready, or
// has taken its settings, is told by Status, and Hints says when to look.
//
// It is declared by whoever needs it: package controlplane implements it with
// the types of package link alone.
type ControlPlanes interface {
	// Ensure makes it wanted that the control plane runs: it starts one that
	// does not, and starts one anew that runs with another c.Version. All else
	// in c is as it was the first time. It is called again and again, and costs
	// nothing when there is nothing to do. Of c the caller fills in Name, ARN,
	// Account, Region, ID, Version, ServiceCIDR, Issuer and Settings; Dir, the
	// sockets, Listen, Hosts and EmulatorURL are the implementation's. An error
	// is one that may pass; what never can be is Status.Phase FAILED.
	Ensure(ctx context.Context, c link.Config) error
	// Configure replaces the settings of a control plane that was ensured. It
	// may be called with what was told before, and before the control plane is
	// ready, which then gets them when it is.
	Configure(ctx context.Context, arn string, s link.Settings) error
	// Status is how far a control plane is, from memory; false when it was not
	// ensured in this life of the emulator. While the supervisor starts it
	// anew Phase is STARTING and Error tells what it died of.
	Status(arn string) (link.Status, bool)
	// Remove stops a control plane and deletes what it kept; it returns when
	// that is done. One that is not there is no error.
	Remove(ctx context.Context, arn string) error
	// Hints yields the ARN of a control plane whenever its status has changed,
	// "" for all of them, until ctx ends: as reconcile.Options.Hints wants it.
	Hints(ctx context.Context) iter.Seq[string]
	// Keys is the JWKS of a cluster's service account tokens.
	Keys(ctx context.Context, arn string) ([]byte, error)
}
