package emulator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file finds out what of EKS a person means: `neargate why` and `neargate
// logs` share it.

// eksRef is a cluster, a part of one or a pod.
type eksRef struct {
	cluster string // ARN
	key     string // of the record: the cluster's ARN, with the name behind it of a part; "" of a pod
	pod     string // namespace/name; "" of others
}

// eksKinds are what the ARNs of a cluster's parts begin with behind the
// account: fargateprofile/CLUSTER/NAME/UUID.
var eksKinds = []string{"fargateprofile", "nodegroup", "addon", "podidentityassociation", "identityproviderconfig", "access-entry"}

// eksRefs are the meanings that a text can have in an account and region:
//
//	an ARN of EKS's, with /NAMESPACE/POD behind a cluster's a pod
//	CLUSTER
//	KIND/CLUSTER/NAME     as in the ARN of a part: nodegroup/web/workers
//	CLUSTER/NAME          a part, whatever it is
//	CLUSTER/NAMESPACE/POD
func eksRefs(account, region, text string) []eksRef {
	home := "arn:" + apiwire.PartitionOf(region) + ":eks:" + region + ":" + account + ":"
	if strings.HasPrefix(text, "arn:") {
		return eksARN(text)
	}
	parts := strings.Split(text, "/")
	if slices.Contains(parts, "") {
		return nil
	}
	var all []eksRef
	if slices.Contains(eksKinds, parts[0]) && len(parts) > 2 {
		all = eksARN(home + text)
	}
	cluster := home + "cluster/" + parts[0]
	switch len(parts) {
	case 1, 2:
		all = append(all, eksRef{cluster: cluster, key: home + "cluster/" + text})
	case 3:
		all = append(all, eksRef{cluster: cluster, pod: parts[1] + "/" + parts[2]})
	}
	return all
}

func eksARN(text string) []eksRef {
	if key, ok := eks.Key(text); ok {
		return []eksRef{{cluster: clusterIn(key), key: key}}
	}
	arn, err := apiwire.ParseARN(text)
	if err != nil || arn.Service != "eks" {
		return nil
	}
	if parts := strings.Split(arn.Resource, "/"); len(parts) == 4 && parts[0] == "cluster" {
		return []eksRef{{cluster: clusterIn(text), pod: parts[2] + "/" + parts[3]}}
	}
	return nil
}

// clusterIn is the ARN that the key of a cluster, of a part of one, or the
// owner of a pod begins with.
func clusterIn(key string) string {
	head, rest, _ := strings.Cut(key, ":cluster/")
	name, _, _ := strings.Cut(rest, "/")
	return head + ":cluster/" + name
}

// errTwoClusters: both ECS and EKS have a cluster of a name.
var errTwoClusters = errors.New("that is a cluster of ECS and one of EKS")

// eksOf finds what of EKS a person means, of which there is a record or, for
// want of one, a history. It is false when that is nothing.
func (e *Emulator) eksOf(ctx context.Context, text string) (ref eksRef, found bool, err error) {
	refs := eksRefs(e.config.Account, e.config.Region, text)
	for _, ref := range refs {
		found := false
		err := e.store.View(ctx, func(tx *store.Tx) (err error) {
			found, err = eksHas(tx, ref)
			return err
		})
		if err != nil || found {
			return ref, found, err
		}
	}
	for _, ref := range refs {
		if ref.pod != "" {
			past, err := e.pastPod(ctx, ref)
			if err != nil || past != nil {
				return ref, past != nil, err
			}
			continue
		}
		last, err := e.store.History(ctx, store.HistoryQuery{Key: ref.key, Limit: 1, Reverse: true})
		if err != nil || len(last) > 0 && strings.HasPrefix(last[0].Kind, "eks/") {
			return ref, err == nil, err
		}
	}
	return eksRef{}, false, nil
}

// eksHas tells whether there is a record. A pod's cluster is asked for the
// pod, so that is what there has to be.
func eksHas(tx *store.Tx, ref eksRef) (bool, error) {
	if ref.key == ref.cluster || ref.pod != "" {
		_, err := eks.Find(tx, ref.cluster)
		if errors.Is(err, store.ErrNotFound) {
			return false, nil
		}
		return err == nil, err
	}
	return eks.HasPart(tx, ref.key)
}

// owner is whose a pod's sandboxes are.
func (r eksRef) owner() string { return r.cluster + "/" + r.pod }

// sandboxOfPod is the newest sandbox of a pod; store.ErrNotFound when it has
// none.
func sandboxOfPod(tx *store.Tx, ref eksRef) (newest *sandbox.Sandbox, err error) {
	for _, stopped := range []bool{false, true} {
		for id, err := range sandbox.Desiring(tx, ref.cluster, stopped, "") {
			if err != nil {
				return nil, err
			}
			s, err := sandbox.Get(tx, id)
			if err != nil {
				return nil, err
			}
			if s.Spec.Owner == ref.owner() && (newest == nil || s.CreatedAt.After(newest.CreatedAt)) {
				newest = s
			}
		}
	}
	if newest == nil {
		return nil, fmt.Errorf("pod %s: %w", ref.pod, store.ErrNotFound)
	}
	return newest, nil
}

// pastChanges is how far back a pod whose records are gone is looked for: its
// name is in the bodies alone.
const pastChanges = 20000

// pastPod is the last change of the newest sandbox that a pod has had; nil when
// the history has none.
func (e *Emulator) pastPod(ctx context.Context, ref eksRef) (*store.Change, error) {
	owner, until := []byte(ref.owner()), int64(0)
	for range pastChanges / 1000 {
		page, err := e.store.History(ctx, store.HistoryQuery{Kind: sandbox.Sandboxes.Kind(), Until: until, Limit: 1000, Reverse: true})
		if err != nil {
			return nil, err
		}
		for i := range page {
			if !bytes.Contains(page[i].Before, owner) && !bytes.Contains(page[i].After, owner) {
				continue // a body is decoded only where that may be worth it
			}
			s, err := sandboxOf(page[i])
			if err != nil {
				return nil, err
			}
			if s.Spec.Owner == ref.owner() {
				return &page[i], nil
			}
		}
		if len(page) < 1000 || page[len(page)-1].Revision <= 1 {
			return nil, nil
		}
		until = page[len(page)-1].Revision - 1
	}
	return nil, nil
}
