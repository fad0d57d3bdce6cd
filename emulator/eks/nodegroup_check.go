package eks

import (
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// This file says what callers may ask of a node group.

// nodegroupName is the model's form of names without the length.
var nodegroupName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N}_-]*$`)

// reservedLabels are what labels that callers give do not begin with.
var reservedLabels = []string{"kubernetes.io/", "k8s.io/", "eks.amazonaws.com/"}

// maxTaints is the quota of taints in a node group.
const maxTaints = 50

func (a about) checkNodegroupName(name string) error {
	switch {
	case len(name) > 63:
		return a.invalid("nodeGroupName can't be longer than 63 characters!")
	case !nodegroupName.MatchString(name):
		return a.invalid("The nodegroup name parameter contains invalid characters. It should begin with letter or digit and can have any of the following characters: " +
			"the set of Unicode letters, digits, hyphens and underscores.")
	}
	return nil
}

// checkTemplate refuses launch templates, after what EKS says of arguments
// that do not go with one.
func (a about) checkTemplate(in *eks.CreateNodegroupInput) error {
	switch {
	case in.LaunchTemplate == nil && in.AmiType == types.AMITypesCustom:
		return a.invalid("The amiType CUSTOM goes with a launch template only. Neargate has no EC2 launch templates: give another amiType.")
	case in.LaunchTemplate == nil && in.CapacityType == types.CapacityTypesCapacityBlock:
		return a.invalid("The capacityType CAPACITY_BLOCK goes with a launch template only. Neargate has no EC2 launch templates: give another capacityType.")
	case in.LaunchTemplate == nil:
		return nil
	case in.DiskSize != nil:
		return a.invalid("Disk size must be specified within the launch template.")
	case in.RemoteAccess != nil:
		return a.invalid("Remote access configuration cannot be specified with a launch template.")
	}
	return a.invalid("launchTemplate: Neargate has no EC2 launch templates. Give instanceTypes, amiType, labels and taints in the node group itself.")
}

// checkInstances is whether nodes can be of these types with that AMI.
func (a about) checkInstances(names []string, ami types.AMITypes) error {
	if strings.HasPrefix(string(ami), "WINDOWS_") {
		return a.invalid("amiType: Neargate has no Windows nodes: %s", ami)
	}
	for _, name := range names {
		t, ok := lookInstanceType(name)
		switch {
		case !ok && isAccelerated(name):
			return a.invalid("instanceTypes: %s has an accelerator, which no node of Neargate has. Use a type without one.", name)
		case !ok:
			return a.invalid("The following supplied instance types do not exist: [%s]", name)
		case t.arm != isARM(ami) || needsDevice(ami):
			return a.invalid("[%s] is not a valid instance type for requested amiType %s", name, ami)
		}
	}
	return nil
}

func isARM(ami types.AMITypes) bool { return strings.Contains(string(ami), "ARM") }

// needsDevice tells whether an AMI is for instances with an accelerator.
func needsDevice(ami types.AMITypes) bool {
	return slices.ContainsFunc([]string{"NVIDIA", "NEURON", "_GPU"}, func(word string) bool { return strings.Contains(string(ami), word) })
}

// checkScaling is whether a node group can have these sizes; all are given.
func (a about) checkScaling(s *types.NodegroupScalingConfig) error {
	switch {
	case *s.DesiredSize > *s.MaxSize:
		return a.invalid("desiredSize can't be greater than maxSize")
	case *s.MinSize > *s.DesiredSize:
		return a.invalid("minSize can't be greater than desiredSize")
	case *s.MaxSize > maxNodes:
		return a.tooMany("A node group can have %d nodes at most.", maxNodes)
	}
	return nil
}

func (a about) checkUpdateConfig(u *types.NodegroupUpdateConfig) error {
	switch {
	case u == nil:
		return nil
	case u.MaxUnavailable != nil && u.MaxUnavailablePercentage != nil:
		return a.invalid("Either provide max-unavailable or max-unavailable-percentage in the request.")
	case u.MaxUnavailable == nil && u.MaxUnavailablePercentage == nil && u.UpdateStrategy == "":
		return a.invalid("UpdateConfig cannot be empty if set in the request.")
	case aws.ToInt32(u.MaxUnavailable) > 100:
		return a.invalid("maxUnavailable can't be greater than 100")
	}
	return nil
}

func (a about) checkLabels(labels map[string]string) error {
	for key := range labels {
		if slices.ContainsFunc(reservedLabels, func(begin string) bool { return strings.HasPrefix(key, begin) }) {
			return a.invalid("Label cannot start with reserved prefixes [%s]", strings.Join(reservedLabels, ", "))
		}
	}
	return nil
}

func (a about) checkTaints(taints []types.Taint) error {
	if len(taints) > maxTaints {
		return a.invalid("A node group can have %d taints at most.", maxTaints)
	}
	for _, t := range taints {
		if aws.ToString(t.Key) == "" {
			return a.invalid("Taint key can't be empty")
		}
		if taintEffects[t.Effect] == "" {
			return a.invalid("Taint effect must be one of [NO_SCHEDULE, NO_EXECUTE, PREFER_NO_SCHEDULE]")
		}
	}
	return nil
}

// checkRelease is whether nodes of a Kubernetes version can have a release of
// an AMI: 1.35.2-20260901. Bottlerocket counts its own way.
func (a about) checkRelease(release, kubernetes string, ami types.AMITypes) error {
	if strings.HasPrefix(string(ami), "BOTTLEROCKET_") {
		return nil
	}
	if !regexp.MustCompile(`^` + regexp.QuoteMeta(kubernetes) + `\.\d+-\d{8}$`).MatchString(release) {
		return a.invalid("Requested release version %s is not valid for kubernetes version %s.", release, kubernetes)
	}
	return nil
}

// checkNodeVersion is whether nodes can have a Kubernetes version: the
// cluster's own or one of the three before.
func (a about) checkNodeVersion(version, cluster string) error {
	v, c := numbersOf(version), numbersOf(cluster)
	switch {
	case v == nil:
		return a.invalid("unsupported Kubernetes version %s", version)
	case v[0] != c[0] || v[1] > c[1]:
		return a.invalid("Requested Nodegroup version %s can't be newer than the cluster's version %s", version, cluster)
	case v[1] < c[1]-3:
		return a.invalid("Requested Nodegroup version %s is more than three minor versions older than the cluster's version %s", version, cluster)
	}
	return nil
}

var minorForm = regexp.MustCompile(`^\d+\.\d+$`)

// numbersOf is numbers of what may be anything; nil when it is no version.
func numbersOf(minor string) []int {
	if !minorForm.MatchString(minor) {
		return nil
	}
	return numbers(minor)
}

// checkNodeRole is whether EC2 instances may take a role.
func (a *API) checkNodeRole(tx *store.Tx, about about, role string) error {
	p, ok := parsePrincipal(role)
	if !ok || p.kind != "role" {
		return about.invalid("Invalid Role Arn: '%s'", role)
	}
	if a.roles == nil {
		return nil
	}
	const service = "ec2.amazonaws.com"
	trusts, err := a.roles.Trusts(tx, role, service)
	switch {
	case hasNot(err):
		return about.invalid("The role with name %s cannot be found.", p.name())
	case err != nil:
		return err
	case !trusts:
		return about.invalid("Following required service principals [%s] were not found in the trust relationships of nodeRole %s", service, role)
	}
	return nil
}

// checkNodeSubnets is whether nodes can be in these subnets.
func (a *API) checkNodeSubnets(tx *store.Tx, about about, c *Cluster, ids []string) error {
	if len(ids) == 0 {
		return about.invalid("Subnets can't be empty.")
	}
	found, err := a.network.Subnets(tx, c.Scope, ids)
	if err != nil {
		return ofEC2(about.invalid, err)
	}
	vpc := aws.ToString(c.ResourcesVpcConfig.VpcId)
	for _, s := range found {
		if s.VPC != vpc {
			return about.invalid("Subnets specified must belong to the VPC %s of the cluster: %s does not", vpc, s.ID)
		}
	}
	return nil
}
