package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file is what Amazon EKS Auth and the EKS Pod Identity Agent need to
// know of clusters, each named by its ARN.

// agentAddon is the add-on without which no pod of a cluster gets its role.
const agentAddon = "eks-pod-identity-agent"

// AssociationOf is the pod identity association of a service account;
// store.ErrNotFound when it has none.
func AssociationOf(tx *store.Tx, cluster, namespace, account string) (types.PodIdentityAssociation, error) {
	for p, err := range parts(tx, podIdentities, cluster) {
		if err != nil {
			return types.PodIdentityAssociation{}, err
		}
		if *p.Namespace == namespace && *p.ServiceAccount == account {
			return p.PodIdentityAssociation, nil
		}
	}
	return types.PodIdentityAssociation{}, store.ErrNotFound
}

// HasAgent tells whether the cluster's nodes have the EKS Pod Identity Agent:
// its add-on, or the software of one that was deleted with that preserved.
func HasAgent(tx *store.Tx, cluster string) (bool, error) {
	list, err := addonsOf(tx, cluster)
	for _, l := range list {
		if l.Name == agentAddon {
			return true, err
		}
	}
	return false, err
}

// IssuerOf is the issuer of a cluster's tokens and the cluster's name;
// store.ErrNotFound when there is no such cluster.
func IssuerOf(tx *store.Tx, cluster string) (issuer, name string, err error) {
	r, err := clusters.Get(tx, cluster)
	if err != nil {
		return "", "", err
	}
	return r.Value.issuer(), aws.ToString(r.Value.Name), nil
}
