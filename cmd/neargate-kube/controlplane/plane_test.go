package controlplane_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
	"github.com/neargate/neargate/emulator/eks/link"
)

const (
	account = "111122223333"
	admin   = "k8s-aws-v1.admin"
	viewer  = "k8s-aws-v1.viewer"
	team    = "k8s-aws-v1.team"
	mapped  = "k8s-aws-v1.mapped"
	nobody  = "k8s-aws-v1.nobody"
	podRole = "arn:aws:iam::" + account + ":role/service/pods"
)

func role(name string) string { return "arn:aws:iam::" + account + ":role/" + name }

func identity(name string) link.Identity {
	return link.Identity{
		ARN: "arn:aws:sts::" + account + ":assumed-role/" + name + "/me", CanonicalARN: role(name), Account: account,
		UserID: "AROA" + name + ":me", AccessKeyID: "ASIA" + name, SessionName: "me",
	}
}

func entry(name, policy string) link.AccessEntry {
	return link.AccessEntry{
		PrincipalARN: role(name), Type: "STANDARD", Username: "arn:aws:sts::" + account + ":assumed-role/" + name + "/{{SessionName}}",
		Policies: []link.AccessPolicy{{ARN: "arn:aws:eks::aws:cluster-access-policy/" + policy}},
	}
}

// cluster is a configuration with a parent behind it.
func cluster(t *testing.T, version string) (link.Config, *parent) {
	t.Helper()
	// Paths of sockets may not be long.
	dir, err := os.MkdirTemp("", "kube")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	c := link.Config{
		Name: "web", ARN: "arn:aws:eks:us-east-1:" + account + ":cluster/web", Account: account, Region: "us-east-1", ID: strings.Repeat("A", 32),
		Version: version, Dir: dir, ParentSocket: filepath.Join(dir, "p"), ChildSocket: filepath.Join(dir, "c"), Listen: "127.0.0.1:0",
		ServiceCIDR: "10.100.0.0/16", Issuer: "https://oidc.eks.us-east-1.amazonaws.com/id/" + strings.Repeat("A", 32), EmulatorURL: "http://127.0.0.1:4566",
		Settings: link.Settings{
			Revision: 1, AuthenticationMode: "API_AND_CONFIG_MAP", BootstrapAddons: true,
			AccessEntries: []link.AccessEntry{entry("admin", "AmazonEKSClusterAdminPolicy"), entry("viewer", "AmazonEKSViewPolicy"), entry("team", "AmazonEKSAdminPolicy")},
			FargateProfiles: []link.FargateProfile{{
				Name: "fp", RoleARN: podRole, Selectors: []link.Selector{{Namespace: "default"}},
				Subnets: []link.Subnet{{ID: "subnet-1", VPC: "vpc-1", CIDR: "10.0.1.0/24", VPCCIDR: "10.0.0.0/16", Zone: "us-east-1a"}},
			}},
		},
	}
	p := serveParent(t, c.ParentSocket)
	for _, name := range []string{"admin", "viewer", "team", "mapped", "nobody"} {
		p.identity["k8s-aws-v1."+name] = identity(name)
	}
	return c, p
}

func heavy(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts control planes")
	}
}

func TestOldestVersion(t *testing.T) {
	heavy(t)
	c, _ := cluster(t, controlplane.Versions[0])
	p := start(t, c)
	p.ready(t)
	checkVersion(t, p)
	if took := p.end(t); took > time.Minute {
		t.Errorf("ending took %v", took)
	}
}

func checkVersion(t *testing.T, p *process) {
	t.Helper()
	v, err := p.client(t, admin).Discovery().ServerVersion()
	want := "v" + p.config.Version + ".0-eks-neargate"
	if err != nil || v.GitVersion != want || v.Major+"."+v.Minor != p.config.Version+"+" || p.status.Version != want {
		t.Errorf("version %+v %v, told %s", v, err, p.status.Version)
	}
}

