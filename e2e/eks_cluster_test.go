package e2e_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	sandbox "github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/fixtures"
)

// This file makes EKS clusters for the tests whose names begin with TestEKS.

// requireKube returns the path of neargate-kube, from NEARGATE_KUBE or where
// `make build-kube` puts it. Without it the test is skipped, and fails when
// NEARGATE_REQUIRE_KUBE=1: nobody builds Kubernetes in a test.
func requireKube(t testing.TB) string {
	t.Helper()
	path := os.Getenv("NEARGATE_KUBE")
	if path == "" {
		path = filepath.Join("..", "bin", "neargate-kube")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		fixtures.Skip(t, "NEARGATE_REQUIRE_KUBE", "neargate-kube is not built: `make build-kube` makes it, or NEARGATE_KUBE names it")
	}
	return path
}

// serveEKS starts a server that can make clusters.
func serveEKS(t testing.TB, args ...string) *server {
	t.Helper()
	requirePodImage(t)
	fixtures.RequireCommand(t, "kubectl")
	return serve(t, append([]string{"--kube", requireKube(t)}, args...)...)
}

// podImage has the probe in its PATH, as probe and as tar.
var podImage = fmt.Sprintf("neargate-e2e-pod:%d", os.Getpid())

func requirePodImage(t testing.TB) {
	t.Helper()
	requireImages(t)
	if err := makePodImage(); err != nil {
		t.Fatal(err)
	}
}

var makePodImage = sync.OnceValue(func() error {
	program, err := os.ReadFile(filepath.Join(filepath.Dir(binary), "probe"))
	if err != nil {
		return err
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	for _, h := range []*tar.Header{
		{Typeflag: tar.TypeDir, Name: "tmp/", Mode: 0o1777},
		{Typeflag: tar.TypeDir, Name: "etc/", Mode: 0o755},
		{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755},
		{Typeflag: tar.TypeSymlink, Name: "bin/tar", Linkname: "probe"},
		{Typeflag: tar.TypeReg, Name: "bin/probe", Mode: 0o755, Size: int64(len(program))},
	} {
		if err := w.WriteHeader(h); err != nil {
			return err
		}
	}
	if _, err := w.Write(program); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	cmd := exec.Command("docker", "import", "--change", `ENTRYPOINT ["/bin/probe"]`, "-", podImage)
	cmd.Stdin = &root
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("docker import: %w\n%s", err, text)
	}
	return nil
})

// eksCluster is a cluster of a test, with kubectl pointed at it.
type eksCluster struct {
	*server
	name    string
	vpc     string
	subnets []string
	roles   map[string]string // ARNs by trusted service
	dir     string
	config  string // of kubectl
}

const (
	clusterService = "eks.amazonaws.com"
	podService     = "eks-fargate-pods.amazonaws.com"
)

// prepare makes what clusters need: two roles and a VPC with private subnets.
func (s *server) prepare(t testing.TB, name string) *eksCluster {
	t.Helper()
	c := &eksCluster{server: s, name: name, dir: t.TempDir(), roles: map[string]string{}}
	c.config = filepath.Join(c.dir, "kubeconfig")
	for _, service := range []string{clusterService, podService} {
		c.roles[service] = s.role(t, name+"-"+strings.SplitN(service, ".", 2)[0], service)
	}
	c.vpc = s.makeVPC(t, "10.0.0.0/16")
	for i, zone := range []string{"us-east-1a", "us-east-1b"} {
		c.subnets = append(c.subnets, s.makeSubnet(t, c.vpc, fmt.Sprintf("10.0.%d.0/24", i+1), zone))
	}
	return c
}

func (s *server) role(t testing.TB, name, service string, also ...string) string {
	t.Helper()
	actions := strings.Join(append([]string{"sts:AssumeRole"}, also...), `","`)
	out, err := iam.NewFromConfig(s.config()).CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: aws.String(name),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` +
			service + `"},"Action":["` + actions + `"]}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Role.Arn)
}

func (s *server) makeVPC(t testing.TB, cidr string) string {
	t.Helper()
	var a struct {
		ID string `xml:"vpc>vpcId"`
	}
	s.askEC2(t, &a, "Action", "CreateVpc", "CidrBlock", cidr)
	return a.ID
}

func (s *server) makeSubnet(t testing.TB, vpc, cidr, zone string) string {
	t.Helper()
	var a struct {
		ID string `xml:"subnet>subnetId"`
	}
	s.askEC2(t, &a, "Action", "CreateSubnet", "VpcId", vpc, "CidrBlock", cidr, "AvailabilityZone", zone)
	return a.ID
}

