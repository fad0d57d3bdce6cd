package ecs_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/apiwire"
)

// inProcess carries requests to a handler without a network.
type inProcess struct{ http.Handler }

func (h inProcess) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}

// client is a real client of the account, speaking AWS's wire.
func (a *account) client() *sdk.Client {
	h := apiwire.New(apiwire.Options{Log: zerolog.Nop()}, apiwire.JSON11("ecs", "AmazonEC2ContainerServiceV20141113", a.API).
		WithConstraints(apiwire.ConstraintsOf("ecs"), apiwire.VoiceECS))
	return sdk.New(sdk.Options{
		Region: testRegion, BaseEndpoint: aws.String("http://neargate.test"), HTTPClient: inProcess{h}, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(testAccount, "secret", ""),
	})
}

// The way of Terraform and of the tutorials, over the wire.
func TestMainFlowOverTheWire(t *testing.T) {
	a, ctx := newAccount(t), context.Background()
	c := a.client()
	cluster := must[*sdk.CreateClusterOutput](t)(c.CreateCluster(ctx, &sdk.CreateClusterInput{ClusterName: aws.String("c1"), Tags: []types.Tag{tag("k", "v")}})).Cluster
	put := must[*sdk.PutClusterCapacityProvidersOutput](t)(c.PutClusterCapacityProviders(ctx, &sdk.PutClusterCapacityProvidersInput{
		Cluster: cluster.ClusterArn, CapacityProviders: []string{"FARGATE"}, DefaultCapacityProviderStrategy: strategy(item("FARGATE", 0, 1)),
	})).Cluster
	if len(put.DefaultCapacityProviderStrategy) != 1 || *put.Settings[0].Value != "disabled" {
		t.Errorf("with providers: %+v", put)
	}
	d := must[*sdk.RegisterTaskDefinitionOutput](t)(c.RegisterTaskDefinition(ctx, fargateDefinition("web"))).TaskDefinition
	shown := must[*sdk.DescribeTaskDefinitionOutput](t)(c.DescribeTaskDefinition(ctx, &sdk.DescribeTaskDefinitionInput{TaskDefinition: aws.String("web")})).TaskDefinition
	if *shown.TaskDefinitionArn != *d.TaskDefinitionArn || shown.Volumes == nil || shown.ContainerDefinitions[0].SystemControls == nil {
		t.Errorf("described: %+v", shown)
	}
	must[*sdk.DeregisterTaskDefinitionOutput](t)(c.DeregisterTaskDefinition(ctx, &sdk.DeregisterTaskDefinitionInput{TaskDefinition: d.TaskDefinitionArn}))
	must[*sdk.PutClusterCapacityProvidersOutput](t)(c.PutClusterCapacityProviders(ctx, &sdk.PutClusterCapacityProvidersInput{
		Cluster: cluster.ClusterArn, CapacityProviders: []string{}, DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{},
	}))
	gone := must[*sdk.DeleteClusterOutput](t)(c.DeleteCluster(ctx, &sdk.DeleteClusterInput{Cluster: cluster.ClusterArn})).Cluster
	if *gone.Status != "INACTIVE" {
		t.Errorf("deleted: %s", *gone.Status)
	}
	_, err := c.UpdateClusterSettings(ctx, &sdk.UpdateClusterSettingsInput{Cluster: aws.String("c2"), Settings: insightsOff})
	if missing := (*types.ClusterNotFoundException)(nil); !errors.As(err, &missing) || missing.ErrorMessage() != "Cluster not found." {
		t.Errorf("unknown cluster: %v", err)
	}
}

func TestPaginatorsOverTheWire(t *testing.T) {
	a, ctx := newAccount(t), context.Background()
	c := a.client()
	for i := range 7 {
		a.register(t, ec2Definition(fmt.Sprintf("f%d", i)))
	}
	n := 0
	for p := sdk.NewListTaskDefinitionFamiliesPaginator(c, &sdk.ListTaskDefinitionFamiliesInput{MaxResults: aws.Int32(3)}); p.HasMorePages(); {
		n += len(must[*sdk.ListTaskDefinitionFamiliesOutput](t)(p.NextPage(ctx)).Families)
	}
	for p := sdk.NewListAccountSettingsPaginator(c, &sdk.ListAccountSettingsInput{EffectiveSettings: true}); p.HasMorePages(); {
		n += len(must[*sdk.ListAccountSettingsOutput](t)(p.NextPage(ctx)).Settings)
	}
	if n != 7+11 {
		t.Errorf("the pages held %d items", n)
	}
}