// One control plane goes through it all, as starting is what takes time.
func TestNewestVersion(t *testing.T) {
	heavy(t)
	c, parent := cluster(t, controlplane.Versions[len(controlplane.Versions)-1])
	issuer := newIssuer(t)
	p := start(t, c, "SSL_CERT_FILE="+issuer.authority)
	p.ready(t)
	checkVersion(t, p)
	if b, err := p.client(t, admin).Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context()); err != nil || string(b) != "ok" {
		t.Errorf("readyz: %q %v", b, err)
	}
	t.Run("who", func(t *testing.T) { testWho(t, p) })
	t.Run("may", func(t *testing.T) { testMay(t, p) })
	t.Run("give", func(t *testing.T) { testGive(t, p) })
	t.Run("audit", func(t *testing.T) { testAudit(t, p) })
	t.Run("identities", func(t *testing.T) { testIdentities(t, p) })
	t.Run("aws-auth", func(t *testing.T) { testAWSAuth(t, p) })
	t.Run("issuer", func(t *testing.T) { testIssuer(t, p, issuer) })
	t.Run("pod", func(t *testing.T) { testPod(t, p, parent) })
	t.Run("provided", func(t *testing.T) { testProvided(t, p) })
	t.Run("last profile", func(t *testing.T) { testLastProfile(t, p) })
	t.Run("port", func(t *testing.T) { testTakenPort(t, p) })

	made := parent.sandboxesMade()
	c.Listen = p.status.Address
	p.kill() // without any notice
	again := start(t, c)
	if s := again.ready(t); s.Address != c.Listen || string(s.CA) != string(p.status.CA) {
		t.Errorf("it came back at %s, its authority the same: %t", s.Address, string(s.CA) == string(p.status.CA))
	}
	pod, err := again.client(t, admin).CoreV1().Pods("default").Get(t.Context(), "web", metav1.GetOptions{})
	if err != nil || pod.Status.Phase != corev1.PodRunning {
		t.Fatalf("the pod is %s: %v", pod.Status.Phase, err)
	}
	if err := again.client(t, admin).CoreV1().Pods("default").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	waitPod(t, again.client(t, admin), func(p *corev1.Pod) bool { return p == nil })
	if parent.sandboxesMade() != made {
		t.Error("a sandbox was made anew")
	}
	took := again.end(t)
	t.Logf("ending took %v", took)
	if took > time.Minute {
		t.Errorf("ending took %v", took)
	}
	for line := range strings.Lines(again.log.String()) {
		if strings.Contains(line, `"level":"fatal"`) || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:") {
			t.Errorf("it says %s", line)
		}
	}
}

func whoAmI(t *testing.T, p *process, token string) (authenticationv1.UserInfo, error) {
	t.Helper()
	r, err := p.client(t, token).AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, err
	}
	return r.Status.UserInfo, nil
}

func testWho(t *testing.T, p *process) {
	u, err := whoAmI(t, p, viewer)
	if err != nil || u.Username != "arn:aws:sts::"+account+":assumed-role/viewer/me" || !slices.Equal(u.Groups, []string{"system:authenticated"}) ||
		!slices.Equal(u.Extra["canonicalArn"], []string{role("viewer")}) {
		t.Errorf("%+v %v", u, err)
	}
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: viewer}}
	r, err := p.client(t, admin).AuthenticationV1().TokenReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil || !r.Status.Authenticated || r.Status.User.Username != u.Username {
		t.Errorf("a review of the token: %+v %v", r.Status, err)
	}
	for token, why := range map[string]string{nobody: "ARN is not mapped: " + role("nobody"), "k8s-aws-v1.forged": "nobody signed this"} {
		if _, err := whoAmI(t, p, token); !apierrors.IsUnauthorized(err) {
			t.Errorf("%s: %v", token, err)
		}
		eventually(t, "the log says "+why, func(context.Context) bool { // it comes through a pipe
			return slices.ContainsFunc(strings.Split(p.log.String(), "\n"), func(l string) bool {
				return strings.Contains(l, `"component":"authenticator"`) && strings.Contains(l, why)
			})
		})
	}
}

