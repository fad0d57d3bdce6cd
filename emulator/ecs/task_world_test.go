package ecs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

var update = flag.Bool("update", false, "write golden files anew")

// world is an account with a cluster named default, two subnets, and nobody
// who runs tasks: the test says what became of them. Made inside a bubble, its
// clock begins at the year 2000.
type world struct {
	*ecs.API
	t     testing.TB
	st    *store.Store
	ctx   context.Context
	roles roles
	usage map[string]sandbox.Stats
}

func newWorld(t testing.TB) *world {
	t.Helper()
	ctx := apiwire.WithCall(context.Background(), apiwire.Call{
		Service: "ecs", Operation: "Test", Account: testAccount, Partition: "aws", Region: testRegion, RequestID: "r1",
	})
	st, err := store.Open(ctx, "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, st: st, ctx: ctx, usage: map[string]sandbox.Stats{}}
	w.API = ecs.New(ecs.Config{Store: st, Network: network{}, Engine: w, Roles: &w.roles})
	if _, err := w.CreateCluster(ctx, &sdk.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// Wait is ecs.Engine's: nothing happens by itself in this world.
func (w *world) Wait(context.Context, string, func(*sandbox.Sandbox) bool) (*sandbox.Sandbox, error) {
	return nil, errors.New("nobody runs sandboxes")
}

// Stats is ecs.Engine's.
func (w *world) Stats(_ context.Context, id string) (sandbox.Stats, error) {
	u, ok := w.usage[id]
	if !ok {
		return u, errors.New("it does not run")
	}
	return u, nil
}

// roles issues credentials, numbered, good for an hour.
type roles struct {
	issued int
	err    error
}

func (r *roles) AssumeRole(_ context.Context, scope, role, session string) (ecs.RoleCredentials, error) {
	r.issued++
	return ecs.RoleCredentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", r.issued), SecretAccessKey: role, Token: scope + " " + session, Expiration: time.Now().Add(time.Hour + time.Millisecond),
	}, r.err
}

// network has two subnets in one VPC and one in another.
type network struct{}

var subnets = map[string]ecs.Subnet{
	"subnet-a": {
		ID: "subnet-a", VPC: "vpc-1", CIDR: netip.MustParsePrefix("172.31.0.0/20"), VPCCIDR: netip.MustParsePrefix("172.31.0.0/16"),
		Zone: "eu-west-1a", ZoneID: "euw1-az1",
	},
	"subnet-b": {
		ID: "subnet-b", VPC: "vpc-1", CIDR: netip.MustParsePrefix("172.31.16.0/20"), VPCCIDR: netip.MustParsePrefix("172.31.0.0/16"),
		Zone: "eu-west-1b", ZoneID: "euw1-az2",
	},
	"subnet-other": {ID: "subnet-other", VPC: "vpc-2", CIDR: netip.MustParsePrefix("10.0.0.0/24"), VPCCIDR: netip.MustParsePrefix("10.0.0.0/16")},
}

func (network) Subnets(_ *store.Tx, _ string, ids []string) (list []ecs.Subnet, err error) {
	for _, id := range ids {
		s, ok := subnets[id]
		if !ok {
			return nil, &smithy.GenericAPIError{Code: "InvalidSubnetID.NotFound", Message: "The subnet ID '" + id + "' does not exist"}
		}
		list = append(list, s)
	}
	return list, nil
}

func (network) SecurityGroups(_ *store.Tx, _ string, ids []string) (list []ecs.SecurityGroup, err error) {
	for _, id := range ids {
		vpc, ok := map[string]string{"sg-1": "vpc-1", "sg-2": "vpc-2"}[id]
		if !ok {
			return nil, &smithy.GenericAPIError{Code: "InvalidGroup.NotFound", Message: "The security group '" + id + "' does not exist"}
		}
		list = append(list, ecs.SecurityGroup{ID: id, Name: id, VPC: vpc})
	}
	return list, nil
}

func (network) DefaultSecurityGroup(_ *store.Tx, _, vpc string) (ecs.SecurityGroup, error) {
	return ecs.SecurityGroup{ID: "sg-default", Name: "default", VPC: vpc}, nil
}

func (w *world) register(in *sdk.RegisterTaskDefinitionInput) *types.TaskDefinition {
	w.t.Helper()
	out, err := w.RegisterTaskDefinition(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.TaskDefinition
}

// launch is a request for one task of a family on Fargate.
func launch(family string) *sdk.RunTaskInput {
	return &sdk.RunTaskInput{
		TaskDefinition: aws.String(family), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-a"}}},
	}
}

// run starts tasks and returns what RunTask answers.
func (w *world) run(in *sdk.RunTaskInput) []types.Task {
	w.t.Helper()
	out, err := w.RunTask(w.ctx, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(out.Failures) > 0 {
		w.t.Fatalf("failures: %+v", out.Failures)
	}
	return out.Tasks
}

// runOne registers a definition and starts one task of it.
func (w *world) runOne(d *sdk.RegisterTaskDefinitionInput, change func(in *sdk.RunTaskInput)) types.Task {
	w.t.Helper()
	w.register(d)
	in := launch(*d.Family)
	if change != nil {
		change(in)
	}
	return w.run(in)[0]
}

func idOf(arn *string) string { return (*arn)[strings.LastIndexByte(*arn, '/')+1:] }

// sandbox reads a task's sandbox.
func (w *world) sandbox(id string) *sandbox.Sandbox {
	w.t.Helper()
	var s *sandbox.Sandbox
	err := w.st.View(w.ctx, func(tx *store.Tx) (err error) {
		s, err = sandbox.Get(tx, id)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// becomes is what the engine would write.
func (w *world) becomes(id string, change func(s *sandbox.Sandbox)) {
	w.t.Helper()
	err := w.st.Update(w.ctx, "controller/sandbox", func(tx *store.Tx) error {
		r, err := sandbox.Sandboxes.Get(tx, id)
		if err != nil {
			return err
		}
		change(&r.Value)
		r.Value.Status.Version++
		return sandbox.Sandboxes.Replace(tx, r)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// stopped brings a sandbox to its end.
func (w *world) stopped(id string) {
	w.t.Helper()
	w.becomes(id, func(s *sandbox.Sandbox) {
		s.Desired.Stopped, s.Desired.Code, s.Desired.Reason, s.Desired.At = true, sandbox.CodeEssential, "Essential container in task exited", time.Now().UTC()
		s.Status.Height, s.Status.Falling, s.Status.StoppedAt = 0, true, time.Now().UTC()
	})
}

func (w *world) describe(arn *string) types.Task {
	w.t.Helper()
	out, err := w.DescribeTasks(w.ctx, &sdk.DescribeTasksInput{Tasks: []string{*arn}, Include: []types.TaskField{types.TaskFieldTags}})
	if err != nil || len(out.Tasks) != 1 {
		w.t.Fatalf("DescribeTasks: %+v, %v", out, err)
	}
	return out.Tasks[0]
}

// wire sends an operation over the real encoder and returns the body.
func (w *world) wire(operation string, in any) []byte {
	w.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		w.t.Fatal(err)
	}
	h := apiwire.New(apiwire.Options{Account: testAccount, Region: testRegion}, apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", w.API))
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if answer.Code != http.StatusOK {
		w.t.Fatalf("%s: %d %s", operation, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

// Everything random in an answer, longest first.
var random = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}|[0-9a-f]{32}-[0-9]{10}|[0-9a-f]{32}|eni-0[0-9a-f]{16}`)

// golden holds JSON against testdata/<name>.golden, with whatever is random
// called by the order in which it appears.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	names := map[string]string{}
	plain := random.ReplaceAllFunc(body, func(b []byte) []byte {
		if names[string(b)] == "" {
			kind := map[int]string{36: "uuid", 43: "runtime-id", 32: "task", 21: "eni"}[len(b)]
			names[string(b)] = fmt.Sprintf("<%s-%d>", kind, len(names)+1)
		}
		return []byte(names[string(b)])
	})
	var got bytes.Buffer
	if err := json.Indent(&got, plain, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, plain)
	}
	got.WriteByte('\n')
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs (-update writes it anew):\n%s", path, firstDifference(got.String(), string(want)))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d\ngot  %s\nwant %s", i+1, strings.Join(g[i:min(i+4, len(g))], "\n     "), strings.Join(w[min(i, len(w)):min(i+4, len(w))], "\n     "))
		}
	}
	return fmt.Sprintf("line %d: %d lines are missing", len(g)+1, len(w)-len(g))
}
