package eks_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/reconcile"
	"github.com/neargate/neargate/emulator/store"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-west-1"
	scope       = testAccount + "/" + testRegion
	arnPrefix   = "arn:aws:eks:" + testRegion + ":" + testAccount + ":"
	clusterRole = "arn:aws:iam::" + testAccount + ":role/cluster"
	podRole     = "arn:aws:iam::" + testAccount + ":role/pods"
	nodeRole    = "arn:aws:iam::" + testAccount + ":role/nodes"
	creator     = "arn:aws:sts::" + testAccount + ":assumed-role/Admin/me"
)

// world is an account whose EKS stands on a store of its own, on scripted
// neighbours and on scripted control planes, called by a real SDK client
// without a network. Nothing happens by itself: reconcile does what the
// controller would, or run starts it.
type world struct {
	*sdk.Client
	api      *eks.API
	config   eks.Config
	clusters *eks.Clusters
	t        testing.TB
	st       *store.Store
	ctx      context.Context
	network  *network
	roles    *roles
	planes   *planes
}

// newWorld makes a world whose control planes are ready as soon as they are
// wanted, unless the test holds them.
func newWorld(t testing.TB) *world { return openWorld(t, store.Memory, newPlanes()) }

// recordsWorld is a world without control planes.
func recordsWorld(t testing.TB) *world { return openWorld(t, store.Memory, nil) }

// openWorld makes a world of a file, which another may have used before.
func openWorld(t testing.TB, path string, p *planes) *world {
	t.Helper()
	ctx := context.Background()
	st, err := store.Open(ctx, path, store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, st: st, ctx: ctx, network: newNetwork(), roles: newRoles(), planes: p}
	w.config = eks.Config{Store: st, Network: w.network, Roles: w.roles, Callers: callers{}}
	if p != nil {
		w.config.Planes = p
	}
	w.api, w.clusters = eks.New(w.config), eks.NewClusters(w.config)
	service := apiwire.RESTJSON("eks", eks.Routes(), w.api).WithConstraints(apiwire.ConstraintsOf("eks"), apiwire.VoiceEKS)
	w.Client = sdk.New(sdk.Options{
		Region: testRegion, BaseEndpoint: aws.String("http://neargate"), HTTPClient: inProcess{apiwire.New(apiwire.Options{}, service)}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(testAccount, "test", ""),
	})
	return w
}

// storeFile is where a test keeps a world that it opens twice.
func storeFile(t testing.TB) string { return filepath.Join(t.TempDir(), "state.db") }

// inProcess answers requests by calling a handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr, in.Host = r.URL.RequestURI(), "127.0.0.1:1", r.URL.Host
	if in.Body == nil {
		in.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, in)
	return w.Result(), nil
}

// reconcile has the controller look at every cluster until nothing changes
// any more.
func (w *world) reconcile() {
	w.t.Helper()
	for range 10 {
		before := w.revision()
		var arns []string
		err := w.st.View(w.ctx, func(tx *store.Tx) error {
			for arn, err := range w.clusters.List(tx) {
				if err != nil {
					return err
				}
				arns = append(arns, arn)
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
		for _, arn := range arns {
			if _, err := w.clusters.Reconcile(w.ctx, arn); err != nil {
				w.t.Fatalf("%s: %v", arn, err)
			}
		}
		if w.revision() == before {
			return
		}
	}
	w.t.Fatal("the controller never comes to rest")
}

func (w *world) revision() (n int64) {
	w.t.Helper()
	if err := w.st.View(w.ctx, func(tx *store.Tx) error { n = tx.Revision(); return nil }); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// run runs the controller as the emulator does, until the returned function is
// called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() {
		done <- reconcile.Run(ctx, w.st, w.clusters, reconcile.Options{
			Name: "eks-cluster", Kinds: w.clusters.Kinds(), Keys: w.clusters.Dirty, List: w.clusters.List, Hints: w.clusters.Hints, Log: zerolog.Nop(),
		})
	}()
	return func() {
		cancel()
		<-done
	}
}

// newCluster is a request for a cluster in two private subnets.
func newCluster(name string) *sdk.CreateClusterInput {
	return &sdk.CreateClusterInput{
		Name: aws.String(name), RoleArn: aws.String(clusterRole), ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: []string{"subnet-a", "subnet-b"}},
	}
}

// create makes a cluster and has it become what it does. Mode is its
// authentication mode, "" the default.
func (w *world) create(name string, mode types.AuthenticationMode) *types.Cluster {
	w.t.Helper()
	in := newCluster(name)
	if mode != "" {
		in.AccessConfig = &types.CreateAccessConfigRequest{AuthenticationMode: mode}
	}
	if _, err := w.CreateCluster(w.ctx, in); err != nil {
		w.t.Fatal(err)
	}
	w.reconcile()
	return w.describe(name)
}

func (w *world) describe(name string) *types.Cluster {
	w.t.Helper()
	out, err := w.DescribeCluster(w.ctx, &sdk.DescribeClusterInput{Name: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Cluster
}

// must returns what an operation answers and fails the test when it refuses.
func must[T any](t testing.TB) func(out T, err error) T {
	t.Helper()
	return func(out T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return out
	}
}

// refused checks that err is AWS's "code: message".
func refused(t testing.TB, err error, want string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) {
		t.Errorf("error = %v, want %s", err, want)
		return
	}
	if got := e.ErrorCode() + ": " + e.ErrorMessage(); got != want {
		t.Errorf("error is\n%s\nwant\n%s", got, want)
	}
}

// wantStatus checks the HTTP status of a refusal.
func wantStatus(t testing.TB, err error, status int) {
	t.Helper()
	var r *smithyhttp.ResponseError
	if !errors.As(err, &r) || r.HTTPStatusCode() != status {
		t.Errorf("status of %v, want %d", err, status)
	}
}

// smithyEqual makes cmp look over the SDK's marker of structs that are no
// documents.
var smithyEqual = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().String() == ".noSmithyDocumentSerde"
}, cmp.Ignore())