// emptyHash is SHA-256 of nothing.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// askEC2 asks without its SDK package, which takes long to compile.
func (s *server) askEC2(t testing.TB, answer any, pairs ...string) {
	t.Helper()
	form := url.Values{"Version": {"2016-11-15"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(http.MethodGet, s.endpoint+"/?"+form.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	config := s.config()
	keys, err := config.Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, r, emptyHash, "ec2", config.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	if err := xml.NewDecoder(got.Body).Decode(answer); err != nil || got.StatusCode != http.StatusOK {
		t.Fatalf("EC2 %s: %s %v", form.Get("Action"), got.Status, err)
	}
}

// cluster makes a cluster that is ACTIVE, with a profile for the namespaces
// that are given, and points kubectl at it.
func (s *server) cluster(t testing.TB, name string, namespaces ...string) *eksCluster {
	t.Helper()
	c := s.prepare(t, name)
	c.create(t)
	c.active(t)
	c.profile(t, "all", namespaces...)
	c.point(t)
	return c
}

func (c *eksCluster) client() *eks.Client { return eks.NewFromConfig(c.server.config()) }

func (c *eksCluster) create(t testing.TB, change ...func(*eks.CreateClusterInput)) {
	t.Helper()
	in := &eks.CreateClusterInput{
		Name: aws.String(c.name), RoleArn: aws.String(c.roles[clusterService]),
		ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: c.subnets},
	}
	for _, f := range change {
		f(in)
	}
	if _, err := c.client().CreateCluster(context.Background(), in); err != nil {
		t.Fatal(err)
	}
}

// settled waits until the cluster is no longer under way. The SDK's waiters
// look every half minute.
func (c *eksCluster) settled(t testing.TB) *types.Cluster {
	t.Helper()
	var last *types.Cluster
	eventually(t, "cluster "+c.name+" settles", 5*time.Minute, func() error {
		out, err := c.client().DescribeCluster(context.Background(), &eks.DescribeClusterInput{Name: aws.String(c.name)})
		if err != nil {
			return err
		}
		if last = out.Cluster; last.Status == types.ClusterStatusCreating || last.Status == types.ClusterStatusUpdating {
			return fmt.Errorf("it is %s", last.Status)
		}
		return nil
	})
	return last
}

func (c *eksCluster) active(t testing.TB) *types.Cluster {
	t.Helper()
	k := c.settled(t)
	if k.Status != types.ClusterStatusActive {
		t.Fatalf("cluster %s is %s: %+v", c.name, k.Status, k.Health.Issues)
	}
	return k
}

func (c *eksCluster) profile(t testing.TB, name string, namespaces ...string) {
	t.Helper()
	var selectors []types.FargateProfileSelector
	for _, n := range namespaces {
		selectors = append(selectors, types.FargateProfileSelector{Namespace: aws.String(n)})
	}
	_, err := c.client().CreateFargateProfile(context.Background(), &eks.CreateFargateProfileInput{
		ClusterName: aws.String(c.name), FargateProfileName: aws.String(name), PodExecutionRoleArn: aws.String(c.roles[podService]),
		Subnets: c.subnets, Selectors: selectors,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.profileActive(t, name)
}

func (c *eksCluster) profileActive(t testing.TB, name string) {
	t.Helper()
	eventually(t, "profile "+name+" becomes ACTIVE", 20*time.Second, func() error {
		out, err := c.client().DescribeFargateProfile(context.Background(), &eks.DescribeFargateProfileInput{
			ClusterName: aws.String(c.name), FargateProfileName: aws.String(name),
		})
		if err == nil && out.FargateProfile.Status != types.FargateProfileStatusActive {
			err = fmt.Errorf("it is %s", out.FargateProfile.Status)
		}
		return err
	})
}

// gone waits until the cluster is no more.
func (c *eksCluster) gone(t testing.TB) {
	t.Helper()
	eventually(t, "cluster "+c.name+" is gone", time.Minute, func() error {
		out, err := c.client().DescribeCluster(context.Background(), &eks.DescribeClusterInput{Name: aws.String(c.name)})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("it is %s", out.Cluster.Status)
		}
		return err
	})
}

// point makes a kubeconfig that has a token of `aws eks get-token` in it, good
// for a quarter of an hour: kubectl need not start the CLI each time.
func (c *eksCluster) point(t testing.TB) {
	t.Helper()
	cli := c.cli(t).with("KUBECONFIG=" + c.config)
	cli.aws("eks update-kubeconfig --name {} --user-alias cli", c.name)
	token := cli.aws("eks get-token --cluster-name {} --query status.token", c.name)
	c.kubectl(t, "config set-credentials token --token {}", token)
	c.kubectl(t, "config set-context --current --user token")
}

// removePodImage is called when all tests are over.
func removePodImage() {
	if _, err := command(nil, "docker", "image", "inspect", podImage); err != nil {
		return // it was not made
	}
	if err := sandbox.RemoveImage(context.Background(), "", podImage); err != nil {
		fmt.Fprintf(os.Stderr, "remove %s: %v\n", podImage, err)
	}
}
