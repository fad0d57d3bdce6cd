package access_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

const (
	podRole = "arn:aws:iam::111122223333:role/pods"
	podLine = `- groups:
  - system:bootstrappers
  - system:nodes
  - system:node-proxier
  rolearn: arn:aws:iam::111122223333:role/pods
  username: system:node:{{SessionName}}
`
	nodeRole = "arn:aws:iam::111122223333:role/nodes"
	nodeLine = `- groups:
  - system:bootstrappers
  - system:nodes
  rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
`
)

func TestNodeRoles(t *testing.T) {
	s := link.Settings{
		AuthenticationMode: "CONFIG_MAP",
		FargateProfiles:    []link.FargateProfile{{RoleARN: "arn:aws:iam::111122223333:role/a/b/pods"}, {RoleARN: podRole, Deleting: true}},
		Nodegroups:         []link.Nodegroup{{RoleARN: nodeRole}, {}},
	}
	want := []access.NodeRole{{ARN: nodeRole}, {ARN: podRole, Fargate: true}}
	if got := access.NodeRoles(s); len(got) != 2 || !reflect.DeepEqual(map[access.NodeRole]bool{got[0]: true, got[1]: true}, map[access.NodeRole]bool{want[0]: true, want[1]: true}) {
		t.Errorf("%+v", got)
	}
	if s.AuthenticationMode = "API"; access.NodeRoles(s) != nil {
		t.Error("aws-auth does not count in mode API")
	}
}

func TestWriteNodeRoles(t *testing.T) {
	pods, nodes := access.NodeRole{ARN: podRole, Fargate: true}, access.NodeRole{ARN: nodeRole}
	users := "# ours\n- rolearn: arn:aws:iam::111122223333:role/Ops # on call\n  username: ops\n  groups: [system:masters]"
	edited := strings.Replace(podLine, "system:node:{{SessionName}}", "mine", 1)
	for _, row := range []struct {
		name, text, mine string
		want             []access.NodeRole
		then, own        string
	}{
		{"first", "", "", []access.NodeRole{pods}, podLine, podRole},
		{"both", "", "", []access.NodeRole{nodes, pods}, nodeLine + podLine, nodeRole + "," + podRole},
		{"nothing", "", "", nil, "", ""},
		{"beside users'", users, "", []access.NodeRole{pods}, users + "\n" + podLine, podRole},
		{"already there", podLine, podRole, []access.NodeRole{pods}, podLine, podRole},
		{"last profile gone", users + "\n" + podLine + nodeLine, podRole + "," + nodeRole, []access.NodeRole{nodes}, users + "\n" + nodeLine, nodeRole},
		{"all gone", podLine, podRole, nil, "", ""},
		{"user's own line of the role", podLine, "", []access.NodeRole{pods}, podLine, ""},
		{"and it stays", podLine, "", nil, podLine, ""},
		{"edited by a user", edited, podRole, nil, edited, ""},
		{"taken out by a user", users, podRole, []access.NodeRole{pods}, users, podRole},
		{"flow style", `[{"rolearn": "r", "username": "u"}]`, "", []access.NodeRole{nodes}, "- rolearn: r\n  username: u\n" + nodeLine, nodeRole},
		{"empty list", "[]", "", []access.NodeRole{nodes}, nodeLine, nodeRole},
		{"other order", "- username: system:node:{{SessionName}}\n  rolearn: " + podRole + "\n  groups: [system:bootstrappers, system:nodes, system:node-proxier]\n", podRole, nil, "[]\n", ""},
		{"one role for both", "", "", []access.NodeRole{pods, {ARN: podRole}}, podLine, podRole},
	} {
		t.Run(row.name, func(t *testing.T) {
			text, own, err := access.WriteNodeRoles(row.text, row.mine, row.want)
			if err != nil || text != row.then || own != row.own {
				t.Fatalf("%v, own %q\n%s", err, own, text)
			}
			if again, same, err := access.WriteNodeRoles(text, own, row.want); err != nil || again != text || same != own {
				t.Errorf("a second time: %v, own %q\n%s", err, same, again)
			}
		})
	}
	if _, _, err := access.WriteNodeRoles("- rolearn: [", "", []access.NodeRole{pods}); err == nil || !strings.HasPrefix(err.Error(), "aws-auth, mapRoles: ") {
		t.Errorf("unreadable: %v", err)
	}
}
