package eks

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file shows pod identity associations.

// DescribePodIdentityAssociation shows an association.
func (a *API) DescribePodIdentityAssociation(ctx context.Context, in *eks.DescribePodIdentityAssociationInput) (*eks.DescribePodIdentityAssociationOutput, error) {
	out := &eks.DescribePodIdentityAssociationOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		_, r, err := podIdentity(tx, call, in.ClusterName, in.AssociationId)
		out.Association = &r.Value.PodIdentityAssociation
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListPodIdentityAssociations lists a cluster's associations, or those of a
// namespace or of a service account's name.
func (a *API) ListPodIdentityAssociations(ctx context.Context, in *eks.ListPodIdentityAssociationsInput) (*eks.ListPodIdentityAssociationsOutput, error) {
	out := &eks.ListPodIdentityAssociationsOutput{}
	err := a.view(ctx, func(tx *store.Tx, call apiwire.Call) error {
		c, err := cluster(tx, call, aws.ToString(in.ClusterName))
		if err != nil {
			return err
		}
		list := []types.PodIdentityAssociationSummary{}
		for p, err := range parts(tx, podIdentities, c.arn()) {
			if err != nil {
				return err
			}
			if matches(in.Namespace, p.Namespace) && matches(in.ServiceAccount, p.ServiceAccount) {
				list = append(list, types.PodIdentityAssociationSummary{
					AssociationArn: p.AssociationArn, AssociationId: p.AssociationId, ClusterName: p.ClusterName,
					Namespace: p.Namespace, ServiceAccount: p.ServiceAccount, OwnerArn: p.OwnerArn,
				})
			}
		}
		out.Associations, out.NextToken, err = page(list, func(p types.PodIdentityAssociationSummary) string { return *p.AssociationId }, query{
			of:  "pod-identity-associations " + c.arn() + " " + aws.ToString(in.Namespace) + "/" + aws.ToString(in.ServiceAccount),
			max: in.MaxResults, token: in.NextToken,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// matches tells whether a filter, when it is given, lets a value through.
func matches(filter, value *string) bool {
	return aws.ToString(filter) == "" || *filter == aws.ToString(value)
}
