package emulator_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/sandbox/fake"
)

const shopARN = "arn:aws:eks:us-east-1:000000000000:cluster/shop"

// patience bounds every wait of these tests in real time; none comes near it.
const patience = 2 * time.Minute

// eventually asks again and again until it is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !so(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatalf("%s: it never is so", what)
		}
	}
}

// podRuns waits until the played pod runs.
func (s *site) podRuns(t testing.TB) {
	t.Helper()
	eventually(t, "the pod runs", func() bool { return says(s.why(t, "shop/default/web").Summary, "It is RUNNING since") })
}

func TestWhyOfACluster(t *testing.T) {
	s, _ := kubernetes(t)
	c := s.cluster(t, "shop", func(in *eks.CreateClusterInput) {
		in.UpgradePolicy = &types.UpgradePolicyRequest{SupportType: types.SupportTypeStandard}
	})
	s.podRuns(t)
	if _, err := s.eks().CreateAddon(t.Context(), &eks.CreateAddonInput{ClusterName: c.Name, AddonName: aws.String("coredns")}); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"shop", shopARN} {
		w := s.why(t, ref)
		for _, text := range []string{"It is ACTIVE since", "It is Kubernetes 1.35 at " + *c.Endpoint + ".", "Its pods: 1 RUNNING.", "Its API server is well.", "Add-on coredns: Neargate itself provides it"} {
			if !says(w.Summary, text) {
				t.Errorf("%s: no %q in %q", ref, text, w.Summary)
			}
		}
		if says(w.Summary, "not ready yet") {
			t.Errorf("%s: an error of its start: %q", ref, w.Summary)
		}
		if !says(w.Ineffective, "upgradePolicy: ") || !says(w.Ineffective, "roleArn: ") {
			t.Errorf("%s: what has no effect: %q", ref, w.Ineffective)
		}
		first := w.History[0]
		if w.Key != shopARN || first.What[0] != "cluster CREATING" || !strings.HasPrefix(first.By, "eks:CreateCluster ") {
			t.Errorf("%s: %s %+v", ref, w.Key, first)
		}
		if !slices.ContainsFunc(w.History, func(e emulator.Event) bool { return says(e.What, "cluster ACTIVE") && e.By == "controller/eks-cluster" }) ||
			!slices.ContainsFunc(w.History, func(e emulator.Event) bool { return says(e.What, "coredns: addon CREATING") }) {
			t.Errorf("%s: %+v", ref, w.History)
		}
	}
	for _, ref := range []string{"shop/coredns", "addon/shop/coredns"} {
		if w := s.why(t, ref); w.Key != shopARN+"/coredns" || !says(w.Summary, "It is ") || len(w.History) == 0 {
			t.Errorf("%s: %+v", ref, w)
		}
	}
	for _, unknown := range []string{"shop/nobody", "nodegroup/shop/nobody", "other/default/web", shopARN + "x", "arn:aws:eks:us-east-1:000000000000:nodegroup/shop/nobody/1", "shop/a/b/c", "shop//web", "/"} {
		if r := refused(t, s, http.MethodGet, "/_neargate/why?of="+unknown, http.StatusNotFound); !strings.Contains(r.Hint, "CLUSTER/NAMESPACE/POD") {
			t.Errorf("%s: %+v", unknown, r)
		}
	}
	s.send(t, http.MethodPost, "/_neargate/reset")
	if w := s.why(t, "shop"); !says(w.Summary, "It was ACTIVE. Its record was removed at") || !says(w.Summary, "by neargate:reset.") {
		t.Errorf("after a reset: %q", w.Summary)
	}
}

// TestWhyOfTwoClusters: ECS and EKS may have clusters of one name.
func TestWhyOfTwoClusters(t *testing.T) {
	s := open(t)
	s.prepare(t, pair(nil, nil))
	s.cluster(t, "default")
	if r := refused(t, s, http.MethodGet, "/_neargate/why?of=default", http.StatusConflict); r.Hint != "give the cluster's ARN" {
		t.Errorf("%+v", r)
	}
	for _, arn := range []string{"arn:aws:ecs:us-east-1:000000000000:cluster/default", "arn:aws:eks:us-east-1:000000000000:cluster/default"} {
		if w := s.why(t, arn); w.Key != arn {
			t.Errorf("%s: %+v", arn, w)
		}
	}
	w := s.why(t, "arn:aws:eks:us-east-1:000000000000:cluster/default")
	if !says(w.Summary, "Neargate keeps records only of this cluster") {
		t.Errorf("records only: %q", w.Summary)
	}
	if w := s.why(t, "default/kube-system/coredns"); !says(w.Summary, "records only") || !says(w.Summary, "no sandbox") {
		t.Errorf("a pod of records: %q", w.Summary)
	}
}

