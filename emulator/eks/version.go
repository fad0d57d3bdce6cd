package eks

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

// This file knows the Kubernetes versions that clusters can have.

// version is a minor version of Kubernetes on EKS.
type version struct {
	minor string
	patch string // of what is served: GET /version of a cluster tells it
	// Of EKS's release calendar; "" where it is not known here.
	released, standardEnd, extendedEnd string
}

// versions are those that a control plane of neargate-kube can behave as and
// that EKS has, oldest first. EKS has older ones too, which cannot be served.
var versions = []version{
	{minor: "1.34", patch: "1.34.0", released: "2025-10-02", standardEnd: "2026-12-02", extendedEnd: "2027-12-02"},
	{minor: "1.35", patch: "1.35.0", released: "2026-01-27", standardEnd: "2027-03-27", extendedEnd: "2028-03-27"},
	{minor: "1.36", patch: "1.36.0"},
}

// defaultVersion is what a cluster has whose creator names none.
const defaultVersion = "1.35"

// platformVersion is the one that every cluster has: there is one build of the
// control plane.
const platformVersion = "eks.1"

// versionOf finds a version by its exact name: 1.35, not 1.35.0.
func versionOf(minor string) (version, bool) {
	i := slices.IndexFunc(versions, func(v version) bool { return v.minor == minor })
	if i < 0 {
		return version{}, false
	}
	return versions[i], true
}

// isNextMinor tells whether to is the minor version right after from.
func isNextMinor(from, to string) bool {
	a, errA := strconv.Atoi(strings.TrimPrefix(from, "1."))
	b, errB := strconv.Atoi(strings.TrimPrefix(to, "1."))
	return errA == nil && errB == nil && b == a+1
}

func day(s string) *time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil
	}
	return &t
}

// show is the version as DescribeClusterVersions tells it at a time.
func (v version) show(now time.Time) types.ClusterVersionInformation {
	info := types.ClusterVersionInformation{
		ClusterVersion: aws.String(v.minor), ClusterType: aws.String("eks"), DefaultPlatformVersion: aws.String(platformVersion),
		DefaultVersion: v.minor == defaultVersion, KubernetesPatchVersion: aws.String(v.patch),
		ReleaseDate: day(v.released), EndOfStandardSupportDate: day(v.standardEnd), EndOfExtendedSupportDate: day(v.extendedEnd),
		Status: types.ClusterVersionStatusStandardSupport, VersionStatus: types.VersionStatusStandardSupport,
	}
	switch {
	case info.EndOfExtendedSupportDate != nil && !now.Before(*info.EndOfExtendedSupportDate):
		info.Status, info.VersionStatus = types.ClusterVersionStatusUnsupported, types.VersionStatusUnsupported
	case info.EndOfStandardSupportDate != nil && !now.Before(*info.EndOfStandardSupportDate):
		info.Status, info.VersionStatus = types.ClusterVersionStatusExtendedSupport, types.VersionStatusExtendedSupport
	}
	return info
}

// DescribeClusterVersions tells which versions clusters can have here: of
// EKS's own those that can be served, newest first.
func (a *API) DescribeClusterVersions(_ context.Context, in *eks.DescribeClusterVersionsInput) (*eks.DescribeClusterVersionsOutput, error) {
	if in.Status != "" && in.VersionStatus != "" {
		return nil, about{}.invalid("Only one of status and versionStatus can be specified.")
	}
	for _, name := range in.ClusterVersions {
		if _, ok := versionOf(name); !ok {
			return nil, about{}.invalid("unsupported Kubernetes version %s", name)
		}
	}
	now := time.Now()
	var list []types.ClusterVersionInformation
	for _, v := range versions {
		if info := v.show(now); chosen(in, info) {
			list = append(list, info)
		}
	}
	// Pages go by ascending keys: a later version has the smaller one.
	key := func(v types.ClusterVersionInformation) string {
		n, err := strconv.Atoi(strings.TrimPrefix(*v.ClusterVersion, "1."))
		if err != nil {
			panic(err) // no version of the table above
		}
		return strconv.Itoa(1_000_000 - n)
	}
	of := strings.Join(slices.Concat([]string{"DescribeClusterVersions", string(in.Status), string(in.VersionStatus)}, in.ClusterVersions), " ")
	shown, next, err := page(list, key, query{of: of, max: in.MaxResults, token: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &eks.DescribeClusterVersionsOutput{ClusterVersions: shown, NextToken: next}, nil
}

// chosen tells whether a version passes the filters of a request. Unsupported
// ones are shown to whoever names them or wants all.
func chosen(in *eks.DescribeClusterVersionsInput, v types.ClusterVersionInformation) bool {
	switch {
	case len(in.ClusterVersions) > 0 && !slices.Contains(in.ClusterVersions, *v.ClusterVersion),
		aws.ToBool(in.DefaultOnly) && !v.DefaultVersion,
		in.ClusterType != nil && *in.ClusterType != *v.ClusterType,
		in.Status != "" && in.Status != v.Status,
		in.VersionStatus != "" && in.VersionStatus != v.VersionStatus:
		return false
	}
	named := len(in.ClusterVersions) > 0 || in.Status != "" || in.VersionStatus != ""
	return v.Status != types.ClusterVersionStatusUnsupported || named || aws.ToBool(in.IncludeAll)
}
