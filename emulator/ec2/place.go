package ec2

import (
	"context"
	"strings"

	"github.com/neargate/neargate/apiwire"
)

// place is the account and region that a resource belongs to.
type place struct{ partition, account, region string }

func placeOf(ctx context.Context) place {
	return parsePlace(apiwire.CallFrom(ctx).Scope())
}

// parsePlace reads a scope, "account/region".
func parsePlace(scope string) place {
	account, region, _ := strings.Cut(scope, "/")
	return place{partition: apiwire.PartitionOf(region), account: account, region: region}
}

func (p place) scope() string { return p.account + "/" + p.region }

// arn is the ARN of a resource here, and its key in the store. With an empty
// id it is what the ARNs of all resources of that kind begin with.
func (p place) arn(kind, id string) string {
	return apiwire.ARN{Partition: p.partition, Service: "ec2", Region: p.region, Account: p.account, Resource: kind + "/" + id}.String()
}
