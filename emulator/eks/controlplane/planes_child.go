package controlplane

import (
	"context"
	"fmt"
	"io"
	"net"

	"github.com/neargate/neargate/emulator/eks/link"
)

// This file is what others want of a control plane that runs; planes.go is
// about that it does.

// Keys is the JWKS of a cluster's service account tokens; link.ErrAway while
// its control plane is not up.
func (p *Planes) Keys(ctx context.Context, arn string) ([]byte, error) {
	c, err := p.child(arn)
	if err != nil {
		return nil, err
	}
	return c.Keys(ctx)
}

// Why tells what is to be known of a pod, "namespace/name", or with "" of the
// cluster, in sentences.
func (p *Planes) Why(ctx context.Context, arn, pod string) ([]string, error) {
	one, err := p.plane(arn)
	if err != nil {
		return nil, err
	}
	switch s := one.now(); {
	case s.Error == "":
	case s.Phase == link.Ready:
		return []string{"The control plane does not answer. " + s.Error}, nil
	default:
		return []string{"The control plane does not run. " + s.Error}, nil
	}
	c, err := p.child(arn)
	if err != nil {
		return nil, err
	}
	return c.Why(ctx, pod)
}

// Log writes what a control plane has logged lately, in this life and those
// before it.
func (p *Planes) Log(_ context.Context, arn string, w io.Writer) error {
	one, err := p.plane(arn)
	if err != nil {
		return err
	}
	return one.place.copyLog(w)
}

func (p *Planes) child(arn string) (*link.ChildClient, error) {
	one, err := p.plane(arn)
	if err != nil {
		return nil, err
	}
	if c := one.client(); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("the control plane of %s does not run: %w", arn, link.ErrAway)
}

// DialAPI connects to a cluster's Kubernetes API, for its pods. link.ErrAway
// while there is none.
func (p *Planes) DialAPI(ctx context.Context, arn string) (net.Conn, error) {
	one, err := p.plane(arn)
	if err != nil {
		return nil, err
	}
	s := one.now()
	if s.Address == "" || one.client() == nil {
		return nil, fmt.Errorf("the Kubernetes API of %s is not up: %w", arn, link.ErrAway)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", link.ErrAway, err)
	}
	return c, nil
}
