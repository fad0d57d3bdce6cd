package eks

import (
	"runtime"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file tells, for `neargate why`, what stands behind the parts of a
// cluster and what was asked of them without effect. Whoever makes one of
// these work takes its row out.

var ineffectiveOfNodegroup = []struct {
	field string
	given func(n *types.Nodegroup) bool
	why   string
}{
	{"nodeRole", func(n *types.Nodegroup) bool { return n.NodeRole != nil },
		"nobody assumes the role: images are pulled with the credentials that Docker has"},
	{"diskSize", func(n *types.Nodegroup) bool { return aws.ToInt32(n.DiskSize) != defaultDisk },
		"nodes are virtual and share this machine's disk"},
	{"remoteAccess", func(n *types.Nodegroup) bool { return n.RemoteAccess != nil },
		"nodes are virtual: nobody can log in to one"},
	{"capacityType", func(n *types.Nodegroup) bool { return n.CapacityType == types.CapacityTypesSpot },
		"no node is ever interrupted"},
	{"instanceTypes", func(n *types.Nodegroup) bool { return len(n.InstanceTypes) > 1 },
		"every node is of the first type, as there is always room for it"},
	{"amiType", func(n *types.Nodegroup) bool { return isARM(n.AmiType) != (runtime.GOARCH == "arm64") },
		"pods run on this machine's own processor, whatever the type says"},
	{"updateConfig", func(n *types.Nodegroup) bool {
		return aws.ToInt32(n.UpdateConfig.MaxUnavailable) != 1 || n.UpdateConfig.UpdateStrategy != ""
	}, "nodes are changed where they are: none is unavailable meanwhile"},
	{"nodeRepairConfig", func(n *types.Nodegroup) bool {
		return n.NodeRepairConfig != nil && aws.ToBool(n.NodeRepairConfig.Enabled)
	},
		"virtual nodes do not break"},
	{"warmPoolConfig", func(n *types.Nodegroup) bool { return n.WarmPoolConfig != nil && aws.ToBool(n.WarmPoolConfig.Enabled) },
		"virtual nodes start at once: none waits"},
	{"resources.autoScalingGroups", func(n *types.Nodegroup) bool { return n.Resources != nil },
		"there is no EC2 Auto Scaling group of that name, and nothing scales by itself"},
}

var ineffectiveOfAddon = []struct {
	field string
	given func(a *types.Addon) bool
	why   string
}{
	{"configurationValues", func(a *types.Addon) bool { return aws.ToString(a.ConfigurationValues) != "" },
		"what stands behind the add-on is Neargate's own and has no such settings"},
	{"serviceAccountRoleArn", func(a *types.Addon) bool { return a.ServiceAccountRoleArn != nil },
		"nothing of the add-on calls AWS"},
	{"namespaceConfig", func(a *types.Addon) bool { return aws.ToString(a.NamespaceConfig.Namespace) != defaultAddonNamespace },
		"there are no Pods of the add-on in any namespace"},
}

// IneffectiveParts names, in plain words, everything in the parts of a cluster
// that was accepted and is shown, but has no effect: "nodegroup/workers
// diskSize: nodes are virtual and share this machine's disk". The key is that
// of a cluster, for all its parts, or of one part; see Key.
func IneffectiveParts(tx *store.Tx, key string) ([]string, error) {
	cluster := clusterOf(key)
	var list []string
	for _, of := range []func(tx *store.Tx, cluster string, say func(name, part, text string)) error{
		sayNodegroups, sayAddons, sayPodIdentities, sayAccessEntries,
	} {
		err := of(tx, cluster, func(name, part, text string) {
			if key == cluster || key == partKey(cluster, name) {
				list = append(list, part+" "+text)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func sayNodegroups(tx *store.Tx, cluster string, say func(name, part, text string)) error {
	for n, err := range parts(tx, nodegroups, cluster) {
		if err != nil {
			return err
		}
		for _, row := range ineffectiveOfNodegroup {
			if row.given(&n.Nodegroup) {
				say(n.name(), "nodegroup/"+n.name(), row.field+": "+row.why)
			}
		}
	}
	return nil
}

func sayAddons(tx *store.Tx, cluster string, say func(name, part, text string)) error {
	for a, err := range parts(tx, addons, cluster) {
		if err != nil {
			return err
		}
		for _, row := range ineffectiveOfAddon {
			if row.given(&a.Addon) && !a.Kept {
				say(*a.AddonName, "addon/"+*a.AddonName, row.field+": "+row.why)
			}
		}
	}
	return nil
}

func sayPodIdentities(tx *store.Tx, cluster string, say func(name, part, text string)) error {
	agent, err := HasAgent(tx, cluster)
	if err != nil {
		return err
	}
	fargate, err := hasAny(tx, profiles, cluster)
	if err != nil {
		return err
	}
	for p, err := range parts(tx, podIdentities, cluster) {
		if err != nil {
			return err
		}
		tell := func(text string) { say(*p.AssociationId, "podidentityassociation/"+*p.AssociationId, text) }
		if !agent {
			tell("roleArn: no pod gets the role: the cluster has no EKS Pod Identity Agent; create the add-on " + agentAddon)
		}
		if fargate {
			tell("roleArn: pods on Fargate do not get the role, as on AWS, since there is no EKS Pod Identity Agent; " +
				"IAM roles for service accounts work there: annotate the service account " + *p.Namespace + "/" + *p.ServiceAccount + " with eks.amazonaws.com/role-arn: " + *p.RoleArn)
		}
		if p.Policy != nil {
			tell("policy: the permissions of a role's session are not looked at")
		}
	}
	return nil
}

// hasAny tells whether a cluster has records of a kind.
func hasAny[T any](tx *store.Tx, t *store.Table[T], cluster string) (bool, error) {
	for _, err := range parts(tx, t, cluster) {
		return err == nil, err
	}
	return false, nil
}

// servedPolicies are how many of accessPolicyNames, from the first, the control
// plane has the rules of.
const servedPolicies = 5

func sayAccessEntries(tx *store.Tx, cluster string, say func(name, part, text string)) error {
	for e, err := range parts(tx, accessEntries, cluster) {
		if err != nil {
			return err
		}
		switch *e.Type {
		case windowsType, hybridType, hyperpodType, autoType:
			say(*e.PrincipalArn, "access-entry/"+*e.PrincipalArn, "type: there are no nodes of the type "+*e.Type)
		}
		for _, p := range e.Policies {
			name := (*p.PolicyArn)[strings.LastIndexByte(*p.PolicyArn, '/')+1:]
			if !slices.Contains(accessPolicyNames[:servedPolicies], name) {
				say(*e.PrincipalArn, "access-entry/"+*e.PrincipalArn, "accessPolicies: "+name+" is for a service that is not there, and allows nothing")
			}
		}
	}
	return nil
}

// Provided tells what stands behind each of a cluster's add-ons: "Add-on
// coredns: Neargate itself provides it: cluster DNS is answered inside each
// pod's own network, without CoreDNS Pods."
func Provided(tx *store.Tx, cluster string) ([]string, error) {
	var list []string
	for a, err := range parts(tx, addons, cluster) {
		if err != nil {
			return nil, err
		}
		if k, ok := addonOf(*a.AddonName); ok && !a.Kept {
			list = append(list, "Add-on "+k.name+": Neargate itself provides it: "+k.provides+".")
		}
	}
	return list, nil
}

// Key is under what the record of a resource is kept, by the resource's ARN:
// that of a cluster or of what belongs to one. It is false for other ARNs. That
// there is a record is not said.
func Key(arn string) (string, bool) {
	a, err := apiwire.ParseARN(arn)
	if err != nil || a.Service != "eks" {
		return "", false
	}
	cluster, rest := arnParts(a)
	kind, _, _ := strings.Cut(a.Resource, "/")
	switch kind {
	case "cluster":
		return arn, rest == ""
	case "fargateprofile", "nodegroup", "addon":
		name, _, _ := strings.Cut(rest, "/")
		return partKey(cluster, name), name != ""
	case "podidentityassociation":
		return partKey(cluster, rest), rest != ""
	case "identityproviderconfig": // oidc/NAME/UUID
		_, rest, _ = strings.Cut(rest, "/")
		name, _, _ := strings.Cut(rest, "/")
		return partKey(cluster, name), name != ""
	case "access-entry":
		principal, ok := entryPrincipal(a.Partition, rest)
		return partKey(cluster, principal), ok
	}
	return "", false
}

// entryPrincipal is the principal in the ARN of an access entry:
// KIND/ACCOUNT/PATH/UUID.
func entryPrincipal(partition, rest string) (string, bool) {
	kind, rest, _ := strings.Cut(rest, "/")
	account, rest, _ := strings.Cut(rest, "/")
	end := strings.LastIndexByte(rest, '/')
	if end < 0 {
		return "", false
	}
	resource := kind + "/" + rest[:end]
	if kind == "root" {
		resource = kind
	}
	return apiwire.ARN{Partition: partition, Service: "iam", Account: account, Resource: resource}.String(), true
}