type callers struct{}

func (callers) CallerARN(context.Context) (string, error) { return creator, nil }

// roles are roles with the services that they trust.
type roles struct{ trust map[string]string }

func newRoles() *roles {
	return &roles{map[string]string{clusterRole: "eks.amazonaws.com", podRole: "eks-fargate-pods.amazonaws.com", nodeRole: "ec2.amazonaws.com"}}
}

func (r *roles) Trusts(_ *store.Tx, arn, service string) (bool, error) {
	trusted, ok := r.trust[arn]
	if !ok {
		return false, store.ErrNotFound
	}
	return strings.Contains(trusted, service), nil
}

func (r *roles) HasPrincipal(_ *store.Tx, arn string) (bool, error) {
	_, ok := r.trust[arn]
	return ok || strings.HasSuffix(arn, ":user/ann"), nil
}

// network has two private and two public subnets in one VPC, and some
// elsewhere.
type network struct {
	mu     sync.Mutex
	groups map[string]eks.NewSecurityGroup
}

func newNetwork() *network { return &network{groups: map[string]eks.NewSecurityGroup{}} }

// left counts the security groups.
func (n *network) left() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.groups)
}

func subnet(id, vpc, cidr, vpcCIDR, zone, zoneID string, public bool) eks.Subnet {
	return eks.Subnet{
		ID: id, VPC: vpc, CIDR: netip.MustParsePrefix(cidr), VPCCIDR: netip.MustParsePrefix(vpcCIDR), Zone: zone, ZoneID: zoneID, InternetGateway: public,
	}
}

var subnets = map[string]eks.Subnet{
	"subnet-a":      subnet("subnet-a", "vpc-1", "192.168.0.0/24", "192.168.0.0/16", "eu-west-1a", "euw1-az1", false),
	"subnet-b":      subnet("subnet-b", "vpc-1", "192.168.1.0/24", "192.168.0.0/16", "eu-west-1b", "euw1-az2", false),
	"subnet-a2":     subnet("subnet-a2", "vpc-1", "192.168.4.0/24", "192.168.0.0/16", "eu-west-1a", "euw1-az1", false),
	"subnet-public": subnet("subnet-public", "vpc-1", "192.168.2.0/24", "192.168.0.0/16", "eu-west-1c", "euw1-az3", true),
	"subnet-door":   subnet("subnet-door", "vpc-1", "192.168.5.0/24", "192.168.0.0/16", "eu-west-1b", "euw1-az2", true),
	"subnet-full":   subnet("subnet-full", "vpc-1", "192.168.3.0/24", "192.168.0.0/16", "us-east-1e", "use1-az3", false),
	"subnet-10a":    subnet("subnet-10a", "vpc-2", "10.0.0.0/24", "10.0.0.0/16", "eu-west-1a", "euw1-az1", false),
	"subnet-10b":    subnet("subnet-10b", "vpc-2", "10.0.1.0/24", "10.0.0.0/16", "eu-west-1b", "euw1-az2", false),
}

func (*network) Subnets(_ *store.Tx, _ string, ids []string) (list []eks.Subnet, err error) {
	for _, id := range ids {
		s, ok := subnets[id]
		if !ok {
			return nil, &smithy.GenericAPIError{Code: "InvalidSubnetID.NotFound", Message: "The subnet ID '" + id + "' does not exist"}
		}
		list = append(list, s)
	}
	return list, nil
}

func (*network) SecurityGroups(_ *store.Tx, _ string, ids []string) (list []eks.SecurityGroup, err error) {
	for _, id := range ids {
		vpc, ok := map[string]string{"sg-1": "vpc-1", "sg-2": "vpc-2"}[id]
		if !ok {
			return nil, &smithy.GenericAPIError{Code: "InvalidGroup.NotFound", Message: "The security group '" + id + "' does not exist"}
		}
		list = append(list, eks.SecurityGroup{ID: id, Name: id, VPC: vpc})
	}
	return list, nil
}

func (n *network) CreateSecurityGroup(_ *store.Tx, _ string, g eks.NewSecurityGroup) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := "sg-of-" + g.Tags["aws:eks:cluster-name"]
	if _, ok := n.groups[id]; ok {
		return "", &smithy.GenericAPIError{Code: "InvalidGroup.Duplicate", Message: id + " is there"}
	}
	n.groups[id] = g
	return id, nil
}

func (n *network) DeleteSecurityGroup(_ *store.Tx, _, id string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.groups, id)
	return nil
}
