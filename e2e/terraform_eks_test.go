package e2e_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"

	"github.com/neargate/neargate/fixtures"
)

// TestTerraformEKS makes the EKS stack of fixtures/terraform with a real control
// plane, asks it with the token that Terraform has, upgrades it, takes it over
// by import and destroys it; all with signatures that are verified.
func TestTerraformEKS(t *testing.T) {
	t.Parallel()
	requireTerraform(t)
	fixtures.RequireCommand(t, "kubectl")
	s := serveFake(t, "--kube", requireKube(t), "--auth=verify")
	terraformEKS(t, s, func(tf *terraform, version string, nodes int) {
		if out := tf.kubectl("get", "namespaces", "-o", "name"); !strings.Contains(out, "namespace/kube-system") {
			t.Errorf("namespaces: %s", out)
		}
		if out := tf.kubectl("version", "-o", "json"); !strings.Contains(out, `"gitVersion": "v`+version+".") {
			t.Errorf("the API server is not of version %s: %s", version, out)
		}
		if out := tf.kubectl("get", "nodes", "-l", "eks.amazonaws.com/nodegroup=workers", "-o", "name"); strings.Count(out, "node/") != nodes {
			t.Errorf("%d nodes are wanted, and there are: %s", nodes, out)
		}
	})
}

// TestTerraformEKSRecords does the same where the EKS API is alone.
func TestTerraformEKSRecords(t *testing.T) {
	t.Parallel()
	requireTerraform(t)
	terraformEKS(t, serveFake(t, "--eks=records"), func(*terraform, string, int) {})
}

func terraformEKS(t *testing.T, s *server, look func(tf *terraform, version string, nodes int)) {
	before := s.inventory(t)
	tf := s.terraform(t, "eks")
	tf.apply()
	look(tf, "1.34", 1)
	tf.apply("kubernetes_version=1.35", "stage=live", `logs=["audit","scheduler"]`, "support=EXTENDED", "nodes=2")
	look(tf, "1.35", 2)
	checkCluster(t, s)
	tf.adopt("aws_eks_cluster.main", "shop")
	tf.settled()
	tf.destroy()
	s.checkInventory(t, before)
}

// checkCluster checks that what Terraform changed is so.
func checkCluster(t testing.TB, s *server) {
	t.Helper()
	client, ctx := eks.NewFromConfig(s.config()), context.Background()
	out, err := client.DescribeCluster(ctx, &eks.DescribeClusterInput{Name: aws.String("shop")})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Cluster
	if aws.ToString(c.Version) != "1.35" || c.Tags["Stage"] != "live" || c.UpgradePolicy.SupportType != "EXTENDED" {
		t.Errorf("cluster: version %s, tags %v, upgrade policy %v", aws.ToString(c.Version), c.Tags, c.UpgradePolicy.SupportType)
	}
	for _, l := range c.Logging.ClusterLogging {
		slices.Sort(l.Types)
		if on := aws.ToBool(l.Enabled); on && len(l.Types) != 2 || !on && len(l.Types) != 3 {
			t.Errorf("logs: %v enabled: %v", l.Types, on)
		}
	}
	profile, err := client.DescribeFargateProfile(ctx, &eks.DescribeFargateProfileInput{ClusterName: c.Name, FargateProfileName: aws.String("apps")})
	if err != nil || profile.FargateProfile.Tags["Stage"] != "live" || len(profile.FargateProfile.Selectors) != 3 {
		t.Errorf("profile: %+v %v", profile, err)
	}
	group, err := client.DescribeNodegroup(ctx, &eks.DescribeNodegroupInput{ClusterName: c.Name, NodegroupName: aws.String("workers")})
	if err != nil {
		t.Fatal(err)
	}
	if g := group.Nodegroup; aws.ToString(g.Version) != "1.35" || *g.ScalingConfig.DesiredSize != 2 || g.Labels["stage"] != "live" {
		t.Errorf("node group: version %s, %d nodes, labels %v", aws.ToString(g.Version), *g.ScalingConfig.DesiredSize, g.Labels)
	}
}

// kubectl runs a command as the stack's cluster data say: its endpoint, its
// certificate authority, and the token of data.aws_eks_cluster_auth.
func (tf *terraform) kubectl(args ...string) string {
	tf.t.Helper()
	var endpoint, authority string
	tf.output("endpoint", &endpoint)
	tf.output("certificate_authority", &authority)
	pem, err := base64.StdEncoding.DecodeString(authority)
	if err != nil {
		tf.t.Fatal(err)
	}
	path := filepath.Join(tf.dir, "ca.pem")
	if err := os.WriteFile(path, pem, 0o600); err != nil {
		tf.t.Fatal(err)
	}
	args = append([]string{
		"--kubeconfig=" + os.DevNull, "--cache-dir=" + filepath.Join(tf.dir, "cache"), "--server=" + endpoint, "--certificate-authority=" + path,
		"--token=" + tf.attribute("data.aws_eks_cluster_auth.main", "token"), "--request-timeout=" + time.Minute.String(),
	}, args...)
	out, err := command(nil, "kubectl", args...)
	if err != nil {
		tf.t.Fatal(err)
	}
	return out
}