func TestWhyOfAPod(t *testing.T) {
	s, _ := kubernetes(t)
	s.cluster(t, "shop")
	s.podRuns(t)
	eventually(t, "the missing log group is noted", func() bool {
		return says(s.why(t, "shop/default/web").Summary, "Note: app: logs are late: lines are dropped: log group /pods: ResourceNotFoundException")
	})
	for _, ref := range []string{"shop/default/web", shopARN + "/default/web"} {
		w := s.why(t, ref)
		if w.Key != shopARN+"/default/web" || !says(w.Summary, "Kubernetes knows default/web.") || !says(w.Summary, "It is RUNNING since") {
			t.Errorf("%s: %s %q", ref, w.Key, w.Summary)
		}
		if got := statuses(w); !slices.Equal(got, []string{"PROVISIONING", "PENDING", "RUNNING"}) {
			t.Errorf("%s: statuses %v", ref, got)
		}
	}
	if w := s.why(t, "shop/default/nobody"); !says(w.Summary, "Kubernetes knows default/nobody.") || !says(w.Summary, "It has no sandbox") {
		t.Errorf("a pod that waits: %q", w.Summary)
	}
	s.send(t, http.MethodPost, "/_neargate/reset")
	if w := s.why(t, "shop/default/web"); !says(w.Summary, "The record of its last sandbox was removed at") || len(w.History) == 0 {
		t.Errorf("after a reset: %+v", w)
	}
}

func TestLogsOfEKS(t *testing.T) {
	s, _ := kubernetes(t)
	s.cluster(t, "shop")
	s.podRuns(t)
	log := s.logs(t, "of=shop")
	if len(log) != 5 || !strings.HasSuffix(log[0], "error kube-apiserver: not ready yet") || !strings.HasSuffix(log[3], "info  fargate-scheduler: looking for pods") {
		t.Errorf("the control plane's: %q", log)
	}
	if got := s.logs(t, "container=kine&of="+shopARN); len(got) != 1 || !strings.HasSuffix(got[0], "kine: compacting") {
		t.Errorf("one component's: %q", got)
	}
	for query, want := range map[string][]string{
		"of=shop/default/web&container=app":             {"one", "two"},
		"of=" + shopARN + "/default/web&container=side": {"one", "two"},
	} {
		if got := s.logs(t, query); !slices.Equal(got, want) {
			t.Errorf("%s: %q", query, got)
		}
	}
	got := s.logs(t, "of=shop/default/web")
	if slices.Sort(got); !slices.Equal(got, []string{"app | one", "app | two", "side | one", "side | two"}) {
		t.Errorf("all: %q", got)
	}
	for query, want := range map[string]struct {
		status int
		hint   string
	}{
		"of=shop/default/nobody":           {http.StatusNotFound, "`neargate why` tells"},
		"container=db&of=shop/default/web": {http.StatusNotFound, "it has app, side"},
		"follow=1&of=shop":                 {http.StatusBadRequest, "aws logs tail --follow /aws/eks/shop/cluster"},
		"of=other":                         {http.StatusNotFound, "`neargate status`"},
	} {
		if r := refused(t, s, http.MethodGet, "/_neargate/logs?"+query, want.status); !strings.Contains(r.Hint, want.hint) {
			t.Errorf("%s: %+v", query, r)
		}
	}
}

func TestStatusOfEKS(t *testing.T) {
	s, _ := kubernetes(t)
	c := s.cluster(t, "shop")
	s.podRuns(t)
	all := get[emulator.Status](t, s, "/_neargate/status").EKSClusters
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	one := all[0]
	if one.ARN != shopARN || one.Account != "000000000000" || one.Region != "us-east-1" || one.Version != "1.35" || one.Status != "ACTIVE" || one.Endpoint != *c.Endpoint ||
		len(one.Issues) != 0 || one.Pods["RUNNING"] != 1 || one.Memory == 0 {
		t.Errorf("%+v", one)
	}
}

