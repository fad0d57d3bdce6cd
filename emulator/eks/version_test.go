package eks_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

func (w *world) versions(t *testing.T, in *sdk.DescribeClusterVersionsInput) string {
	t.Helper()
	var list []string
	pages := sdk.NewDescribeClusterVersionsPaginator(w.Client, in)
	for pages.HasMorePages() {
		for _, v := range must[*sdk.DescribeClusterVersionsOutput](t)(pages.NextPage(w.ctx)).ClusterVersions {
			word := *v.ClusterVersion + " " + string(v.Status)
			if v.DefaultVersion {
				word += " default"
			}
			list = append(list, word)
		}
	}
	return strings.Join(list, ", ")
}

func TestDescribeClusterVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const all = "1.36 standard-support, 1.35 standard-support default, 1.34 standard-support"
		for _, row := range []struct {
			in   sdk.DescribeClusterVersionsInput
			want string
		}{
			{sdk.DescribeClusterVersionsInput{}, all},
			{sdk.DescribeClusterVersionsInput{MaxResults: aws.Int32(2)}, all},
			{sdk.DescribeClusterVersionsInput{ClusterType: aws.String("eks")}, all},
			{sdk.DescribeClusterVersionsInput{ClusterType: aws.String("eks-local")}, ""},
			{sdk.DescribeClusterVersionsInput{DefaultOnly: aws.Bool(true)}, "1.35 standard-support default"},
			{sdk.DescribeClusterVersionsInput{ClusterVersions: []string{"1.34"}}, "1.34 standard-support"},
			{sdk.DescribeClusterVersionsInput{VersionStatus: types.VersionStatusExtendedSupport}, ""},
			{sdk.DescribeClusterVersionsInput{Status: types.ClusterVersionStatusStandardSupport}, all},
		} {
			if got := w.versions(t, &row.in); got != row.want {
				t.Errorf("%+v: %s", row.in, got)
			}
		}
		_, err := w.DescribeClusterVersions(w.ctx, &sdk.DescribeClusterVersionsInput{ClusterVersions: []string{"1.10"}})
		refused(t, err, "InvalidParameterException: unsupported Kubernetes version 1.10")
		_, err = w.DescribeClusterVersions(w.ctx, &sdk.DescribeClusterVersionsInput{
			Status: types.ClusterVersionStatusStandardSupport, VersionStatus: types.VersionStatusStandardSupport})
		refused(t, err, "InvalidParameterException: Only one of status and versionStatus can be specified.")

		time.Sleep(time.Until(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)))
		if got := w.versions(t, &sdk.DescribeClusterVersionsInput{VersionStatus: types.VersionStatusExtendedSupport}); got != "1.34 extended-support" {
			t.Errorf("in 2027: %s", got)
		}
		time.Sleep(time.Until(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)))
		if got := w.versions(t, &sdk.DescribeClusterVersionsInput{}); got != "1.36 standard-support, 1.35 extended-support default" {
			t.Errorf("in 2028: %s", got)
		}
		if got := w.versions(t, &sdk.DescribeClusterVersionsInput{IncludeAll: aws.Bool(true)}); !strings.HasSuffix(got, "1.34 unsupported") {
			t.Errorf("all in 2028: %s", got)
		}
	})
}
