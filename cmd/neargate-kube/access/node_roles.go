package access

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/neargate/neargate/emulator/eks/link"
)

// node_roles.go computes what EKS writes into aws-auth by itself: the roles
// that nodes have. aws_auth.go reads the whole of it.

// NodeRolesAnnotation lists, in the ConfigMap aws-auth, the roles that were
// written there by NodeRoles, so that nothing else is ever taken out.
const NodeRolesAnnotation = "neargate.dev/node-roles"

// NodeRole is a role that nodes have, by the ARN as aws-auth wants it.
type NodeRole struct {
	ARN     string
	Fargate bool
}

// NodeRoles are the roles of a cluster's Fargate profiles and node groups, in
// order. There are none where aws-auth does not count.
func NodeRoles(s link.Settings) []NodeRole {
	if s.AuthenticationMode == modeAPI {
		return nil
	}
	all := map[NodeRole]bool{}
	for _, p := range s.FargateProfiles {
		all[NodeRole{withoutPath(p.RoleARN), true}] = true
	}
	for _, g := range s.Nodegroups {
		all[NodeRole{withoutPath(g.RoleARN), false}] = true
	}
	delete(all, NodeRole{"", true})
	delete(all, NodeRole{"", false})
	return slices.SortedFunc(maps.Keys(all), func(a, b NodeRole) int { return strings.Compare(a.block(), b.block()) })
}

// withoutPath: what a role's session tells of the role has no path.
func withoutPath(arn string) string {
	before, resource, ok := strings.Cut(arn, ":role/")
	if !ok {
		return arn
	}
	return before + ":role/" + resource[strings.LastIndexByte(resource, '/')+1:]
}

// block is the role's line of mapRoles, in EKS's own form.
func (r NodeRole) block() string {
	groups, name := "  - system:bootstrappers\n  - system:nodes\n", "{{EC2PrivateDNSName}}"
	if r.Fargate {
		groups, name = groups+"  - system:node-proxier\n", "{{SessionName}}"
	}
	return "- groups:\n" + groups + "  rolearn: " + r.ARN + "\n  username: system:node:" + name + "\n"
}

// WriteNodeRoles returns mapRoles with the roles that are wanted, and the list
// for NodeRolesAnnotation. mine is that list as it was: a role in it that is
// not wanted any more is taken out, unless somebody has edited its line; one
// that is wanted is left as it is now, whatever somebody has made of it. A role that somebody else has mapped stays
// theirs. The rest of the text stays as it is wherever YAML allows it.
func WriteNodeRoles(mapRoles, mine string, want []NodeRole) (text, own string, err error) {
	old, err := roleList(mapRoles)
	if err != nil {
		return "", "", err
	}
	list, text := slices.Clone(old), mapRoles
	kept := map[string]bool{}
	for arn := range strings.FieldsFuncSeq(mine, func(c rune) bool { return c == ',' }) {
		if slices.ContainsFunc(want, func(r NodeRole) bool { return r.ARN == arn }) {
			kept[arn] = true
			continue
		}
		for _, written := range []NodeRole{{arn, true}, {arn, false}} {
			list = slices.DeleteFunc(list, written.is)
			text = strings.Replace(text, written.block(), "", 1)
		}
	}
	for _, r := range want {
		taken := slices.ContainsFunc(list, func(m any) bool { return sameARN(roleOf(m), r.ARN) })
		if kept[r.ARN] || taken {
			continue
		}
		added, err := roleList(r.block())
		if err != nil {
			return "", "", err
		}
		list, kept[r.ARN] = append(list, added...), true
		if text != "" && !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		text += r.block()
	}
	if now, err := roleList(text); err != nil || !reflect.DeepEqual(now, list) && len(now)+len(list) > 0 {
		b, err := yaml.Marshal(list) // the list was written in another style
		if err != nil {
			return "", "", err
		}
		text = string(b)
	}
	return text, strings.Join(slices.Sorted(maps.Keys(kept)), ","), nil
}

func roleList(text string) (list []any, err error) {
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("aws-auth, mapRoles: %w", err)
	}
	return list, nil
}

// is tells whether an element of mapRoles is what block writes.
func (r NodeRole) is(m any) bool {
	written, err := roleList(r.block())
	return err == nil && reflect.DeepEqual(written[0], m)
}

func roleOf(m any) string {
	fields, _ := m.(map[string]any)
	arn, _ := fields["rolearn"].(string)
	return arn
}
