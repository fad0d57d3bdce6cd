package ecs_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/store"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-west-1"
	arnPrefix   = "arn:aws:ecs:" + testRegion + ":" + testAccount + ":"
	rootUser    = "arn:aws:iam::" + testAccount + ":root"
)

// account is an AWS account in a region whose ECS stands on a store of its
// own, in a file that is closed and removed with the test.
type account struct {
	*ecs.API
	st  *store.Store
	ctx context.Context
}

func newAccount(t *testing.T) *account {
	t.Helper()
	ctx := apiwire.WithCall(t.Context(), apiwire.Call{
		Service: "ecs", Operation: "Test", Account: testAccount, Partition: "aws", Region: testRegion, RequestID: "r1",
	})
	st, err := store.Open(ctx, filepath.Join(t.TempDir(), "state.db"), store.Options{Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return &account{API: ecs.New(ecs.Config{Store: st}), st: st, ctx: ctx}
}

// in returns the context of the same caller in another region.
func (a *account) in(region string) context.Context {
	call := apiwire.CallFrom(a.ctx)
	call.Region = region
	return apiwire.WithCall(a.ctx, call)
}

// must returns what an operation answers and fails the test when it refuses.
func must[T any](t *testing.T) func(out T, err error) T {
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
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if got := wire(err); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// wire is an error as clients see it.
func wire(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if err == nil {
			return "no error"
		}
		return "not an API error: " + err.Error()
	}
	return api.ErrorCode() + ": " + api.ErrorMessage()
}

// fargateDefinition is a definition that Fargate takes.
func fargateDefinition(family string) *sdk.RegisterTaskDefinitionInput {
	return &sdk.RegisterTaskDefinitionInput{
		Family: aws.String(family), Cpu: aws.String("256"), Memory: aws.String("512"),
		NetworkMode: types.NetworkModeAwsvpc, RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("nginx:1.27")}},
	}
}

// ec2Definition is a definition in the bridge mode of container instances.
func ec2Definition(family string) *sdk.RegisterTaskDefinitionInput {
	return &sdk.RegisterTaskDefinitionInput{
		Family: aws.String(family),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("nginx:1.27"), Memory: aws.Int32(128),
		}},
	}
}

func (a *account) register(t *testing.T, in *sdk.RegisterTaskDefinitionInput) *types.TaskDefinition {
	t.Helper()
	return must[*sdk.RegisterTaskDefinitionOutput](t)(a.RegisterTaskDefinition(a.ctx, in)).TaskDefinition
}

func tag(key, value string) types.Tag {
	return types.Tag{Key: aws.String(key), Value: aws.String(value)}
}

// smithyEqual makes cmp look over the SDK's marker of structs that are no
// documents.
var smithyEqual = cmp.FilterPath(func(p cmp.Path) bool {
	return p.Last().String() == ".noSmithyDocumentSerde"
}, cmp.Ignore())

// signedBy makes everybody the caller of that ARN.
type signedBy string

func (s signedBy) CallerARN(context.Context) (string, error) { return string(s), nil }
