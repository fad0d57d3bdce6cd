package eks

import (
	"slices"
	"strings"

	"github.com/neargate/neargate/apiwire"
)

// This file says what an access entry may be, and what EKS names its principal
// when nobody says.

// The types of access entries.
const (
	standardType = "STANDARD"
	fargateType  = "FARGATE_LINUX"
	ec2Type      = "EC2_LINUX"
	windowsType  = "EC2_WINDOWS"
	hybridType   = "HYBRID_LINUX"
	autoType     = "EC2"
	hyperpodType = "HYPERPOD_LINUX"
)

var entryTypes = []string{standardType, ec2Type, windowsType, fargateType, hybridType, autoType, hyperpodType}

// textNodeTypes are the types of nodes as the refusals list them.
const textNodeTypes = "[EC2_LINUX, EC2_WINDOWS, FARGATE_LINUX, HYBRID_LINUX, EC2]"

// reservedPrefixes are what names given by callers do not begin with.
var reservedPrefixes = []string{"system:", "eks:", "aws:", "amazon:", "iam:"}

// principal is an IAM principal of an access entry.
type principal struct {
	arn, account string
	partition    string
	kind         string // role, user or root
	path         string // what stands behind the kind: "team/dev"
}

// parsePrincipal reads the ARN of a role, a user or an account's root user.
func parsePrincipal(arn string) (principal, bool) {
	a, err := apiwire.ParseARN(arn)
	if err != nil || a.Service != "iam" || a.Region != "" || len(a.Account) != 12 {
		return principal{}, false
	}
	p := principal{arn: arn, account: a.Account, partition: a.Partition}
	if a.Resource == "root" {
		p.kind, p.path = "root", "root"
		return p, true
	}
	p.kind, p.path, _ = strings.Cut(a.Resource, "/")
	return p, (p.kind == "role" || p.kind == "user") && p.name() != ""
}

func (p principal) name() string { return p.path[strings.LastIndexByte(p.path, '/')+1:] }

// serviceLinked tells whether it is a role that a service of AWS owns.
func (p principal) serviceLinked() bool {
	return p.kind == "role" && strings.HasPrefix(p.path, "aws-service-role/")
}

// defaultNames are the user name and the groups of a principal in an entry of
// a type, as the user guide lists them.
func (p principal) defaultNames(kind string) (username string, groups []string) {
	switch kind {
	case standardType:
		return p.standardName(), []string{}
	case ec2Type, autoType:
		return "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes"}
	case windowsType:
		return "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes", "eks:kube-proxy-windows"}
	}
	return "system:node:{{SessionName}}", []string{"system:nodes"}
}

func (p principal) standardName() string {
	if p.kind != "role" {
		return p.arn
	}
	return apiwire.ARN{Partition: p.partition, Service: "sts", Account: p.account, Resource: "assumed-role/" + p.name() + "/{{SessionName}}"}.String()
}

// checkPrincipal is whether a cluster can have an entry of a type for a
// principal; account is the cluster's.
func (a about) checkPrincipal(p principal, kind, account string) error {
	switch {
	case !slices.Contains(entryTypes, kind):
		return a.invalid("The specified type is invalid: %s. Valid types are [%s]", kind, strings.Join(entryTypes, ", "))
	case p.serviceLinked():
		return a.invalid("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role")
	case kind == standardType:
		return nil
	case p.kind != "role":
		return a.invalid("AccessEntry principalArn must be IAM role when using types %s", textNodeTypes)
	case p.account != account:
		return a.invalid("AccessEntry principalArn must be from the same account as the cluster when using types %s", textNodeTypes)
	}
	return nil
}

// checkUsername is whether a caller may give an entry of a type this name.
func (a about) checkUsername(name, kind string) error {
	if name == "" {
		return nil
	}
	if kind != standardType {
		return a.invalid("The specified username is invalid: setting username is not allowed when the type is %q", kind)
	}
	if prefix := reservedPrefix(name); prefix != "" {
		return a.invalid("The username must not begin with %s", prefix)
	}
	for _, template := range []string{"{{SessionName}}", "{{SessionNameRaw}}"} {
		if before, _, has := strings.Cut(name, template); has && !strings.Contains(before, ":") {
			return a.invalid("The specified username is invalid: the username must include a colon before %s", template)
		}
	}
	return nil
}

// checkGroups is whether a caller may give an entry of a type these groups.
func (a about) checkGroups(groups []string, kind string) error {
	if len(groups) > 0 && kind != standardType {
		return a.invalid("The specified kubernetesGroups is invalid: setting kubernetesGroups is not allowed when the type is %q", kind)
	}
	for _, g := range groups {
		if prefix := reservedPrefix(g); prefix != "" {
			return a.invalid("The kubernetes group name %s is invalid, it cannot start with %s", g, prefix)
		}
	}
	return nil
}

// reservedPrefix is the reserved beginning that a name has; "" none.
func reservedPrefix(name string) string {
	for _, prefix := range reservedPrefixes {
		if strings.HasPrefix(name, prefix) {
			return prefix
		}
	}
	return ""
}
