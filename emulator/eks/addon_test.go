package eks_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

func (w *world) addon(t *testing.T, name string) *types.Addon {
	t.Helper()
	return must[*sdk.DescribeAddonOutput](t)(w.DescribeAddon(w.ctx, &sdk.DescribeAddonInput{ClusterName: aws.String("web"), AddonName: &name})).Addon
}

func (w *world) createAddon(t *testing.T, in sdk.CreateAddonInput) *types.Addon {
	t.Helper()
	in.ClusterName = aws.String("web")
	return must[*sdk.CreateAddonOutput](t)(w.CreateAddon(w.ctx, &in)).Addon
}

func TestAddonIsActiveWhenItIsProvided(t *testing.T) {
	w := entryWorld(t)
	w.planes.hold()
	made := w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns"), Tags: map[string]string{"k": "v"},
		ConfigurationValues: aws.String(`{"computeType":"Fargate"}`), ServiceAccountRoleArn: aws.String(podRole)})
	if made.Status != "CREATING" || made.Health.Issues == nil || *made.AddonVersion != "v1.13.1-eksbuild.1" || *made.NamespaceConfig.Namespace != "kube-system" ||
		*made.Owner != "aws" || *made.Publisher != "eks" || made.Tags["k"] != "v" || !strings.HasPrefix(*made.AddonArn, arnPrefix+"addon/web/coredns/") {
		t.Errorf("made: %+v", made)
	}
	w.reconcile()
	if a := w.addon(t, "coredns"); a.Status != "CREATING" {
		t.Errorf("before the control plane follows it is %s", a.Status)
	}
	w.planes.release()
	w.reconcile()
	active := w.addon(t, "coredns")
	if active.Status != "ACTIVE" || len(active.Health.Issues) > 0 || *active.ConfigurationValues != `{"computeType":"Fargate"}` || *active.ServiceAccountRoleArn != podRole {
		t.Errorf("then: %+v", active)
	}
	want := []link.Addon{{Name: "coredns", Version: "v1.13.1-eksbuild.1", Configuration: `{"computeType":"Fargate"}`, RoleARN: podRole}}
	if d := cmp.Diff(want, w.planes.told(web).Addons); d != "" {
		t.Error(d)
	}
}

func TestAddonSaysWhyItIsNotWell(t *testing.T) {
	w := entryWorld(t)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("vpc-cni")})
	w.reconcile()
	say := func(why string) {
		w.planes.becomes(web, func(s *link.Status) { s.Addons = map[string]string{"vpc-cni": why} })
		w.reconcile()
	}
	say("no subnet has room")
	a := w.addon(t, "vpc-cni")
	if a.Status != "DEGRADED" || len(a.Health.Issues) != 1 || *a.Health.Issues[0].Message != "no subnet has room" {
		t.Errorf("%s: %+v", a.Status, a.Health.Issues)
	}
	say("")
	if a = w.addon(t, "vpc-cni"); a.Status != "ACTIVE" || len(a.Health.Issues) != 0 {
		t.Errorf("%s: %+v", a.Status, a.Health.Issues)
	}
}