func testMay(t *testing.T, p *process) {
	client := p.client(t, viewer)
	if _, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := client.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("secrets: %v", err)
	}
	for verb, may := range map[string]bool{"list": true, "delete": false} {
		r, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: "default", Verb: verb, Resource: "pods"}},
		}, metav1.CreateOptions{})
		if err != nil || r.Status.Allowed != may {
			t.Errorf("can-i %s: %+v %v", verb, r.Status, err)
		}
	}
	r, err := client.AuthorizationV1().SelfSubjectRulesReviews().Create(t.Context(), &authorizationv1.SelfSubjectRulesReview{
		Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: "default"},
	}, metav1.CreateOptions{})
	if err != nil || !slices.ContainsFunc(r.Status.ResourceRules, func(r authorizationv1.ResourceRule) bool {
		return slices.Contains(r.Resources, "pods") && slices.Contains(r.Verbs, "watch")
	}) {
		t.Errorf("can-i --list: %+v %v", r, err)
	}
}

func testAWSAuth(t *testing.T, p *process) {
	maps := p.client(t, admin).CoreV1().ConfigMaps("kube-system")
	m, err := maps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil || !strings.Contains(m.Data["mapRoles"], "rolearn: "+role("pods")+"\n  username: system:node:{{SessionName}}\n") {
		t.Fatalf("%v %v", m, err)
	}
	if _, err := whoAmI(t, p, mapped); !apierrors.IsUnauthorized(err) {
		t.Errorf("before it is mapped: %v", err)
	}
	m.Data["mapRoles"] += "- rolearn: " + role("mapped") + "\n  username: m\n  groups: [devs]\n"
	if _, err := maps.Update(t.Context(), m, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the mapped role comes in", func(ctx context.Context) bool {
		u, err := whoAmI(t, p, mapped)
		return err == nil && u.Username == "m" && slices.Contains(u.Groups, "devs")
	})
}

func testIssuer(t *testing.T, p *process, issuer *issuer) {
	token := issuer.token(t, map[string]any{"sub": "jo", "groups": []string{"devs"}})
	if _, err := whoAmI(t, p, token); !apierrors.IsUnauthorized(err) {
		t.Errorf("before it is associated: %v", err)
	}
	s := p.config.Settings
	s.Revision, s.IdentityIssuer = 12, issuer.settings()
	configure := func() {
		t.Helper()
		if err := p.Configure(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		p.until(t, "settings in force", func(is link.Status) bool { return is.Settings == s.Revision })
	}
	configure()
	u, err := whoAmI(t, p, token)
	if err != nil || u.Username != "oidc:jo" || !slices.Contains(u.Groups, "oidc:devs") || !slices.Contains(u.Groups, "system:authenticated") {
		t.Errorf("%+v %v", u, err)
	}
	s.Revision, s.IdentityIssuer = 13, nil
	configure()
	if _, err := whoAmI(t, p, token); !apierrors.IsUnauthorized(err) {
		t.Errorf("after it has left: %v", err)
	}
}

func testPod(t *testing.T, p *process, parent *parent) {
	client := p.client(t, admin)
	eventually(t, "the default service account", func(ctx context.Context) bool {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err == nil
	})
	_, err := client.CoreV1().Pods("default").Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod := waitPod(t, client, func(p *corev1.Pod) bool { return p != nil && p.Status.Phase == corev1.PodRunning })
	if pod.Status.PodIP != "10.0.1.22" || !strings.HasPrefix(pod.Spec.NodeName, "fargate-ip-10-0-1-22.") {
		t.Errorf("it is at %s on %s", pod.Status.PodIP, pod.Spec.NodeName)
	}
	if b, err := client.CoreV1().Pods("default").GetLogs("web", &corev1.PodLogOptions{}).DoRaw(t.Context()); err != nil || string(b) != "hello from c\n" {
		t.Errorf("logs: %q %v", b, err)
	}
	testExec(t, p)
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "deny"}}
	if _, err := client.NetworkingV1().NetworkPolicies("default").Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, subject := range []string{"", "default/web"} {
		why, err := p.Why(t.Context(), subject)
		if err != nil || !slices.ContainsFunc(why, func(s string) bool { return strings.HasPrefix(s, "NetworkPolicy default/deny has no effect") }) {
			t.Errorf("why %q: %q %v", subject, why, err)
		}
	}
	parent.mu.Lock()
	defer parent.mu.Unlock()
	if a := parent.table.Names["kube-dns.kube-system.svc.cluster.local"].Addresses; len(a) != 1 || a[0].String() != "10.100.0.10" {
		t.Errorf("the table: %+v", parent.table)
	}
}

