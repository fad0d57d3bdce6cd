package eks_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/eks"
)

func TestErrorsNameWhatTheyAreAbout(t *testing.T) {
	w := newWorld(t)
	_, err := w.DescribeCluster(w.ctx, &sdk.DescribeClusterInput{Name: aws.String("nope")})
	if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || aws.ToString(e.ClusterName) != "nope" || e.NodegroupName != nil {
		t.Errorf("error is %#v", err)
	}
	in := newCluster("web")
	in.ResourcesVpcConfig.SubnetIds = []string{"subnet-a", "subnet-full", "subnet-b"}
	_, err = w.CreateCluster(w.ctx, in)
	e, ok := errors.AsType[*types.UnsupportedAvailabilityZoneException](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	if d := cmp.Diff([]string{"eu-west-1a", "eu-west-1b"}, e.ValidZones); d != "" {
		t.Error(d)
	}
	w.create("web", "")
	_, err = w.DescribeFargateProfile(w.ctx, &sdk.DescribeFargateProfileInput{ClusterName: aws.String("web"), FargateProfileName: aws.String("fp")})
	if e, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok || aws.ToString(e.ClusterName) != "web" || aws.ToString(e.FargateProfileName) != "fp" {
		t.Errorf("error is %#v", err)
	}
}

// TestWire looks at an answer as it is sent: what has no value yet is an empty
// object or absent, as AWS has it.
func TestWire(t *testing.T) {
	w := newWorld(t)
	w.planes.hold()
	must[*sdk.CreateClusterOutput](t)(w.CreateCluster(w.ctx, newCluster("web")))
	handler := inProcess{apiwire.New(apiwire.Options{Account: testAccount, Region: testRegion}, apiwire.RESTJSON("eks", eks.Routes(), w.api))}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://neargate/clusters/web", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+testAccount+"/20260101/"+testRegion+"/eks/aws4_request, SignedHeaders=host, Signature=00")
	answer, err := handler.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"certificateAuthority":{}`, `"tags":{}`, `"status":"CREATING"`, `"securityGroupIds":[]`, `"version":"1.35"`} {
		if !strings.Contains(string(body), part) {
			t.Errorf("no %s in %s", part, body)
		}
	}
	for _, part := range []string{`"endpoint":`, `"identity"`, `"clusterSecurityGroupId"`, `"creator"`, `"Hex"`} {
		if strings.Contains(string(body), part) {
			t.Errorf("%s in %s", part, body)
		}
	}
}

func TestOperationsThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	_, err := w.RegisterCluster(w.ctx, &sdk.RegisterClusterInput{
		Name: aws.String("far"), ConnectorConfig: &types.ConnectorConfigRequest{RoleArn: aws.String(clusterRole), Provider: types.ConnectorConfigProviderOther}})
	if err == nil || !strings.Contains(err.Error(), "RegisterCluster") || !strings.Contains(err.Error(), "UnknownOperationException") {
		t.Errorf("error is %v", err)
	}
}
