package eks

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is where records are. A cluster's key is its ARN,
//
//	arn:aws:eks:us-east-1:111122223333:cluster/web
//
// and the key of what belongs to it that ARN, a slash and a name that is
// unique among its kind and may hold slashes itself.

// clusterARN is the ARN of the caller's cluster of that name.
func clusterARN(call apiwire.Call, name string) string { return call.ARN("eks", "cluster/"+name) }

// partKey is the key of what belongs to a cluster.
func partKey(cluster, name string) string { return cluster + "/" + name }

// clusterOf takes the ARN of the cluster out of the key of a cluster or of
// what belongs to one.
func clusterOf(key string) string {
	kind := strings.IndexByte(key, '/')
	if kind < 0 {
		return key
	}
	if end := strings.IndexByte(key[kind+1:], '/'); end >= 0 {
		return key[:kind+1+end]
	}
	return key
}

// clusterName is the name in a cluster's ARN.
func clusterName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// partARN is the ARN of what belongs to a cluster:
// arn:aws:eks:R:A:KIND/CLUSTER/REST.
func partARN(cluster, kind, rest string) string {
	head, _, _ := strings.Cut(cluster, ":cluster/")
	return head + ":" + kind + "/" + clusterName(cluster) + "/" + rest
}

// parts lists what belongs to a cluster of one kind. The values are shared
// with all readers: nobody may write into them.
func parts[T any](tx *store.Tx, t *store.Table[T], cluster string) iter.Seq2[*T, error] {
	return t.PeekBy(tx, "", "", store.Range{Prefix: cluster + "/"})
}

// deleteParts removes all of a kind that belongs to a cluster.
func deleteParts[T any](tx *store.Tx, t *store.Table[T], cluster string) error {
	for key, err := range t.Keys(tx, "", "", store.Range{Prefix: cluster + "/"}) {
		if err != nil {
			return err
		}
		if err := t.Delete(tx, key); err != nil {
			return err
		}
	}
	return nil
}

func isErr(err, target error) bool { return errors.Is(err, target) }

// view runs fn on a snapshot for the caller.
func (a *API) view(ctx context.Context, fn func(tx *store.Tx, call apiwire.Call) error) error {
	call := apiwire.CallFrom(ctx)
	return a.store.View(ctx, func(tx *store.Tx) error { return fn(tx, call) })
}

// update runs fn in a transaction for the caller.
func (a *API) update(ctx context.Context, fn func(tx *store.Tx, call apiwire.Call) error) error {
	call := apiwire.CallFrom(ctx)
	return a.store.Update(ctx, call.By(), func(tx *store.Tx) error { return fn(tx, call) })
}

// callerARN is the identity that signed the call that ctx carries.
func (a *API) callerARN(ctx context.Context) (string, error) {
	if a.callers == nil {
		call := apiwire.CallFrom(ctx)
		return apiwire.ARN{Partition: call.Partition, Service: "iam", Account: call.Account, Resource: "root"}.String(), nil
	}
	return a.callers.CallerARN(ctx)
}

// isCluster tells whether a text is the ARN of an EKS cluster; ECS's are told
// apart by their service.
func isCluster(s string) bool {
	arn, err := apiwire.ParseARN(s)
	return err == nil && arn.Service == "eks" && strings.HasPrefix(arn.Resource, "cluster/")
}
