package eks_test

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func TestRoutesAreThoseOfTheSDK(t *testing.T) {
	ours, err := os.ReadFile("routes.txt")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("../../apiwire/testdata/routes/eks.golden")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != string(golden) {
		t.Error("routes.txt is not apiwire/testdata/routes/eks.golden any more: copy it")
	}
}

func TestClusterBecomesActive(t *testing.T) {
	w := newWorld(t)
	c := w.create("web", "")
	if c.Status != types.ClusterStatusActive {
		t.Errorf("cluster is %s", c.Status)
	}
}
