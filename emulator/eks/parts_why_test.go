package eks_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/store"
)

// ineffective are the fields that have no effect, as "part field".
func (w *world) ineffective(t *testing.T, key string) []string {
	t.Helper()
	var fields []string
	err := w.st.View(w.ctx, func(tx *store.Tx) error {
		list, err := eks.IneffectiveParts(tx, key)
		for _, line := range list {
			field, _, _ := strings.Cut(line, ":")
			if strings.HasPrefix(line, "access-entry/") {
				field = line[:strings.Index(line, ": ")]
			}
			fields = append(fields, field)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func TestIneffectiveParts(t *testing.T) {
	w := entryWorld(t)
	plain := w.createGroup(t, newGroup("plain"))
	odd := newGroup("odd")
	odd.DiskSize, odd.CapacityType, odd.InstanceTypes = aws.Int32(100), "SPOT", []string{"t3.large", "t3.medium"}
	odd.RemoteAccess = &types.RemoteAccessConfig{Ec2SshKey: aws.String("me")}
	odd.UpdateConfig = &types.NodegroupUpdateConfig{MaxUnavailable: aws.Int32(3)}
	odd.NodeRepairConfig, odd.WarmPoolConfig = &types.NodeRepairConfig{Enabled: aws.Bool(true)}, &types.WarmPoolConfig{Enabled: aws.Bool(true)}
	w.createGroup(t, odd)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns"), ConfigurationValues: aws.String("replicaCount: 3")})
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("metrics-server"), ServiceAccountRoleArn: aws.String(podRole),
		NamespaceConfig: &types.AddonNamespaceConfigRequest{Namespace: aws.String("metrics")}})
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(podRole), Type: aws.String("HYBRID_LINUX")})
	w.createEntry(t, sdk.CreateAccessEntryInput{PrincipalArn: aws.String(ann)})
	w.associate(t, ann, viewARN, wholeCluster)
	w.associate(t, ann, "arn:aws:eks::aws:cluster-access-policy/AmazonEMRJobPolicy", wholeCluster)
	id := must[*sdk.CreatePodIdentityAssociationOutput](t)(w.CreatePodIdentityAssociation(w.ctx, newIdentity("default", "app"))).Association

	arm := func(list []string) []string { // what depends on this machine
		return slices.DeleteFunc(list, func(s string) bool { return strings.HasSuffix(s, " amiType") })
	}
	key, ok := eks.Key(*plain.NodegroupArn)
	if got := arm(w.ineffective(t, key)); !ok || !slices.Equal(got, []string{"nodegroup/plain nodeRole", "nodegroup/plain resources.autoScalingGroups"}) {
		t.Errorf("of %s: %v", key, got)
	}
	want := []string{
		"access-entry/" + podRole + " type", "access-entry/" + ann + " accessPolicies",
		"addon/coredns configurationValues", "addon/metrics-server namespaceConfig", "addon/metrics-server serviceAccountRoleArn",
		"nodegroup/odd capacityType", "nodegroup/odd diskSize", "nodegroup/odd instanceTypes", "nodegroup/odd nodeRepairConfig", "nodegroup/odd nodeRole",
		"nodegroup/odd remoteAccess", "nodegroup/odd resources.autoScalingGroups", "nodegroup/odd updateConfig", "nodegroup/odd warmPoolConfig",
		"nodegroup/plain nodeRole", "nodegroup/plain resources.autoScalingGroups", "podidentityassociation/" + *id.AssociationId + " roleArn",
	}
	if got := slices.Sorted(slices.Values(arm(w.ineffective(t, web)))); !slices.Equal(got, want) {
		t.Errorf("of the cluster:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	err := w.st.View(w.ctx, func(tx *store.Tx) error {
		list, err := eks.Provided(tx, web)
		if len(list) != 2 || !strings.HasPrefix(list[0], "Add-on coredns: Neargate itself provides it: cluster DNS") {
			t.Errorf("provided: %v", list)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeyOfAnARN(t *testing.T) {
	for arn, want := range map[string]string{
		web:                                                    web,
		arnPrefix + "nodegroup/web/workers/0-1":                web + "/workers",
		arnPrefix + "addon/web/coredns/0-1":                    web + "/coredns",
		arnPrefix + "fargateprofile/web/fp/0-1":                web + "/fp",
		arnPrefix + "podidentityassociation/web/a-1":           web + "/a-1",
		arnPrefix + "identityproviderconfig/web/oidc/corp/0-1": web + "/corp",
		arnPrefix + "access-entry/web/role/" + testAccount + "/team/dev/0-1": web + "/" + devRole,
		arnPrefix + "access-entry/web/root/" + testAccount + "/root/0-1":     web + "/arn:aws:iam::" + testAccount + ":root",
		arnPrefix + "spaceship/web/x":                                        "",
		arnPrefix + "addon/web":                                              "",
		arnPrefix + "access-entry/web/role":                                  "",
		"arn:aws:ecs:" + testRegion + ":" + testAccount + ":cluster/web":     "",
		"web": "",
	} {
		if key, ok := eks.Key(arn); ok != (want != "") || ok && key != want {
			t.Errorf("%s: %s, %t", arn, key, ok)
		}
	}
}
