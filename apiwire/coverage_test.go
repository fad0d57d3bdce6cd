package apiwire_test

import (
	"io"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/neargate/neargate/apiwire"
	"github.com/rs/zerolog"
)

func newLog(w io.Writer) zerolog.Logger { return zerolog.New(w) }

func TestCoverage(t *testing.T) {
	h, _, _ := toys(t, apiwire.Options{})
	c := h.Coverage()
	if len(c) != 3 || c[0].Service != "ecs" || c[1].Service != "eks" || c[2].Service != "sts" {
		t.Fatalf("coverage of %v", c)
	}
	want := []string{"CreateCluster", "DeleteCluster", "DescribeClusters", "DescribeTasks", "ListServices", "ListTasks", "RunTask", "StopTask", "UpdateService"}
	if !slices.Equal(c[0].Implemented, want) {
		t.Errorf("ecs has %v, want %v", c[0].Implemented, want)
	}
	if len(c[0].Missing) != 88-len(want) || slices.Contains(c[0].Missing, "RunTask") || !slices.Contains(c[0].Missing, "CreateService") || !slices.IsSorted(c[0].Missing) {
		t.Errorf("ecs lacks %v", c[0].Missing)
	}
	if len(c[1].Missing) != 70-3 || len(c[2].Missing) != 0 {
		t.Errorf("eks lacks %d, sts %d", len(c[1].Missing), len(c[2].Missing))
	}
}

func TestOperationsOf(t *testing.T) {
	for want, client := range map[int]any{88: &ecs.Client{}, 51: &elasticloadbalancingv2.Client{}} {
		if got := apiwire.OperationsOf(client); len(got) != want || !slices.IsSorted(got) {
			t.Errorf("%d operations, want %d: %v", len(got), want, got)
		}
	}
}
