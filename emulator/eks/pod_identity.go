package eks

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of a pod identity association. The operations are in
// pod_identity_change.go and pod_identity_read.go. The control plane gives the
// pods of an associated service account what the SDKs need; the credentials
// come from package eksauth, see pod_identity_agent.go.

// PodIdentity is an association of a service account with a role as it is
// stored.
type PodIdentity struct {
	types.PodIdentityAssociation
	Asked asked // by which request
}

// podIdentities are kept under their cluster and id.
var podIdentities = store.NewTable[PodIdentity]("eks/pod-identity-association")

// maxPodIdentities is the quota of associations in a cluster.
const maxPodIdentities = 5000

// podIdentity finds an association of the caller's cluster.
func podIdentity(tx *store.Tx, call apiwire.Call, clusterName, id *string) (*Cluster, store.Record[PodIdentity], error) {
	c, err := cluster(tx, call, aws.ToString(clusterName))
	if err != nil {
		return nil, store.Record[PodIdentity]{}, err
	}
	r, err := podIdentities.Get(tx, partKey(c.arn(), aws.ToString(id)))
	if hasNot(err) {
		err = about{cluster: c.name()}.notFound("No pod identity association found with association id: %s", aws.ToString(id))
	}
	return c, r, err
}

// podIdentitiesOf are a cluster's associations as its control plane is told
// them.
func podIdentitiesOf(tx *store.Tx, cluster string) ([]link.PodIdentity, error) {
	var list []link.PodIdentity
	for p, err := range parts(tx, podIdentities, cluster) {
		if err != nil {
			return nil, err
		}
		list = append(list, link.PodIdentity{ID: *p.AssociationId, Namespace: *p.Namespace, ServiceAccount: *p.ServiceAccount, RoleARN: *p.RoleArn})
	}
	return list, nil
}

// newPodIdentity is a record of an association that has no more than it must.
func newPodIdentity(tx *store.Tx, c *Cluster, namespace, account, roleARN string) *PodIdentity {
	id, now := "a-"+hexID(17), tx.Now()
	p := &PodIdentity{}
	p.PodIdentityAssociation = types.PodIdentityAssociation{
		AssociationArn: aws.String(partARN(c.arn(), "podidentityassociation", id)), AssociationId: &id, ClusterName: aws.String(c.name()),
		Namespace: &namespace, ServiceAccount: &account, RoleArn: &roleARN,
		CreatedAt: &now, ModifiedAt: &now, DisableSessionTags: aws.Bool(false), Tags: map[string]string{},
	}
	return p
}

// setTarget gives the association the role that the first one assumes, and the
// external id by which that role's trust policy knows the association.
func (p *PodIdentity) setTarget(c *Cluster, roleARN *string) {
	p.TargetRoleArn, p.ExternalId = named(aws.ToString(roleARN)), nil
	if p.TargetRoleArn == nil {
		return
	}
	arn, err := apiwire.ParseARN(c.arn())
	if err == nil {
		p.ExternalId = aws.String(arn.Region + "/" + arn.Account + "/" + c.name() + "/" + *p.Namespace + "/" + *p.ServiceAccount)
	}
}

// insertPodIdentity checks an association and stores it. A service account has
// one at most.
func (a *API) insertPodIdentity(tx *store.Tx, about about, c *Cluster, p *PodIdentity) error {
	if err := a.checkPodIdentity(tx, about, p); err != nil {
		return err
	}
	n := 0
	for have, err := range parts(tx, podIdentities, c.arn()) {
		switch {
		case err != nil:
			return err
		case *have.Namespace == *p.Namespace && *have.ServiceAccount == *p.ServiceAccount:
			return about.inUse("Association already exists: %s", *have.AssociationId)
		}
		n++
	}
	if n >= maxPodIdentities {
		return about.tooMany("The maximum number of pod identity associations (%d) was exceeded.", maxPodIdentities)
	}
	return podIdentities.Insert(tx, partKey(c.arn(), *p.AssociationId), p)
}

func (a *API) checkPodIdentity(tx *store.Tx, about about, p *PodIdentity) error {
	const characters = "The parameter %s contains invalid characters. It should conform to the regular expression \"%s\""
	switch {
	case !dnsLabel.MatchString(*p.Namespace):
		return about.invalid(characters, "namespace", dnsLabel)
	case !dnsSubdomain.MatchString(*p.ServiceAccount):
		return about.invalid(characters, "serviceAccount", dnsSubdomain)
	case aws.ToString(p.Policy) != "" && !aws.ToBool(p.DisableSessionTags):
		return about.invalid("When policy is specified, disableSessionTags must be set to true")
	}
	return a.mustHaveRole(tx, about, *p.RoleArn)
}

// mustHaveRole is whether a role is one, and is there.
func (a *API) mustHaveRole(tx *store.Tx, about about, arn string) error {
	p, ok := parsePrincipal(arn)
	if !ok || p.kind != "role" {
		return about.invalid("Invalid Role Arn: '%s'", arn)
	}
	if a.roles == nil {
		return nil
	}
	there, err := a.roles.HasPrincipal(tx, arn)
	if err == nil && !there {
		err = about.invalid("Role provided in the request does not exist.")
	}
	return err
}

// deleteIdentitiesOf removes the associations that an add-on owns.
func deleteIdentitiesOf(tx *store.Tx, cluster, owner string) error {
	for r, err := range podIdentities.All(tx, store.Range{Prefix: cluster + "/"}) {
		if err != nil {
			return err
		}
		if aws.ToString(r.Value.OwnerArn) != owner {
			continue
		}
		if err := podIdentities.Delete(tx, r.Key); err != nil {
			return err
		}
	}
	return nil
}

func taggedPodIdentity(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	cluster, id := arnParts(arn)
	return tagsOf(tx, podIdentities, partKey(cluster, id), func(p *PodIdentity) *map[string]string { return &p.Tags })
}
