package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/neargate/neargate/emulator/eks/link"
)

// AWSAuth is the ConfigMap aws-auth in kube-system.
type AWSAuth struct {
	roles, users []mapping
	accounts     []string
}

type mapping struct {
	RoleARN  string   `json:"rolearn"`
	UserARN  string   `json:"userarn"`
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// ParseAWSAuth reads the ConfigMap's data. What can be read counts even when
// other parts cannot: a slip of the pen in one list must not lock all out.
func ParseAWSAuth(data map[string]string) (*AWSAuth, error) {
	a := &AWSAuth{}
	var errs []error
	for key, into := range map[string]any{"mapRoles": &a.roles, "mapUsers": &a.users, "mapAccounts": &a.accounts} {
		if err := yaml.Unmarshal([]byte(data[key]), into); err != nil {
			errs = append(errs, fmt.Errorf("aws-auth, %s: %w", key, err))
		}
	}
	return a, errors.Join(errs...)
}

// sameARN compares as aws-iam-authenticator does: without regard to case, a
// session counts as its role, and a role's path is not left out. Whoever
// writes one into aws-auth is locked out on AWS, and so here.
func sameARN(a, b string) bool { return strings.EqualFold(canonical(a), canonical(b)) }

func canonical(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[2] != "sts" {
		return arn
	}
	session := strings.Split(parts[5], "/")
	if session[0] != "assumed-role" || len(session) != 3 {
		return arn
	}
	return fmt.Sprintf("%s:%s:iam::%s:role/%s", parts[0], parts[1], parts[4], session[1])
}

// find returns the mapping of an identity: of its role, of its user, or of its
// whole account, in which case the user is named by the ARN.
func (a *AWSAuth) find(id link.Identity) (mapping, bool) {
	if a == nil {
		return mapping{}, false
	}
	for _, m := range a.roles {
		if sameARN(m.RoleARN, id.CanonicalARN) {
			return m, true
		}
	}
	for _, m := range a.users {
		if sameARN(m.UserARN, id.CanonicalARN) {
			return m, true
		}
	}
	if slices.Contains(a.accounts, id.Account) {
		return mapping{Username: id.CanonicalARN}, true
	}
	return mapping{}, false
}
