package eks

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers Neargate's own questions, across accounts and regions:
// `neargate status`, and of what there is a record.

// ClusterOverview is one cluster with the number of its pods' sandboxes.
type ClusterOverview struct {
	ARN      string              `json:"arn"`
	Name     string              `json:"name"`
	Account  string              `json:"account"`
	Region   string              `json:"region"`
	Version  string              `json:"version"`
	Status   types.ClusterStatus `json:"status"`
	Endpoint string              `json:"endpoint,omitempty"`
	Issues   []string            `json:"issues,omitempty"` // what is the matter, as DescribeCluster's health says it
	Pods     map[string]int      `json:"pods"`             // by the status of their sandboxes: RUNNING
}

// Overview lists the clusters in the order of their ARNs.
func (a *API) Overview(ctx context.Context) ([]ClusterOverview, error) {
	list := []ClusterOverview{}
	err := a.store.View(ctx, func(tx *store.Tx) error {
		for r, err := range clusters.All(tx, store.Range{}) {
			if err != nil {
				return err
			}
			c := &r.Value
			pods, err := sandbox.CountByStatus(tx, c.arn())
			if err != nil {
				return err
			}
			account, region, _ := strings.Cut(c.Scope, "/")
			one := ClusterOverview{
				ARN: c.arn(), Name: c.name(), Account: account, Region: region, Version: aws.ToString(c.Version), Status: c.Status,
				Endpoint: aws.ToString(c.Endpoint), Pods: pods,
			}
			if h := a.show(c).Health; h != nil {
				for _, i := range h.Issues {
					one.Issues = append(one.Issues, aws.ToString(i.Message))
				}
			}
			list = append(list, one)
		}
		return nil
	})
	return list, err
}

// HasPart tells whether there is a record of what belongs to a cluster, by its
// key; see Key.
func HasPart(tx *store.Tx, key string) (bool, error) {
	for _, has := range []func(*store.Tx, string) error{
		hasIn(profiles), hasIn(nodegroups), hasIn(addons), hasIn(accessEntries), hasIn(podIdentities), hasIn(identityProviders),
	} {
		if err := has(tx, key); !errors.Is(err, store.ErrNotFound) {
			return err == nil, err
		}
	}
	return false, nil
}

func hasIn[T any](t *store.Table[T]) func(*store.Tx, string) error {
	return func(tx *store.Tx, key string) error {
		_, _, err := t.Peek(tx, key)
		return err
	}
}