func TestRefusedAddons(t *testing.T) {
	w := entryWorld(t)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns")})
	for _, row := range []struct {
		name string
		in   sdk.CreateAddonInput
		want string
	}{
		{"duplicate", sdk.CreateAddonInput{AddonName: aws.String("coredns")}, "ResourceInUseException: Addon already exists."},
		{"unknown", sdk.CreateAddonInput{AddonName: aws.String("nope")}, "InvalidParameterException: Addon nope specified is not supported in 1.35 kubernetes version"},
		{"AWS's", sdk.CreateAddonInput{AddonName: aws.String("aws-ebs-csi-driver")},
			"InvalidParameterException: Addon aws-ebs-csi-driver specified is not supported: Neargate does not provide it, and an add-on with nothing behind it would only seem to work. " +
				"Leave it out; there is no Amazon EBS: use emptyDir volumes."},
		{"version", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), AddonVersion: aws.String("v999.0.0-eksbuild.1")},
			"InvalidParameterException: Addon version specified is not supported"},
		{"no version", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), AddonVersion: aws.String("latest")},
			"InvalidParameterException: Addon version specified is not supported"},
		{"kube-proxy of another minor", sdk.CreateAddonInput{AddonName: aws.String("kube-proxy"), AddonVersion: aws.String("v1.34.0-eksbuild.2")},
			"InvalidParameterException: Addon version specified is not supported"},
		{"configuration", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), ConfigurationValues: aws.String("{")},
			"InvalidParameterException: The ConfigurationValues provided is not in valid YAML or JSON format."},
		{"configuration's member", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), ConfigurationValues: aws.String("colour: red")},
			"InvalidParameterException: ConfigurationValue provided in request is not supported: Json schema validation failed with error: " +
				"[$.colour: is not defined in the schema and the schema does not allow additional properties]"},
		{"configuration's kind", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), ConfigurationValues: aws.String("env: [a]")},
			"InvalidParameterException: ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$.env: array found, object expected]"},
		{"namespace", sdk.CreateAddonInput{AddonName: aws.String("metrics-server"), NamespaceConfig: &types.AddonNamespaceConfigRequest{Namespace: aws.String("Under_score")}},
			"InvalidParameterException: Provided namespace value is not a valid RFC 1123 DNS label"},
		{"role", sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), ServiceAccountRoleArn: aws.String("arn:aws:iam::" + testAccount + ":role/nobody")},
			"InvalidParameterException: Role provided in the request does not exist."},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.in.ClusterName = aws.String("web")
			_, err := w.CreateAddon(w.ctx, &row.in)
			refused(t, err, row.want)
		})
	}
	_, err := w.DescribeAddon(w.ctx, &sdk.DescribeAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("vpc-cni")})
	refused(t, err, "ResourceNotFoundException: No addon: vpc-cni found in cluster: web")
	wantStatus(t, err, 404)
}

func TestPinnedAddonVersionsAreTaken(t *testing.T) {
	w := entryWorld(t)
	for name, version := range map[string]string{
		"vpc-cni": "v1.19.6-eksbuild.7", "coredns": "v1.11.4-eksbuild.14", "kube-proxy": "v1.35.1-eksbuild.9", "metrics-server": "v0.7.2-eksbuild.4", "eks-pod-identity-agent": "v1.2.0-eksbuild.1",
	} {
		if a := w.createAddon(t, sdk.CreateAddonInput{AddonName: &name, AddonVersion: &version}); *a.AddonVersion != version {
			t.Errorf("%s has %s", name, *a.AddonVersion)
		}
	}
	list := must[*sdk.ListAddonsOutput](t)(w.ListAddons(w.ctx, &sdk.ListAddonsInput{ClusterName: aws.String("web"), MaxResults: aws.Int32(3)}))
	if !slices.Equal(list.Addons, []string{"coredns", "eks-pod-identity-agent", "kube-proxy"}) || list.NextToken == nil {
		t.Errorf("first page: %v", list.Addons)
	}
}

func TestUpdateAddon(t *testing.T) {
	w := entryWorld(t)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns"), ConfigurationValues: aws.String("replicaCount: 3"), ServiceAccountRoleArn: aws.String(podRole)})
	in := &sdk.UpdateAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns"), AddonVersion: aws.String("v1.12.4-eksbuild.1"), ResolveConflicts: "OVERWRITE"}
	_, err := w.UpdateAddon(w.ctx, in)
	refused(t, err, "ResourceInUseException: Addon coredns cannot be updated as it is currently in CREATING state")
	w.reconcile()
	w.planes.hold()
	u := must[*sdk.UpdateAddonOutput](t)(w.UpdateAddon(w.ctx, in)).Update
	if u.Type != "AddonUpdate" || u.Status != "InProgress" || len(u.Params) != 2 || u.Params[0].Type != "AddonVersion" || *u.Params[1].Value != "OVERWRITE" {
		t.Errorf("update: %+v", u)
	}
	w.reconcile()
	if a := w.addon(t, "coredns"); a.Status != "UPDATING" {
		t.Errorf("meanwhile it is %s", a.Status)
	}
	_, err = w.UpdateAddon(w.ctx, &sdk.UpdateAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns")})
	refused(t, err, "ResourceInUseException: Addon coredns cannot be updated as it is currently in UPDATING state")
	w.planes.release()
	w.reconcile()
	a := w.addon(t, "coredns")
	if a.Status != "ACTIVE" || *a.AddonVersion != "v1.12.4-eksbuild.1" || *a.ConfigurationValues != "replicaCount: 3" || a.ServiceAccountRoleArn != nil {
		t.Errorf("then: %+v", a)
	}
	done := must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), AddonName: aws.String("coredns"), UpdateId: u.Id})).Update
	if done.Status != "Successful" || len(done.Errors) > 0 {
		t.Errorf("the update is %s %v", done.Status, done.Errors)
	}
}

