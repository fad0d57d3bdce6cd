package eks

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the record of an access entry and the entries that EKS makes by
// itself. Operations are in access_entry_change.go and access_entry_read.go,
// what an entry may be in access_entry_check.go, its policies in
// access_policy.go.

// AccessEntry is what is stored of an access entry, under its cluster and the
// ARN of its principal.
type AccessEntry struct {
	types.AccessEntry
	Policies []types.AssociatedAccessPolicy
	Asked    asked // by which request
	// Own marks the entry of a role that nodes have: EKS made it, and takes it
	// away with the last node group or profile of that role.
	Own bool
}

var accessEntries = store.NewTable[AccessEntry]("eks/access-entry")

// accessEntriesOf are a cluster's entries as its control plane is told them.
func accessEntriesOf(tx *store.Tx, cluster string) ([]link.AccessEntry, error) {
	var list []link.AccessEntry
	for e, err := range parts(tx, accessEntries, cluster) {
		if err != nil {
			return nil, err
		}
		entry := link.AccessEntry{
			PrincipalARN: *e.PrincipalArn, Type: *e.Type, Username: *e.Username, Groups: e.KubernetesGroups, Policies: []link.AccessPolicy{},
		}
		for _, p := range e.Policies {
			entry.Policies = append(entry.Policies, link.AccessPolicy{ARN: *p.PolicyArn, Namespaces: p.AccessScope.Namespaces})
		}
		list = append(list, entry)
	}
	return list, nil
}

// newAccessEntry is the record of an entry with the names that EKS gives when
// the caller gives none.
func newAccessEntry(tx *store.Tx, cluster string, p principal, kind string) *AccessEntry {
	username, groups := p.defaultNames(kind)
	now := tx.Now()
	e := &AccessEntry{}
	e.AccessEntry = types.AccessEntry{
		AccessEntryArn: aws.String(partARN(cluster, "access-entry", p.kind+"/"+p.account+"/"+p.path+"/"+uuid())),
		ClusterName:    aws.String(clusterName(cluster)), PrincipalArn: aws.String(p.arn), Type: aws.String(kind),
		Username: aws.String(username), KubernetesGroups: groups, Tags: map[string]string{}, CreatedAt: &now, ModifiedAt: &now,
	}
	return e
}

// putCreatorEntry makes the entry that lets whoever made a cluster administer
// it: bootstrapClusterCreatorAdminPermissions.
func putCreatorEntry(tx *store.Tx, cluster, callerARN string) error {
	p, ok := parsePrincipal(iamARN(callerARN))
	if !ok {
		return nil // a federated user: access entries are of IAM's own principals only
	}
	e := newAccessEntry(tx, cluster, p, standardType)
	arn, err := apiwire.ParseARN(cluster)
	if err != nil {
		return err
	}
	e.Policies = []types.AssociatedAccessPolicy{{
		PolicyArn:   aws.String("arn:" + arn.Partition + accessPolicyPrefix + "AmazonEKSClusterAdminPolicy"),
		AccessScope: &types.AccessScope{Type: types.AccessScopeTypeCluster, Namespaces: []string{}}, AssociatedAt: e.CreatedAt, ModifiedAt: e.ModifiedAt,
	}}
	return accessEntries.Put(tx, partKey(cluster, p.arn), e)
}

// putNodeEntry makes the entry of a role that nodes have, unless the role has
// one: of type FARGATE_LINUX for profiles, EC2_LINUX for node groups. The
// caller sees to it that the cluster's authentication mode has access entries.
func putNodeEntry(tx *store.Tx, cluster, roleARN, kind string) error {
	p, ok := parsePrincipal(roleARN)
	if !ok {
		return nil
	}
	key := partKey(cluster, p.arn)
	if _, err := accessEntries.Get(tx, key); !hasNot(err) {
		return err
	}
	e := newAccessEntry(tx, cluster, p, kind)
	e.Own = true
	return accessEntries.Put(tx, key, e)
}

// dropNodeEntry takes the entry away that putNodeEntry made; the caller knows
// that nothing of the cluster has the role any more. One that somebody made by
// hand stays.
func dropNodeEntry(tx *store.Tx, cluster, roleARN, kind string) error {
	key := partKey(cluster, roleARN)
	r, err := accessEntries.Get(tx, key)
	switch {
	case hasNot(err):
		return nil
	case err != nil:
		return err
	case !r.Value.Own || *r.Value.Type != kind:
		return nil
	}
	return accessEntries.Delete(tx, key)
}

// iamARN is the ARN of the role behind a session, or arn itself.
func iamARN(arn string) string {
	p, err := apiwire.ParseARN(arn)
	if err != nil {
		return arn
	}
	session, ok := strings.CutPrefix(p.Resource, "assumed-role/")
	if !ok || p.Service != "sts" {
		return arn
	}
	role, _, _ := strings.Cut(session, "/")
	p.Service, p.Resource = "iam", "role/"+role
	return p.String()
}

// touch notes that the entry changes now.
func (e *AccessEntry) touch(now time.Time) { e.ModifiedAt = &now }

func taggedAccessEntry(tx *store.Tx, arn apiwire.ARN) (tagged, error) {
	key, ok := Key(arn.String())
	if !ok {
		return tagged{}, store.ErrNotFound
	}
	r, err := accessEntries.Get(tx, key)
	if err != nil {
		return tagged{}, err
	}
	if aws.ToString(r.Value.AccessEntryArn) != arn.String() {
		return tagged{}, store.ErrNotFound
	}
	return tagsOf(tx, accessEntries, key, func(e *AccessEntry) *map[string]string { return &e.Tags })
}
