package eks_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/eks/link"
)

// newProfile is a request for a profile of the pods in one namespace.
func newProfile(cluster, name string) *sdk.CreateFargateProfileInput {
	return &sdk.CreateFargateProfileInput{
		ClusterName: &cluster, FargateProfileName: &name, PodExecutionRoleArn: aws.String(podRole),
		Selectors: []types.FargateProfileSelector{{Namespace: aws.String("default")}},
	}
}

func (w *world) profile(cluster, name string) *types.FargateProfile {
	w.t.Helper()
	out, err := w.DescribeFargateProfile(w.ctx, &sdk.DescribeFargateProfileInput{ClusterName: &cluster, FargateProfileName: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.FargateProfile
}

func (w *world) deleteProfile(cluster, name string) (*sdk.DeleteFargateProfileOutput, error) {
	return w.DeleteFargateProfile(w.ctx, &sdk.DeleteFargateProfileInput{ClusterName: &cluster, FargateProfileName: &name})
}

func TestFargateProfile(t *testing.T) {
	w := newWorld(t)
	w.create("web", types.AuthenticationModeApi)
	arn := arnPrefix + "cluster/web"
	w.planes.hold()
	in := newProfile("web", "fp")
	in.Selectors = append(in.Selectors, types.FargateProfileSelector{Namespace: aws.String("prod-*"), Labels: map[string]string{"app": "web?", "k8s.io/x-*": ""}})
	in.Tags = map[string]string{"k": "v"}
	made := must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, in)).FargateProfile
	want := &types.FargateProfile{
		FargateProfileName: aws.String("fp"), ClusterName: aws.String("web"), CreatedAt: made.CreatedAt, FargateProfileArn: made.FargateProfileArn,
		PodExecutionRoleArn: aws.String(podRole), Subnets: []string{"subnet-a", "subnet-b"}, Status: types.FargateProfileStatusCreating, Tags: in.Tags,
		Selectors: []types.FargateProfileSelector{
			{Namespace: aws.String("default"), Labels: map[string]string{}}, {Namespace: aws.String("prod-*"), Labels: in.Selectors[1].Labels}},
		Health: &types.FargateProfileHealth{Issues: []types.FargateProfileIssue{}},
	}
	if d := cmp.Diff(want, made, smithyEqual); d != "" {
		t.Error(d)
	}
	if !regexp.MustCompile(`^` + arnPrefix + `fargateprofile/web/fp/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(*made.FargateProfileArn) {
		t.Errorf("ARN is %s", *made.FargateProfileArn)
	}
	w.reconcile()
	if p := w.profile("web", "fp"); p.Status != types.FargateProfileStatusCreating {
		t.Errorf("%s before the control plane follows it", p.Status)
	}
	told := w.planes.told(arn).FargateProfiles
	subnet := func(id, cidr, zone string) link.Subnet {
		return link.Subnet{ID: id, VPC: "vpc-1", CIDR: cidr, VPCCIDR: "192.168.0.0/16", Zone: zone}
	}
	wantTold := []link.FargateProfile{{
		Name: "fp", RoleARN: podRole, Subnets: []link.Subnet{subnet("subnet-a", "192.168.0.0/24", "eu-west-1a"), subnet("subnet-b", "192.168.1.0/24", "eu-west-1b")},
		Selectors: []link.Selector{{Namespace: "default", Labels: map[string]string{}}, {Namespace: "prod-*", Labels: in.Selectors[1].Labels}},
	}}
	if d := cmp.Diff(wantTold, told); d != "" {
		t.Error(d)
	}
	_, err := w.CreateFargateProfile(w.ctx, newProfile("web", "other"))
	refused(t, err, "ResourceInUseException: Cannot create Fargate Profile other because cluster web currently has Fargate profile fp in status CREATING")
	w.planes.release()
	w.reconcile()
	want.Status = types.FargateProfileStatusActive
	if d := cmp.Diff(want, w.profile("web", "fp"), smithyEqual); d != "" {
		t.Error(d)
	}
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "other")))
	w.reconcile()

	w.planes.hold()
	gone := must[*sdk.DeleteFargateProfileOutput](t)(w.deleteProfile("web", "fp"))
	if gone.FargateProfile.Status != types.FargateProfileStatusDeleting {
		t.Errorf("profile is %s", gone.FargateProfile.Status)
	}
	_, err = w.deleteProfile("web", "other")
	refused(t, err, "ResourceInUseException: Cannot delete Fargate Profile other because cluster web currently has Fargate profile fp in status DELETING")
	w.reconcile()
	if deleting := w.planes.told(arn).FargateProfiles[0]; !deleting.Deleting {
		t.Error("the control plane does not know that the profile goes")
	}
	w.planes.becomes(arn, func(s *link.Status) {
		s.Settings, s.Draining = w.planes.all[arn].settings.Revision, map[string]int{"fargateprofile/fp": 2}
	})
	w.reconcile()
	if p := w.profile("web", "fp"); p.Status != types.FargateProfileStatusDeleting {
		t.Errorf("%s while pods run", p.Status)
	}
	w.planes.becomes(arn, func(s *link.Status) { s.Draining = nil })
	w.reconcile()
	_, err = w.DescribeFargateProfile(w.ctx, &sdk.DescribeFargateProfileInput{ClusterName: aws.String("web"), FargateProfileName: aws.String("fp")})
	refused(t, err, "ResourceNotFoundException: No Fargate Profile found with name: fp.")
	wantStatus(t, err, 404)
}

func TestProfileLetsItsRoleIn(t *testing.T) {
	w := newWorld(t)
	w.create("web", types.AuthenticationModeApiAndConfigMap)
	nodes := func() (n int) {
		for _, e := range w.planes.told(arnPrefix + "cluster/web").AccessEntries {
			if e.Type == "FARGATE_LINUX" && e.PrincipalARN == podRole {
				n++
			}
		}
		return n
	}
	for _, name := range []string{"a", "b"} {
		must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", name)))
		w.reconcile()
	}
	if nodes() != 1 {
		t.Errorf("%d entries", nodes())
	}
	for left, name := range []string{"a", "b"} {
		must[*sdk.DeleteFargateProfileOutput](t)(w.deleteProfile("web", name))
		w.reconcile()
		if nodes() != 1-left {
			t.Errorf("%d entries after %s went", nodes(), name)
		}
	}
}

func TestProfileWithoutControlPlane(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "there")))
	w.reconcile()
	w.planes.hold()
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp")))
	w.planes.becomes(arnPrefix+"cluster/web", func(s *link.Status) { s.Phase, s.Error = link.Failed, "its disk is full" })
	w.reconcile()
	unreachable := func(name string, status types.FargateProfileStatus) {
		t.Helper()
		p := w.profile("web", name)
		if p.Status != status || p.Health.Issues[0].Code != types.FargateProfileIssueCodeClusterUnreachable || *p.Health.Issues[0].Message != "its disk is full" {
			t.Errorf("profile is %s: %+v", p.Status, p.Health.Issues)
		}
	}
	unreachable("fp", types.FargateProfileStatusCreateFailed)
	must[*sdk.DeleteFargateProfileOutput](t)(w.deleteProfile("web", "there"))
	w.reconcile()
	unreachable("there", types.FargateProfileStatusDeleteFailed)
	must[*sdk.DeleteClusterOutput](t)(w.DeleteCluster(w.ctx, &sdk.DeleteClusterInput{Name: aws.String("web")}))
}

func TestPrivateSubnetsOfProfiles(t *testing.T) {
	w := newWorld(t)
	in := newCluster("web")
	in.ResourcesVpcConfig.SubnetIds = []string{"subnet-public", "subnet-b"}
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	in = newCluster("open")
	in.ResourcesVpcConfig.SubnetIds = []string{"subnet-public", "subnet-door"}
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, in))
	w.reconcile()
	made := must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "fp"))).FargateProfile
	if d := cmp.Diff([]string{"subnet-b"}, made.Subnets); d != "" {
		t.Error(d)
	}
	_, err := w.CreateFargateProfile(w.ctx, newProfile("open", "fp"))
	refused(t, err, "InvalidParameterException: Fargate Profile requires private subnets, but cluster open has none: each of its subnets has a route to an internet gateway.")
}

func TestRefusedProfiles(t *testing.T) {
	const malformed = "InvalidParameterException: The Fargate profile name parameter contains invalid characters. It may hold letters, digits, hyphens and underscores only."
	selector := func(namespace string, labels map[string]string) func(*sdk.CreateFargateProfileInput) {
		return func(in *sdk.CreateFargateProfileInput) {
			in.Selectors = []types.FargateProfileSelector{{Namespace: &namespace, Labels: labels}}
		}
	}
	name := func(s string) func(*sdk.CreateFargateProfileInput) {
		return func(in *sdk.CreateFargateProfileInput) { in.FargateProfileName = &s }
	}
	role := func(arn string) func(*sdk.CreateFargateProfileInput) {
		return func(in *sdk.CreateFargateProfileInput) { in.PodExecutionRoleArn = &arn }
	}
	place := func(id string) func(*sdk.CreateFargateProfileInput) {
		return func(in *sdk.CreateFargateProfileInput) { in.Subnets = []string{id} }
	}
	const distrust = "InvalidParameterException: Misconfigured PodExecutionRole Trust Policy; Please add the eks-fargate-pods.amazonaws.com Service Principal"
	many := map[string]string{"a": "", "b": "", "c": "", "d": "", "e": "", "f": ""}
	w := newWorld(t)
	w.create("web", "")
	must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", "there")))
	w.reconcile()
	for _, row := range []struct {
		name string
		make func(in *sdk.CreateFargateProfileInput)
		want string
	}{
		{"there", name("there"), "ResourceInUseException: A Fargate Profile already exists with this name in this cluster."},
		{"no selector", func(in *sdk.CreateFargateProfileInput) { in.Selectors = nil }, "InvalidParameterException: Fargate Profile requires at least one selector."},
		{"no namespace", func(in *sdk.CreateFargateProfileInput) { in.Selectors = make([]types.FargateProfileSelector, 1) },
			"InvalidParameterException: Fargate Profile must have at least one selector with at least one namespace value."},
		{"six selectors", func(in *sdk.CreateFargateProfileInput) { in.Selectors = make([]types.FargateProfileSelector, 6) },
			"InvalidParameterException: Request contains more than 5 Selectors"},
		{"six labels", selector("default", many), "InvalidParameterException: Request contains Selector with more than 5 Label pairs"},
		{"namespace", selector("Default", nil), "InvalidParameterException: The namespace provided is invalid."},
		{"long namespace", selector(strings.Repeat("n", 64), nil), "InvalidParameterException: The namespace provided is invalid."},
		{"label key", selector("default", map[string]string{"a b": "c"}), "InvalidParameterException: Selector label provided is invalid."},
		{"label domain", selector("default", map[string]string{"A/b": "c"}), "InvalidParameterException: Selector label provided is invalid."},
		{"label value", selector("default", map[string]string{"a": "-"}), "InvalidParameterException: Selector label provided is invalid."},
		{"name", name("a.b"), malformed},
		{"reserved name", name("eks-a"), "InvalidParameterException: The fargate profile name starts with the reserved prefix: 'eks-'."},
		{"long name", name(strings.Repeat("n", 101)), "InvalidParameterException: The Fargate profile name parameter can have at most 100 characters."},
		{"public subnet", place("subnet-public"), "InvalidParameterException: Subnet subnet-public provided in Fargate Profile is not a private subnet"},
		{"foreign subnet", place("subnet-10a"), "InvalidParameterException: Subnet subnet-10a provided in Fargate Profile is not in the VPC of the cluster, vpc-1"},
		{"unknown subnet", place("subnet-x"),
			"InvalidParameterException: The subnet ID 'subnet-x' does not exist (Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)"},
		{"role's trust", role(clusterRole), distrust},
		{"no role", role(podRole + "x"), distrust},
		{"malformed role", role("pods"), "InvalidParameterException: Invalid Role Arn: 'pods'"},
		{"foreign role", role("arn:aws:iam::222233334444:role/pods"), "AccessDeniedException: Cross-account pass role is not allowed."},
		{"cluster", func(in *sdk.CreateFargateProfileInput) { in.ClusterName = aws.String("nope") }, "ResourceNotFoundException: No cluster found for name: nope."},
	} {
		t.Run(row.name, func(t *testing.T) {
			in := newProfile("web", "fp")
			row.make(in)
			_, err := w.CreateFargateProfile(w.ctx, in)
			refused(t, err, row.want)
		})
	}
	_, err := w.deleteProfile("web", "fp")
	refused(t, err, "ResourceNotFoundException: No Fargate Profile found with name: fp.")
}

func TestProfileOfAClusterThatIsNotActive(t *testing.T) {
	w := newWorld(t)
	w.planes.hold()
	w.create("web", "")
	_, err := w.CreateFargateProfile(w.ctx, newProfile("web", "fp"))
	refused(t, err, "InvalidRequestException: Cluster 'web' is not in ACTIVE status")
}

func TestProfileTokenAndQuota(t *testing.T) {
	w := newWorld(t)
	w.create("web", "")
	in := newProfile("web", "p0")
	in.ClientRequestToken = aws.String("t")
	first := must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, in)).FargateProfile
	if again := must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, in)).FargateProfile; *again.FargateProfileArn != *first.FargateProfileArn {
		t.Error("the same request made two")
	}
	w.reconcile()
	for i := 1; i < 10; i++ {
		must[*sdk.CreateFargateProfileOutput](t)(w.CreateFargateProfile(w.ctx, newProfile("web", fmt.Sprint("p", i))))
		w.reconcile()
	}
	_, err := w.CreateFargateProfile(w.ctx, newProfile("web", "p10"))
	refused(t, err, "ResourceLimitExceededException: Fargate Profile limit exceeded: a cluster can have 10.")
	var names []string
	pages := sdk.NewListFargateProfilesPaginator(w.Client, &sdk.ListFargateProfilesInput{ClusterName: aws.String("web"), MaxResults: aws.Int32(4)})
	for pages.HasMorePages() {
		names = append(names, must[*sdk.ListFargateProfilesOutput](t)(pages.NextPage(w.ctx)).FargateProfileNames...)
	}
	if got := strings.Join(names, " "); got != "p0 p1 p2 p3 p4 p5 p6 p7 p8 p9" {
		t.Errorf("list is %s", got)
	}
}
