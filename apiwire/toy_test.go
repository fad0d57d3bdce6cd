package apiwire_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/neargate/neargate/apiwire"
)

// toy is an ECS of few operations, each of which does something that tests
// want to see.
type toy struct {
	calls   []apiwire.Call
	present []string
}

func (a *toy) CreateCluster(ctx context.Context, in *ecs.CreateClusterInput) (*ecs.CreateClusterOutput, error) {
	a.calls = append(a.calls, apiwire.CallFrom(ctx))
	c := apiwire.CallFrom(ctx)
	return &ecs.CreateClusterOutput{Cluster: &ecstypes.Cluster{
		ClusterName: in.ClusterName, ClusterArn: aws.String(c.ARN("ecs", "cluster/"+aws.ToString(in.ClusterName))), Status: aws.String("ACTIVE"),
		Tags: []ecstypes.Tag{},
	}}, nil
}

func (a *toy) DescribeClusters(ctx context.Context, in *ecs.DescribeClustersInput) (*ecs.DescribeClustersOutput, error) {
	a.calls = append(a.calls, apiwire.CallFrom(ctx))
	out := &ecs.DescribeClustersOutput{Clusters: []ecstypes.Cluster{}, Failures: []ecstypes.Failure{}}
	for _, name := range in.Clusters {
		out.Failures = append(out.Failures, ecstypes.Failure{Arn: aws.String(apiwire.CallFrom(ctx).ARN("ecs", "cluster/"+name)), Reason: aws.String("MISSING")})
	}
	return out, nil
}

func (a *toy) UpdateService(ctx context.Context, _ *ecs.UpdateServiceInput) (*ecs.UpdateServiceOutput, error) {
	for _, m := range []string{"forceNewDeployment", "ForceNewDeployment", "desiredCount", "cluster"} {
		if apiwire.Present(ctx, m) {
			a.present = append(a.present, m)
		}
	}
	return nil, nil
}

func (a *toy) ListTasks(context.Context, *ecs.ListTasksInput) (*ecs.ListTasksOutput, error) {
	return nil, fmt.Errorf("listing: %w", &ecstypes.ClusterNotFoundException{Message: aws.String("Cluster not found.")})
}

func (a *toy) StopTask(context.Context, *ecs.StopTaskInput) (*ecs.StopTaskOutput, error) {
	return nil, &ecstypes.ClientException{}
}

func (a *toy) RunTask(context.Context, *ecs.RunTaskInput) (*ecs.RunTaskOutput, error) {
	return nil, errors.New("the disk said: secret")
}

func (a *toy) ListServices(context.Context, *ecs.ListServicesInput) (*ecs.ListServicesOutput, error) {
	panic("a bug: secret")
}

func (a *toy) DeleteCluster(context.Context, *ecs.DeleteClusterInput) (*ecs.DeleteClusterOutput, error) {
	var none *ecstypes.ClusterNotFoundException
	return nil, none
}

func (a *toy) DescribeTasks(ctx context.Context, _ *ecs.DescribeTasksInput) (*ecs.DescribeTasksOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Launch is no operation: it has not the shape.
func (a *toy) Launch(context.Context, string) error { return nil }

// toyEKS knows one cluster, "here".
type toyEKS struct{ got []string }

func (a *toyEKS) DescribeCluster(_ context.Context, in *eks.DescribeClusterInput) (*eks.DescribeClusterOutput, error) {
	a.got = append(a.got, *in.Name)
	if *in.Name != "here" {
		return nil, &ekstypes.ResourceNotFoundException{
			Message: aws.String("No cluster found for name: " + *in.Name + "."), ClusterName: in.Name,
		}
	}
	return &eks.DescribeClusterOutput{Cluster: &ekstypes.Cluster{Name: in.Name}}, nil
}

func (a *toyEKS) ListTagsForResource(_ context.Context, in *eks.ListTagsForResourceInput) (*eks.ListTagsForResourceOutput, error) {
	a.got = append(a.got, *in.ResourceArn)
	return &eks.ListTagsForResourceOutput{Tags: map[string]string{"b": "2", "a": "1"}}, nil
}

func (a *toyEKS) ListClusters(_ context.Context, in *eks.ListClustersInput) (*eks.ListClustersOutput, error) {
	a.got = append(a.got, fmt.Sprint(aws.ToInt32(in.MaxResults), in.Include))
	return &eks.ListClustersOutput{}, nil
}

// toySTS says who calls.
type toySTS struct{}

func (toySTS) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: aws.String(apiwire.CallFrom(ctx).Account)}, nil
}

// toys serves all of them.
func toys(t testing.TB, o apiwire.Options) (*apiwire.Handler, *toy, *toyEKS) {
	a, k := &toy{}, &toyEKS{}
	return apiwire.New(o,
		apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", a).WithOperations(apiwire.OperationsOf(&ecs.Client{})...),
		apiwire.RESTJSON("eks", eksRoutes(t), k),
		apiwire.Query("sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/", toySTS{}),
	), a, k
}

const ecsTarget = "AmazonEC2ContainerServiceV20141113."

// signedAs is an Authorization header, with a signature that nobody checks.
func signedAs(accessKey, region, service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + accessKey + "/20260101/" + region + "/" + service +
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature=00"
}

// send makes one raw request. Headers come in pairs.
func send(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// callECS sends a JSON body to an operation.
func callECS(h http.Handler, op, body string) *httptest.ResponseRecorder {
	return send(h, http.MethodPost, "/", body, "X-Amz-Target", ecsTarget+op, "Content-Type", "application/x-amz-json-1.1")
}