// TestPlaneLogs: the types that the cluster's logging enables, and no others,
// are in CloudWatch Logs.
func TestPlaneLogs(t *testing.T) {
	s, _ := kubernetes(t)
	s.cluster(t, "shop", func(in *eks.CreateClusterInput) {
		in.Logging = &types.Logging{ClusterLogging: []types.LogSetup{{Enabled: aws.Bool(true), Types: []types.LogType{types.LogTypeApi, types.LogTypeScheduler}}}}
	})
	logs := cloudwatchlogs.NewFromConfig(s.cfg)
	var names []string
	eventually(t, "the streams are there", func() bool {
		out, err := logs.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("/aws/eks/shop/cluster")})
		if err != nil {
			return false
		}
		names = nil
		for _, one := range out.LogStreams {
			names = append(names, *one.LogStreamName)
		}
		return len(names) == 2
	})
	if !strings.HasPrefix(names[0], "kube-apiserver-") || strings.HasPrefix(names[0], "kube-apiserver-audit-") || !strings.HasPrefix(names[1], "kube-scheduler-") {
		t.Errorf("streams %q", names)
	}
	if got := s.messages(t, "/aws/eks/shop/cluster", names[0]); !slices.Equal(got, []string{"not ready yet", "serving"}) {
		t.Errorf("the API server's: %q", got)
	}
	s.cluster(t, "quiet")
	groups, err := logs.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	if err != nil || len(groups.LogGroups) != 1 {
		t.Errorf("groups: %+v, %v", groups, err)
	}
}

