package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

func assumed(role string) link.Identity {
	return link.Identity{
		ARN: "arn:aws:sts::111122223333:assumed-role/" + role + "/jo@example.com", CanonicalARN: "arn:aws:iam::111122223333:role/" + role,
		Account: "111122223333", UserID: "AROAX:jo@example.com", AccessKeyID: "ASIAX", SessionName: "jo@example.com",
	}
}

const configMap = `
- rolearn: arn:aws:iam::111122223333:role/Ops
  username: ops:{{SessionName}}
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/team/pathed
  username: pathed
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:nodes]
`

func TestUser(t *testing.T) {
	aws, err := access.ParseAWSAuth(map[string]string{
		"mapRoles": configMap, "mapUsers": "- userarn: arn:aws:iam::111122223333:user/jo\n  username: jo-{{AccountID}}-{{AccessKeyID}}", "mapAccounts": `["999988887777"]`,
	})
	if err != nil {
		t.Fatal(err)
	}
	entries := []link.AccessEntry{
		{PrincipalARN: "arn:aws:iam::111122223333:role/Ops", Username: "entry:{{SessionNameRaw}}", Groups: []string{"g"}},
		{PrincipalARN: "arn:aws:iam::111122223333:role/team/deep", Username: "deep"},
		{PrincipalARN: "arn:aws:iam::111122223333:role/pods", Type: "FARGATE_LINUX", Username: "system:node:{{SessionName}}", Groups: []string{"system:nodes"}},
		{PrincipalARN: "arn:aws:iam::111122223333:role/workers", Type: "EC2_LINUX", Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:nodes"}},
	}
	instance := assumed("workers")
	instance.SessionName = "i-1"
	jo := link.Identity{ARN: "arn:aws:iam::111122223333:user/jo", CanonicalARN: "arn:aws:iam::111122223333:user/jo", Account: "111122223333", AccessKeyID: "AKIAJ"}
	foreign := link.Identity{ARN: "arn:aws:iam::999988887777:user/x", CanonicalARN: "arn:aws:iam::999988887777:user/x", Account: "999988887777"}
	nodes := func(instance string) string { return map[string]string{"i-1": "ip-10-0-0-7.ec2.internal"}[instance] }
	for _, row := range []struct {
		name, mode string
		id         link.Identity
		aws        *access.AWSAuth
		want       string // name and groups; "" is nobody
	}{
		{"config map", "CONFIG_MAP", assumed("Ops"), aws, "ops:jo-example.com [system:masters]"},
		{"entry wins", "API_AND_CONFIG_MAP", assumed("Ops"), aws, "entry:jo@example.com [g]"},
		{"entry alone", "API", assumed("Ops"), aws, "entry:jo@example.com [g]"},
		{"case does not count in aws-auth", "CONFIG_MAP", assumed("oPS"), aws, "ops:jo-example.com [system:masters]"},
		{"path in aws-auth", "CONFIG_MAP", assumed("pathed"), aws, ""},
		{"path in an entry", "API", assumed("deep"), nil, "deep []"},
		{"user", "API_AND_CONFIG_MAP", jo, aws, "jo-111122223333-AKIAJ []"},
		{"account", "CONFIG_MAP", foreign, aws, "arn:aws:iam::999988887777:user/x []"},
		{"aws-auth in mode API", "API", jo, aws, ""},
		{"entries in mode CONFIG_MAP", "CONFIG_MAP", assumed("deep"), aws, ""},
		{"no aws-auth", "CONFIG_MAP", jo, nil, ""},
		{"creator", "CONFIG_MAP", assumed("creator"), nil, "kubernetes-admin [system:masters]"},
		{"creator in mode API", "API", assumed("creator"), nil, ""},
		{"pod execution role", "API", assumed("pods"), nil, "system:node:jo-example.com [system:nodes]"},
		{"instance", "API", instance, nil, "system:node:ip-10-0-0-7.ec2.internal [system:nodes]"},
		{"instance that is no node", "API", assumed("workers"), nil, "system:node:jo@example.com [system:nodes]"},
		{"nobody", "API_AND_CONFIG_MAP", assumed("nobody"), aws, ""},
		{"garbage", "API_AND_CONFIG_MAP", link.Identity{CanonicalARN: "x"}, aws, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := link.Settings{AuthenticationMode: row.mode, AccessEntries: entries, CreatorARN: "arn:aws:sts::111122223333:assumed-role/creator/s"}
			u, ok := access.User(row.id, s, row.aws, nodes)
			if !ok {
				u = &user.DefaultInfo{}
			}
			if got := strings.TrimSpace(u.GetName() + " [" + strings.Join(u.GetGroups(), " ") + "]"); ok != (row.want != "") || ok && got != row.want {
				t.Errorf("%s %t", got, ok)
			}
			if ok && !slices.Equal(u.GetExtra()["canonicalArn"], []string{row.id.CanonicalARN}) {
				t.Errorf("extra %v", u.GetExtra())
			}
		})
	}
}

func TestParseAWSAuthKeepsWhatCanBeRead(t *testing.T) {
	aws, err := access.ParseAWSAuth(map[string]string{"mapRoles": configMap, "mapUsers": "- userarn: [", "mapAccounts": "[\"999988887777\"]"})
	if err == nil || !strings.HasPrefix(err.Error(), "aws-auth, mapUsers: ") {
		t.Errorf("error %v", err)
	}
	if _, ok := access.User(assumed("Ops"), link.Settings{AuthenticationMode: "CONFIG_MAP"}, aws, nil); !ok {
		t.Error("the roles are lost")
	}
}

func TestSamePrincipal(t *testing.T) {
	for _, row := range []struct {
		a, b string
		same bool
	}{
		{"arn:aws:iam::1:role/a/b/R", "arn:aws:sts::1:assumed-role/R/s", true},
		{"arn:aws:iam::1:role/R", "arn:aws:iam::2:role/R", false},
		{"arn:aws:iam::1:role/R", "arn:aws:iam::1:user/R", false},
		{"arn:aws-cn:iam::1:role/R", "arn:aws:iam::1:role/R", false},
		{"arn:aws:s3:::role/R", "arn:aws:s3:::role/R", false},
		{"R", "R", false},
	} {
		if access.SamePrincipal(row.a, row.b) != row.same || access.SamePrincipal(row.b, row.a) != row.same {
			t.Errorf("%s and %s", row.a, row.b)
		}
	}
}

// verifier says of whom a token is.
type verifier map[string]link.Identity

var errForged = errors.New("nobody signed this")
