package trial

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/rest"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sts:AssumeRole"}]}`

// Resource is what there is to know of a cluster or a Fargate profile.
type Resource struct {
	Status, Version, PlatformVersion, Endpoint string

	CertificateAuthority struct{ Data string }
	Health               struct {
		Issues []struct{ Code, Message string }
	}
}

// ClusterPath is the path of a cluster.
func ClusterPath(cluster string) string { return "/clusters/" + cluster }

// ProfilePath is the path of a Fargate profile.
func ProfilePath(cluster, profile string) string {
	return ClusterPath(cluster) + "/fargate-profiles/" + profile
}

// CreateCluster asks for a cluster; Follow tells when it is there.
func (a AWS) CreateCluster(ctx context.Context, name, roleARN string, subnets []string) error {
	return a.rest(ctx, http.MethodPost, "/clusters", map[string]any{
		"name": name, "roleArn": roleARN, "resourcesVpcConfig": map[string]any{"subnetIds": subnets},
	}, nil)
}

// CreateProfile asks for a Fargate profile of some namespaces.
func (a AWS) CreateProfile(ctx context.Context, cluster, name, roleARN string, namespaces ...string) error {
	var selectors []any
	for _, n := range namespaces {
		selectors = append(selectors, map[string]any{"namespace": n})
	}
	return a.rest(ctx, http.MethodPost, ClusterPath(cluster)+"/fargate-profiles", map[string]any{
		"fargateProfileName": name, "podExecutionRoleArn": roleARN, "selectors": selectors,
	}, nil)
}

// Delete asks for the end of a cluster or a profile.
func (a AWS) Delete(ctx context.Context, path string) error {
	return a.rest(ctx, http.MethodDelete, path, nil, nil)
}

// Gone is the status that Follow tells and waits for when there is nothing
// any more.
const Gone = "gone"

// Follow tells a resource's statuses as they change, until one.
func (a AWS) Follow(ctx context.Context, path, until string, tell func(status string)) (*Resource, error) {
	for last := ""; ; {
		r, err := a.describe(ctx, path)
		if no := new(Refusal); until == Gone && errors.As(err, &no) && no.Status == http.StatusNotFound {
			r, err = &Resource{Status: Gone}, nil
		}
		if err != nil {
			return nil, err
		}
		if r.Status != last {
			tell(r.Status)
			last = r.Status
		}
		switch r.Status {
		case until:
			return r, nil
		case "CREATING", "DELETING", "UPDATING":
		default:
			return nil, fmt.Errorf("%s is %s: %+v", path, r.Status, r.Health.Issues)
		}
		if err := Pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (a AWS) describe(ctx context.Context, path string) (*Resource, error) {
	var answer struct {
		Cluster, FargateProfile *Resource
	}
	if err := a.rest(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return nil, err
	}
	if answer.Cluster != nil {
		return answer.Cluster, nil
	}
	return answer.FargateProfile, nil
}

// Config is what `aws eks update-kubeconfig` would write, with a token that is
// good for a quarter of an hour.
func (r *Resource) Config(ctx context.Context, cluster string) (*rest.Config, error) {
	ca, err := base64.StdEncoding.DecodeString(r.CertificateAuthority.Data)
	if err != nil {
		return nil, err
	}
	bearer, err := token(ctx, cluster)
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host: r.Endpoint, BearerToken: bearer, TLSClientConfig: rest.TLSClientConfig{CAData: ca}, QPS: -1,
		WarningHandler: rest.NoWarnings{},
	}, nil
}

// CreateRole makes a role that a service may assume, and returns its ARN.
func (a AWS) CreateRole(ctx context.Context, name, service string) (string, error) {
	var answer struct {
		ARN string `xml:"CreateRoleResult>Role>Arn"`
	}
	err := a.query(ctx, "iam", "2010-05-08", &answer, url.Values{
		"Action": {"CreateRole"}, "RoleName": {name}, "AssumeRolePolicyDocument": {fmt.Sprintf(trust, service)},
	})
	return answer.ARN, err
}

// CreateVPC makes a VPC with two private subnets: Fargate wants no others.
func (a AWS) CreateVPC(ctx context.Context) (subnets []string, err error) {
	const version = "2016-11-15"
	var vpc struct {
		ID string `xml:"vpc>vpcId"`
	}
	if err := a.query(ctx, "ec2", version, &vpc, url.Values{"Action": {"CreateVpc"}, "CidrBlock": {"10.20.0.0/16"}}); err != nil {
		return nil, err
	}
	for i, zone := range []string{"a", "b"} {
		var subnet struct {
			ID string `xml:"subnet>subnetId"`
		}
		err := a.query(ctx, "ec2", version, &subnet, url.Values{
			"Action": {"CreateSubnet"}, "VpcId": {vpc.ID}, "CidrBlock": {fmt.Sprintf("10.20.%d.0/24", i+1)}, "AvailabilityZone": {region + zone},
		})
		if err != nil {
			return nil, err
		}
		subnets = append(subnets, subnet.ID)
	}
	return subnets, nil
}

// Pause waits, or until ctx ends.
func Pause(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}