// serviceAccountToken is a token that a cluster's issuer would give.
func serviceAccountToken(t testing.TB, key *rsa.PrivateKey, issuer, subject string) *string {
	t.Helper()
	claims, err := json.Marshal(map[string]any{"iss": issuer, "sub": subject, "aud": []string{"sts.amazonaws.com"}, "exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return aws.String(text + "." + encode(signature))
}

// TestIRSA: IAM roles for service accounts, as the EKS documentation sets them
// up.
func TestIRSA(t *testing.T) {
	s, key := kubernetes(t)
	issuer := *s.cluster(t, "shop").Identity.Oidc.Issuer
	roles := iam.NewFromConfig(s.cfg)
	assume := func() (*sts.AssumeRoleWithWebIdentityOutput, error) {
		cfg := s.cfg.Copy()
		cfg.Credentials = aws.AnonymousCredentials{}
		cfg.RetryMaxAttempts = 1
		return sts.NewFromConfig(cfg).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::000000000000:role/app"), RoleSessionName: aws.String("web"),
			WebIdentityToken: serviceAccountToken(t, key, issuer, "system:serviceaccount:default:web"),
		})
	}
	if _, err := assume(); err == nil || !strings.Contains(err.Error(), "No OpenIDConnect provider found in your account for "+issuer) {
		t.Errorf("without a provider: %v", err)
	}
	provider, err := roles.CreateOpenIDConnectProvider(t.Context(), &iam.CreateOpenIDConnectProviderInput{Url: &issuer, ClientIDList: []string{"sts.amazonaws.com"}})
	if err != nil {
		t.Fatal(err)
	}
	bare := strings.TrimPrefix(issuer, "https://")
	if _, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"` + *provider.OpenIDConnectProviderArn + `"},"Action":"sts:AssumeRoleWithWebIdentity",` +
			`"Condition":{"StringEquals":{"` + bare + `:sub":"system:serviceaccount:default:web","` + bare + `:aud":"sts.amazonaws.com"}}}]}`,
	)}); err != nil {
		t.Fatal(err)
	}
	out, err := assume()
	if err != nil {
		t.Fatal(err)
	}
	c := out.Credentials
	me, err := sts.NewFromConfig(s.as(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, "us-east-1").cfg).GetCallerIdentity(t.Context(), nil)
	if err != nil || *me.Arn != "arn:aws:sts::000000000000:assumed-role/app/web" {
		t.Errorf("%+v, %v", me, err)
	}
	if _, err := s.eks().DeleteCluster(t.Context(), &eks.DeleteClusterInput{Name: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the cluster's tokens are good no more", func() bool {
		_, err := assume()
		return err != nil && strings.Contains(err.Error(), "Couldn't retrieve verification key")
	})
}

// TestIssuerByHost: an issuer's documents are had at AWS's name for it, too.
func TestIssuerByHost(t *testing.T) {
	s, _ := kubernetes(t)
	issuer := *s.cluster(t, "shop").Identity.Oidc.Issuer
	host, path, _ := strings.Cut(strings.TrimPrefix(issuer, "https://"), "/")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, s.url+"/"+path+"/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	var keys struct{ Keys []struct{ Kid string } }
	for _, r := range []*http.Request{r, mustRequest(t, s.url+"/_neargate/oidc/"+path+"/keys")} {
		a, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(a.Body).Decode(&keys)
		a.Body.Close()
		if err != nil || a.StatusCode != http.StatusOK || len(keys.Keys) != 1 {
			t.Errorf("%s %s: %s, %+v, %v", r.Host, r.URL, a.Status, keys, err)
		}
	}
}

func mustRequest(t testing.TB, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestResetWithClusters: nothing of a cluster is left, and its name is free.
func TestResetWithClusters(t *testing.T) {
	s, _ := kubernetes(t)
	for range 2 {
		s.cluster(t, "shop")
		s.podRuns(t)
		if a, body := s.send(t, http.MethodPost, "/_neargate/reset"); a.StatusCode != http.StatusOK {
			t.Fatalf("reset: %s %s", a.Status, body)
		}
		s.empty(t)
		if all := get[emulator.Status](t, s, "/_neargate/status").EKSClusters; len(all) != 0 {
			t.Errorf("left: %+v", all)
		}
		list, err := s.eks().ListClusters(t.Context(), &eks.ListClustersInput{})
		if err != nil || len(list.Clusters) != 0 {
			t.Errorf("left: %+v, %v", list, err)
		}
	}
}

// TestReopenedWithClusters: a control plane ends with its emulator, before that
// lets go of the store, and comes back with the next one at the same address;
// pods go on running meanwhile.
func TestReopenedWithClusters(t *testing.T) {
	option, _ := playing(t)
	dir, state := t.TempDir(), fake.NewState()
	s, end := begin(t, dir, state, option)
	endpoint := *s.cluster(t, "shop").Endpoint
	s.podRuns(t)
	address := strings.TrimPrefix(endpoint, "https://")
	dial := func() error {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		t.Errorf("while it runs: %v", err)
	}
	end()
	if dial() == nil {
		t.Error("the control plane outlives its emulator")
	}
	s, end = begin(t, dir, state, option)
	eventually(t, "the control plane is back", func() bool { return dial() == nil })
	w := s.why(t, "shop/default/web")
	if got := statuses(w); !says(w.Summary, "It is RUNNING since") || !slices.Equal(got, []string{"PROVISIONING", "PENDING", "RUNNING"}) {
		t.Errorf("the pod: %v %q", got, w.Summary)
	}
	if all := get[emulator.Status](t, s, "/_neargate/status").EKSClusters; len(all) != 1 || all[0].Endpoint != endpoint || all[0].Status != "ACTIVE" {
		t.Errorf("%+v", all)
	}
	end()
	// An emulator that keeps records only says so of the same cluster.
	s, end = begin(t, dir, state)
	defer end()
	if all := get[emulator.Status](t, s, "/_neargate/status").EKSClusters; len(all) != 1 || !strings.Contains(strings.Join(all[0].Issues, " "), "records only") {
		t.Errorf("with records only: %+v", all)
	}
}

// TestFailedCluster: without neargate-kube a cluster becomes FAILED and tells
// what to do.
func TestFailedCluster(t *testing.T) {
	s := open(t, func(c *emulator.Config) {
		c.EKS, c.Kube = emulator.EKSKubernetes, filepath.Join(t.TempDir(), "nothing")
	})
	if _, err := s.eks().CreateCluster(t.Context(), &eks.CreateClusterInput{
		Name: aws.String("shop"), RoleArn: s.role(t, "cluster"), ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: s.subnets(t)},
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is FAILED", func() bool { return says(s.why(t, "shop").Summary, "It is FAILED since") })
	if w := s.why(t, "shop"); !says(w.Summary, "neargate-kube, the Kubernetes of clusters, is not installed: make build-kube") {
		t.Errorf("%q", w.Summary)
	}
	if all := get[emulator.Status](t, s, "/_neargate/status").EKSClusters; len(all) != 1 || all[0].Status != "FAILED" || len(all[0].Issues) == 0 || all[0].Memory != 0 {
		t.Errorf("%+v", all)
	}
}
