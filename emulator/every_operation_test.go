package emulator_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator"
	"github.com/neargate/neargate/emulator/ec2"
	"github.com/neargate/neargate/fixtures"
)

// This file calls everything there is with what nobody should send: never a
// failure of the server's, always an answer, and soon.

// soonEnough is how long any call may take, on a machine that is busy besides:
// it tells a call that waits for something from one that answers.
const soonEnough = 30 * time.Second

// operation is one of an SDK client's.
type operation struct {
	service, name string
	served        bool
	input         reflect.Type // the struct
	call          func(ctx context.Context, in any) error
}

// operations are those of every client that compiles soon, which send what
// they are given, unchecked and once.
func (s *site) operations(t testing.TB) []operation {
	t.Helper()
	cfg := s.cfg.Copy()
	cfg.RetryMaxAttempts = 1
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		_, _ = stack.Initialize.Remove("OperationInputValidation") // not all have it
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("OneHost", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in) // stream-localhost is nobody's name
		}), middleware.Before)
	})
	served := servedOperations(t)
	var all []operation
	for service, client := range map[string]any{
		"ecs": ecs.NewFromConfig(cfg), "eks": eks.NewFromConfig(cfg), "logs": cloudwatchlogs.NewFromConfig(cfg), "iam": iam.NewFromConfig(cfg), "sts": sts.NewFromConfig(cfg),
	} {
		for _, name := range apiwire.OperationsOf(client) {
			method := reflect.ValueOf(client).MethodByName(name)
			all = append(all, operation{service, name, served[service+" "+name], method.Type().In(1).Elem(), func(ctx context.Context, in any) error {
				out := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)})
				err, _ := out[1].Interface().(error)
				return err
			}})
		}
	}
	return all
}

func servedOperations(t testing.TB) map[string]bool {
	t.Helper()
	c := emulator.Defaults()
	c.DataDir, c.Runtime, c.EKS = emulator.Memory, emulator.RuntimeFake, emulator.EKSRecords
	e, err := emulator.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	served := map[string]bool{}
	for _, one := range e.Coverage() {
		for _, name := range one.Implemented {
			served[one.Service+" "+name] = true
		}
	}
	return served
}

// unsent tells whether a client could not even write a request.
func unsent(err error) bool {
	_, ok := errors.AsType[*smithy.SerializationError](err)
	return ok
}

// name gives an input's texts a value that names nothing.
func name(in reflect.Value) {
	for i := range in.NumField() {
		if f := in.Field(i); f.Type() == reflect.TypeFor[*string]() {
			f.Set(reflect.ValueOf(aws.String("nothing")))
		}
	}
}

// answered fails unless err is nil or says in AWS's way that the caller is at
// fault.
func answered(t testing.TB, what string, err error) (code string) {
	t.Helper()
	if err == nil {
		return ""
	}
	var response *awshttp.ResponseError
	var refusal smithy.APIError
	switch {
	case unsent(err):
		return "unsent"
	case errors.Is(err, context.DeadlineExceeded):
		t.Errorf("%s: no answer within %v", what, soonEnough)
	case !errors.As(err, &refusal) || !errors.As(err, &response):
		t.Errorf("%s: not refused in AWS's way: %v", what, err)
	case response.HTTPStatusCode() >= 500 || response.HTTPStatusCode() < 400 || refusal.ErrorCode() == "" || refusal.ErrorMessage() == "" || response.ServiceRequestID() == "":
		t.Errorf("%s: status %d: %v", what, response.HTTPStatusCode(), err)
	default:
		return refusal.ErrorCode()
	}
	return "?"
}

// TestEmptyInputs calls every operation that AWS has without anything.
func TestEmptyInputs(t *testing.T) {
	s := reachRunning(t)
	total := 0
	for _, op := range s.operations(t) {
		ctx, cancel := context.WithTimeout(t.Context(), soonEnough)
		in := reflect.New(op.input)
		err := op.call(ctx, in.Interface())
		if unsent(err) { // what is in the path cannot be left out
			name(in.Elem())
			err = op.call(ctx, in.Interface())
		}
		cancel()
		total++
		code := answered(t, op.service+" "+op.name, err)
		if unknown := code == "UnknownOperationException" || code == "InvalidAction"; unknown == op.served {
			t.Errorf("%s %s: served %t, but: %v", op.service, op.name, op.served, err)
		}
		if !op.served && err != nil && !strings.Contains(err.Error(), op.name) {
			t.Errorf("%s %s is not named: %v", op.service, op.name, err)
		}
	}
	if total < 300 {
		t.Errorf("only %d operations", total)
	}
	for _, name := range methods(&ec2.API{}) {
		status, answer := s.ec2(t, name)
		if status >= 500 || status != 200 && (element(answer, "Code") == "" || element(answer, "Message") == "" || element(answer, "RequestID") == "") {
			t.Errorf("ec2 %s: %d %s", name, status, answer)
		}
	}
}

// reachRunning is an emulator in this process with something in it, and the
// names of that.
func reachRunning(t *testing.T) *site {
	t.Helper()
	e := newEmulator(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	s := reach(e, "us-east-1", nil)
	s.running(t, s.run(t, logged(fixtures.TaskDefinition("web", "nginx"), "/ecs/web"))[0])
	if _, err := iam.NewFromConfig(s.cfg).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	s.cluster(t, "shop")
	return s
}

// TestJunkInputs calls every operation that is served with values of the
// right types that make no sense, among them the names of what is there.
func TestJunkInputs(t *testing.T) {
	s := reachRunning(t)
	_, subnets := s.ec2(t, "DescribeSubnets")
	names := []string{
		"default", "web", "web:1", "/ecs/web", "app", element(subnets, "subnetId"), element(subnets, "vpcId"),
		"arn:aws:ecs:us-east-1:000000000000:cluster/default", "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1", "arn:aws:iam::000000000000:role/app",
		"shop", "arn:aws:eks:us-east-1:000000000000:cluster/shop", "1.35", "STANDARD", "coredns",
	}
	for _, op := range s.operations(t) {
		if !op.served {
			continue
		}
		sent := 0
		for seed := range uint64(8) {
			in := reflect.New(op.input)
			newJunk(seed, names).fill(in.Elem(), 0)
			ctx, cancel := context.WithTimeout(t.Context(), soonEnough)
			err := op.call(ctx, in.Interface())
			cancel()
			if answered(t, op.service+" "+op.name, err) != "unsent" {
				sent++
			}
		}
		if sent == 0 {
			t.Errorf("%s %s: no junk was sent", op.service, op.name)
		}
	}
	if got := get[emulator.Health](t, s, "/_neargate/health"); got.Status != "running" {
		t.Errorf("after all that: %+v", got)
	}
}
