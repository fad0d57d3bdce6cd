package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/fixtures"
)

// site is an emulator as one caller sees it.
type site struct {
	cfg    aws.Config
	url    string
	client *http.Client
	fake   *fake.State
	key    string // access key id
}

// open starts an emulator that ends with the test.
func open(t testing.TB, options ...fixtures.Option) *site {
	t.Helper()
	e := fixtures.Start(t, options...)
	return &site{cfg: e.Config, url: e.URL, client: e.Client(), fake: e.Fake, key: "test"}
}

// bubble starts an emulator in virtual time, whose clients reach it without a
// network. Goroutines that outlive it fail the test.
func bubble(t *testing.T, change func(*emulator.Config), do func(t *testing.T, s *site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := emulator.Defaults()
		c.DataDir, c.Runtime, c.Fake, c.EKS = emulator.Memory, emulator.RuntimeFake, fake.NewState(), emulator.EKSRecords
		change(&c)
		e, err := emulator.New(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx) }()
		do(t, reach(e, c.Region, c.Fake))
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
		if err := e.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}

// reach reaches an emulator without a network.
func reach(e *emulator.Emulator, region string, state *fake.State) *site {
	client := &http.Client{Transport: inProcess{e.Handler()}}
	return &site{
		cfg: aws.Config{
			Region: region, BaseEndpoint: aws.String("http://localhost"), HTTPClient: client,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		},
		url: "http://localhost", client: client, fake: state, key: "test",
	}
}

// as is the same emulator, seen by another caller.
func (s *site) as(key, secret, token, region string) *site {
	other := *s
	other.key, other.cfg = key, s.cfg.Copy()
	other.cfg.Region, other.cfg.Credentials = region, credentials.NewStaticCredentialsProvider(key, secret, token)
	return &other
}

func (s *site) ecs() *ecs.Client { return ecs.NewFromConfig(s.cfg) }

// send makes a request and reads the whole answer.
func (s *site) send(t testing.TB, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	a, err := s.client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer a.Body.Close()
	body, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return a, string(body)
}

// get reads an answer of Neargate's own as JSON.
func get[T any](t testing.TB, s *site, path string) T {
	t.Helper()
	var v T
	a, body := s.send(t, http.MethodGet, path)
	if err := json.Unmarshal([]byte(body), &v); a.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("GET %s: %s, %v\n%s", path, a.Status, err, body)
	}
	return v
}

// refusal is how Neargate's own endpoints say no.
type refusal struct{ Error, Hint string }

func refused(t testing.TB, s *site, method, path string, status int) refusal {
	t.Helper()
	var v refusal
	a, body := s.send(t, method, path)
	if err := json.Unmarshal([]byte(body), &v); a.StatusCode != status || err != nil || v.Error == "" {
		t.Fatalf("%s %s: %s, want %d with a reason: %v\n%s", method, path, a.Status, status, err, body)
	}
	return v
}

// ec2 calls an operation of EC2, whose client takes too long to compile, and
// returns status and answer.
func (s *site) ec2(t testing.TB, action string, params ...string) (int, string) {
	t.Helper()
	q := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	a, body := s.send(t, http.MethodGet, "/?"+q.Encode(), "Authorization", fmt.Sprintf(
		"AWS4-HMAC-SHA256 Credential=%s/20260101/%s/ec2/aws4_request, SignedHeaders=host, Signature=00", s.key, s.cfg.Region))
	return a.StatusCode, body
}

// element is the text of the first XML element of a name, "" when there is
// none.
func element(xml, name string) string {
	_, rest, _ := strings.Cut(xml, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

// fargate is a request to run a task in the default VPC.
func (s *site) fargate(t testing.TB, definition string, change ...func(*ecs.RunTaskInput)) *ecs.RunTaskInput {
	t.Helper()
	_, subnets := s.ec2(t, "DescribeSubnets", "Filter.1.Name", "default-for-az", "Filter.1.Value.1", "true")
	subnet := element(subnets, "subnetId")
	if subnet == "" {
		t.Fatalf("the default VPC has no subnets: %s", subnets)
	}
	in := &ecs.RunTaskInput{
		TaskDefinition: &definition, LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{subnet}}},
	}
	for _, c := range change {
		c(in)
	}
	return in
}

// prepare makes the cluster default and registers a definition.
func (s *site) prepare(t testing.TB, d *ecs.RegisterTaskDefinitionInput) string {
	t.Helper()
	if _, err := s.ecs().CreateCluster(context.Background(), &ecs.CreateClusterInput{}); err != nil {
		t.Fatal(err)
	}
	out, err := s.ecs().RegisterTaskDefinition(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.TaskDefinition.TaskDefinitionArn)
}

// run starts tasks of a definition on Fargate.
func (s *site) run(t testing.TB, d *ecs.RegisterTaskDefinitionInput, change ...func(*ecs.RunTaskInput)) []types.Task {
	t.Helper()
	out, err := s.ecs().RunTask(context.Background(), s.fargate(t, s.prepare(t, d), change...))
	if err != nil {
		t.Fatal(err)
	}
	return out.Tasks
}

func (s *site) running(t testing.TB, task types.Task) types.Task {
	t.Helper()
	in := &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}, Cluster: task.ClusterArn}
	if err := ecs.NewTasksRunningWaiter(s.ecs(), soon).Wait(context.Background(), in, patience); err != nil {
		t.Fatal(err)
	}
	return s.describe(t, task)
}

func (s *site) stopped(t testing.TB, task types.Task) types.Task {
	t.Helper()
	in := &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}, Cluster: task.ClusterArn}
	if err := ecs.NewTasksStoppedWaiter(s.ecs(), soonStopped).Wait(context.Background(), in, patience); err != nil {
		t.Fatal(err)
	}
	return s.describe(t, task)
}

func (s *site) describe(t testing.TB, task types.Task) types.Task {
	t.Helper()
	out, err := s.ecs().DescribeTasks(context.Background(), &ecs.DescribeTasksInput{Tasks: []string{*task.TaskArn}, Cluster: task.ClusterArn})
	if err != nil || len(out.Tasks) != 1 {
		t.Fatalf("describe %s: %+v, %v", *task.TaskArn, out, err)
	}
	return out.Tasks[0]
}

func (s *site) stop(t testing.TB, task types.Task) {
	t.Helper()
	if _, err := s.ecs().StopTask(context.Background(), &ecs.StopTaskInput{Task: task.TaskArn, Cluster: task.ClusterArn}); err != nil {
		t.Fatal(err)
	}
}

// sandboxes are those that the fake runtime holds.
func (s *site) sandboxes(t testing.TB) []string {
	t.Helper()
	ids, err := fake.New(fake.Options{State: s.fake}).List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