// testExec goes through the API server, as kubectl does in either protocol.
func testExec(t *testing.T, p *process) {
	t.Helper()
	at := p.client(t, admin).CoreV1().RESTClient().Get().Namespace("default").Resource("pods").Name("web").SubResource("exec").
		VersionedParams(&corev1.PodExecOptions{Container: "c", Command: []string{"echo", "a b"}, Stdout: true}, scheme.ParameterCodec).URL()
	spdy, err := remotecommand.NewSPDYExecutor(p.rest(admin), "POST", at)
	if err != nil {
		t.Fatal(err)
	}
	socket, err := remotecommand.NewWebSocketExecutor(p.rest(admin), "GET", at.String())
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range map[string]remotecommand.Executor{"SPDY": spdy, "WebSocket": socket} {
		var out strings.Builder
		if err := e.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdout: &out}); err != nil || out.String() != "echo a b" {
			t.Errorf("exec by %s: %q %v", name, out.String(), err)
		}
	}
}

func testProvided(t *testing.T, p *process) {
	names := []string{"coredns", "eks-pod-identity-agent", "kube-proxy", "metrics-server", "vpc-cni"}
	p.until(t, "all add-ons are provided", func(s link.Status) bool {
		return !slices.ContainsFunc(names, func(n string) bool { why, told := s.Addons[n]; return !told || why != "" })
	})
	client := p.client(t, admin).CoreV1().Services("kube-system")
	if err := client.Delete(t.Context(), "kube-dns", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	p.until(t, "coredns is missed", func(s link.Status) bool {
		return strings.HasPrefix(s.Addons["coredns"], "there is no Service kube-system/kube-dns")
	})
}

// What EKS wrote into aws-auth goes with the last profile of the role, and what
// users wrote stays.
func testLastProfile(t *testing.T, p *process) {
	s := p.config.Settings
	s.Revision, s.FargateProfiles = 14, nil
	if err := p.Configure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	p.until(t, "settings in force", func(is link.Status) bool { return is.Settings == s.Revision })
	m, err := p.client(t, admin).CoreV1().ConfigMaps("kube-system").Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil || strings.Contains(m.Data["mapRoles"], role("pods")) || !strings.Contains(m.Data["mapRoles"], role("mapped")) {
		t.Errorf("%v %v", m, err)
	}
}

func testTakenPort(t *testing.T, p *process) {
	c, _ := cluster(t, p.config.Version)
	c.Listen = p.status.Address
	checkFailure(t, c, "the API server's address: listen tcp "+c.Listen)
}

func TestUnknownVersion(t *testing.T) {
	heavy(t)
	c, _ := cluster(t, "1.20")
	checkFailure(t, c, "this neargate-kube can be Kubernetes [1.34 1.35 1.36 1.37], not 1.20")
}

// checkFailure waits for a process that cannot start, and says why in its last
// words and, if that is seen in time, in its status.
func checkFailure(t *testing.T, c link.Config, want string) {
	t.Helper()
	p := start(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-p.ended; cancel() }()
	for s, err := range p.Watch(ctx) {
		if err != nil {
			break
		}
		if s.Phase == link.Failed && !strings.HasPrefix(s.Error, want) {
			t.Errorf("it failed with %q", s.Error)
		}
	}
	<-p.ended
	if code := p.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(p.log.String(), want) {
		t.Errorf("exit code %d: %s", code, p.log.String())
	}
}

// waitPod waits for the pod web; without one it is nil.
func waitPod(t *testing.T, client kubernetes.Interface, is func(*corev1.Pod) bool) *corev1.Pod {
	t.Helper()
	w, err := client.CoreV1().Pods("default").Watch(t.Context(), metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", "web").String()})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	get := func() *corev1.Pod {
		p, err := client.CoreV1().Pods("default").Get(t.Context(), "web", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pod := get()
	for !is(pod) {
		if _, ok := <-w.ResultChan(); !ok {
			t.Fatalf("the watch has ended at %v", pod)
		}
		pod = get()
	}
	return pod
}

// eventually asks again until something is so that nobody tells of.
func eventually(t *testing.T, what string, is func(ctx context.Context) bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * time.Minute); !is(t.Context()); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}