func TestUpdateAddonFails(t *testing.T) {
	w := entryWorld(t)
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns")})
	w.reconcile()
	w.planes.hold()
	u := must[*sdk.UpdateAddonOutput](t)(w.UpdateAddon(w.ctx, &sdk.UpdateAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns"),
		AddonVersion: aws.String("v1.12.4-eksbuild.1")})).Update
	w.reconcile()
	w.planes.becomes(web, func(s *link.Status) {
		s.Settings, s.Addons = w.planes.all[web].settings.Revision, map[string]string{"coredns": "it does not answer"}
	})
	w.reconcile()
	if a := w.addon(t, "coredns"); a.Status != "UPDATE_FAILED" || *a.Health.Issues[0].Message != "it does not answer" {
		t.Errorf("%s: %+v", a.Status, a.Health.Issues)
	}
	done := must[*sdk.DescribeUpdateOutput](t)(w.DescribeUpdate(w.ctx, &sdk.DescribeUpdateInput{Name: aws.String("web"), AddonName: aws.String("coredns"), UpdateId: u.Id})).Update
	if done.Status != "Failed" || *done.Errors[0].ErrorMessage != "it does not answer" {
		t.Errorf("the update is %s %+v", done.Status, done.Errors)
	}
}

func TestDeleteAddon(t *testing.T) {
	w := entryWorld(t)
	for _, name := range []string{"coredns", "vpc-cni"} {
		w.createAddon(t, sdk.CreateAddonInput{AddonName: &name})
	}
	w.reconcile()
	w.planes.hold()
	del := func(name string, preserve bool) *types.Addon {
		return must[*sdk.DeleteAddonOutput](t)(w.DeleteAddon(w.ctx, &sdk.DeleteAddonInput{ClusterName: aws.String("web"), AddonName: &name, Preserve: preserve})).Addon
	}
	if a := del("coredns", false); a.Status != "DELETING" {
		t.Errorf("deleted: %s", a.Status)
	}
	del("vpc-cni", true)
	w.reconcile()
	if a := w.addon(t, "coredns"); a.Status != "DELETING" {
		t.Errorf("until the control plane follows it is %s", a.Status)
	}
	w.planes.release()
	w.reconcile()
	for _, name := range []string{"coredns", "vpc-cni"} {
		_, err := w.DescribeAddon(w.ctx, &sdk.DescribeAddonInput{ClusterName: aws.String("web"), AddonName: &name})
		refused(t, err, "ResourceNotFoundException: No addon: "+name+" found in cluster: web")
	}
	if told := w.planes.told(web).Addons; len(told) != 1 || told[0].Name != "vpc-cni" {
		t.Errorf("what was preserved is told as %+v", told)
	}
	if list := must[*sdk.ListAddonsOutput](t)(w.ListAddons(w.ctx, &sdk.ListAddonsInput{ClusterName: aws.String("web")})).Addons; len(list) > 0 {
		t.Errorf("left: %v", list)
	}
	w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("vpc-cni")})
	w.reconcile()
	if a := w.addon(t, "vpc-cni"); a.Status != "ACTIVE" {
		t.Errorf("made again it is %s", a.Status)
	}
}

func TestAddonWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := entryWorld(t)
		w.planes.hold()
		stop := w.run()
		defer stop()
		w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("coredns")})
		go func() {
			<-time.After(time.Minute)
			w.planes.release()
		}()
		began := time.Now()
		describe := &sdk.DescribeAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns")}
		if err := sdk.NewAddonActiveWaiter(w).Wait(w.ctx, describe, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Minute {
			t.Errorf("ACTIVE after %s", took)
		}
		must[*sdk.DeleteAddonOutput](t)(w.DeleteAddon(w.ctx, &sdk.DeleteAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("coredns")}))
		if err := sdk.NewAddonDeletedWaiter(w).Wait(w.ctx, describe, 5*time.Minute); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAddonOwnsIdentities(t *testing.T) {
	w := entryWorld(t)
	pair := func(account string) []types.AddonPodIdentityAssociations {
		return []types.AddonPodIdentityAssociations{{ServiceAccount: &account, RoleArn: aws.String(podRole)}}
	}
	a := w.createAddon(t, sdk.CreateAddonInput{AddonName: aws.String("vpc-cni"), PodIdentityAssociations: pair("aws-node")})
	if len(a.PodIdentityAssociations) != 1 || strings.Count(a.PodIdentityAssociations[0], "/") != 2 {
		t.Fatalf("associations: %v", a.PodIdentityAssociations)
	}
	id := a.PodIdentityAssociations[0][strings.LastIndexByte(a.PodIdentityAssociations[0], '/')+1:]
	p := w.identity(t, id)
	if *p.Namespace != "kube-system" || *p.ServiceAccount != "aws-node" || *p.OwnerArn != *a.AddonArn {
		t.Errorf("owned: %+v", p)
	}
	w.reconcile()
	must[*sdk.UpdateAddonOutput](t)(w.UpdateAddon(w.ctx, &sdk.UpdateAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("vpc-cni"), PodIdentityAssociations: pair("other")}))
	w.reconcile()
	if left := w.identities(t); len(left) != 1 || *left[0].ServiceAccount != "other" {
		t.Errorf("after the update: %+v", left)
	}
	must[*sdk.DeleteAddonOutput](t)(w.DeleteAddon(w.ctx, &sdk.DeleteAddonInput{ClusterName: aws.String("web"), AddonName: aws.String("vpc-cni")}))
	if left := w.identities(t); len(left) != 0 {
		t.Errorf("after the deletion: %+v", left)
	}
}

func TestAddonVersions(t *testing.T) {
	w := newWorld(t)
	var names []string
	for p := sdk.NewDescribeAddonVersionsPaginator(w, &sdk.DescribeAddonVersionsInput{KubernetesVersion: aws.String("1.35"), MaxResults: aws.Int32(3)}); p.HasMorePages(); {
		for _, a := range must[*sdk.DescribeAddonVersionsOutput](t)(p.NextPage(w.ctx)).Addons {
			names = append(names, *a.AddonName)
			defaults := 0
			for _, v := range a.AddonVersions {
				for _, c := range v.Compatibilities {
					if *c.ClusterVersion != "1.35" {
						t.Errorf("%s %s goes with %s", *a.AddonName, *v.AddonVersion, *c.ClusterVersion)
					}
					if c.DefaultVersion {
						defaults++
					}
				}
			}
			if defaults != 1 {
				t.Errorf("%s has %d defaults", *a.AddonName, defaults)
			}
		}
	}
	if !slices.Equal(names, []string{"coredns", "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"}) {
		t.Errorf("add-ons: %v", names)
	}
	for name, in := range map[string]sdk.DescribeAddonVersionsInput{
		"name": {AddonName: aws.String("aws-ebs-csi-driver")}, "owner": {Owners: []string{"aws-marketplace"}}, "type": {Types: []string{"storage"}}, "publisher": {Publishers: []string{"me"}},
	} {
		if out := must[*sdk.DescribeAddonVersionsOutput](t)(w.DescribeAddonVersions(w.ctx, &in)); out.Addons == nil || len(out.Addons) > 0 {
			t.Errorf("%s: %+v", name, out.Addons)
		}
	}
}

func TestAddonConfiguration(t *testing.T) {
	w := newWorld(t)
	out := must[*sdk.DescribeAddonConfigurationOutput](t)(w.DescribeAddonConfiguration(w.ctx, &sdk.DescribeAddonConfigurationInput{
		AddonName: aws.String("vpc-cni"), AddonVersion: aws.String("v1.21.1-eksbuild.1")}))
	var schema struct {
		Type       string
		Properties map[string]struct{ Type string }
	}
	if err := json.Unmarshal([]byte(*out.ConfigurationSchema), &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Type != "object" || schema.Properties["env"].Type != "object" || *out.PodIdentityConfiguration[0].ServiceAccount != "aws-node" {
		t.Errorf("schema: %s, identities: %+v", *out.ConfigurationSchema, out.PodIdentityConfiguration)
	}
	_, err := w.DescribeAddonConfiguration(w.ctx, &sdk.DescribeAddonConfigurationInput{AddonName: aws.String("vpc-cni"), AddonVersion: aws.String("v9.9.9-eksbuild.1")})
	refused(t, err, "InvalidParameterException: Addon version specified is not supported")
}
