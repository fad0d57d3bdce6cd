package access

import (
	"strings"

	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/neargate/neargate/emulator/eks/link"
)

// Authentication modes of a cluster (EKS's accessConfig.authenticationMode).
const (
	modeConfigMap = "CONFIG_MAP"
	modeAPI       = "API"
)

// canonicalKey is where a user's extra fields tell the IAM principal, as on
// EKS; access policies are found by it.
const canonicalKey = "canonicalArn"

// User maps an AWS identity to a Kubernetes user. Access entries win over
// aws-auth, and nobody else than the cluster's creator comes in without either.
// node returns the name of the node that an instance is, or "".
func User(id link.Identity, s link.Settings, aws *AWSAuth, node func(instance string) string) (user.Info, bool) {
	name, groups, ok := mapped(id, s, aws, node)
	if !ok {
		return nil, false
	}
	return &user.DefaultInfo{
		Name: name, UID: "aws-iam-authenticator:" + id.Account + ":" + id.UserID, Groups: groups,
		Extra: map[string][]string{
			"accessKeyId": {id.AccessKeyID}, "arn": {id.ARN}, canonicalKey: {id.CanonicalARN},
			"principalId": {id.UserID}, "sessionName": {id.SessionName},
		},
	}, true
}

func mapped(id link.Identity, s link.Settings, aws *AWSAuth, node func(string) string) (name string, groups []string, ok bool) {
	if s.AuthenticationMode != modeConfigMap {
		if e := EntryOf(s.AccessEntries, id.CanonicalARN); e != nil {
			return fill(e.Username, id, node), e.Groups, true
		}
	}
	if s.AuthenticationMode == modeAPI {
		return "", nil, false
	}
	if m, found := aws.find(id); found {
		return fill(m.Username, id, node), m.Groups, true
	}
	if s.CreatorARN != "" && SamePrincipal(s.CreatorARN, id.CanonicalARN) {
		return "kubernetes-admin", []string{user.SystemPrivilegedGroup}, true
	}
	return "", nil, false
}

// fill puts the identity into a username's templates. A session name may hold
// an @, which SessionName replaces, as aws-iam-authenticator does it. The
// session of an instance's role is the instance's id.
func fill(template string, id link.Identity, node func(string) string) string {
	host := id.SessionName
	if strings.Contains(template, "{{EC2PrivateDNSName}}") && node != nil {
		if name := node(id.SessionName); name != "" {
			host = name
		}
	}
	return strings.NewReplacer(
		"{{SessionName}}", strings.ReplaceAll(id.SessionName, "@", "-"),
		"{{SessionNameRaw}}", id.SessionName,
		"{{AccountID}}", id.Account,
		"{{AccessKeyID}}", id.AccessKeyID,
		"{{EC2PrivateDNSName}}", host,
	).Replace(template)
}

// EntryOf finds the access entry of a principal.
func EntryOf(all []link.AccessEntry, canonical string) *link.AccessEntry {
	for i := range all {
		if SamePrincipal(all[i].PrincipalARN, canonical) {
			return &all[i]
		}
	}
	return nil
}

// SamePrincipal tells whether two ARNs are of one IAM principal. The ARN of an
// assumed role has lost the role's path, so paths do not count; nor does it
// matter whether one of them names a session.
func SamePrincipal(a, b string) bool {
	pa, oka := principalOf(a)
	pb, okb := principalOf(b)
	return oka && okb && pa == pb
}

type principal struct{ partition, account, kind, name string }

func principalOf(arn string) (p principal, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return p, false
	}
	p.partition, p.account = parts[1], parts[4]
	path := strings.Split(parts[5], "/")
	p.kind, p.name = path[0], path[len(path)-1]
	if p.kind == "assumed-role" && len(path) == 3 {
		p.kind, p.name = "role", path[1]
	}
	return p, parts[2] == "iam" || parts[2] == "sts"
}
