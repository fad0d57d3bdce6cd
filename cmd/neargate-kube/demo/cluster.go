package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// This file makes and removes the cluster and its Fargate profile.

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sts:AssumeRole"}]}`

// described is what the demonstration reads of a cluster or a profile.
type described struct {
	Status, Version, PlatformVersion, Endpoint string

	CertificateAuthority struct{ Data string }
	Health               struct {
		Issues []struct{ Code, Message string }
	}
}

func (d *demo) makeCluster(ctx context.Context) error {
	subnets, err := d.makeVPC(ctx)
	if err != nil {
		return err
	}
	roleARN, err := d.makeRole(ctx, "demo-cluster", "eks.amazonaws.com")
	if err != nil {
		return err
	}
	say("aws eks create-cluster --name %s --role-arn %s --resources-vpc-config subnetIds=%s,%s", cluster, roleARN, subnets[0], subnets[1])
	began := time.Now()
	err = d.aws.rest(ctx, http.MethodPost, "/clusters", map[string]any{
		"name": cluster, "roleArn": roleARN, "resourcesVpcConfig": map[string]any{"subnetIds": subnets},
	}, nil)
	if err != nil {
		return err
	}
	c, err := d.follow(ctx, "/clusters/"+cluster, "ACTIVE", began)
	if err != nil {
		return err
	}
	d.timed("create-cluster until it is ACTIVE, with a Kubernetes API server of its own", began)
	say("It is ACTIVE: Kubernetes %s, %s", c.Version, c.Endpoint)
	return d.configure(c)
}

// configure does what `aws eks update-kubeconfig` does.
func (d *demo) configure(c *described) error {
	ca, err := base64.StdEncoding.DecodeString(c.CertificateAuthority.Data)
	if err != nil {
		return err
	}
	d.config = &rest.Config{
		Host: c.Endpoint, BearerToken: token(cluster), TLSClientConfig: rest.TLSClientConfig{CAData: ca}, QPS: -1,
		WarningHandler: rest.NoWarnings{},
	}
	d.kube, err = kubernetes.NewForConfig(d.config)
	return err
}

func (d *demo) makeProfile(ctx context.Context) error {
	roleARN, err := d.makeRole(ctx, "demo-pods", "eks-fargate-pods.amazonaws.com")
	if err != nil {
		return err
	}
	say("aws eks create-fargate-profile --cluster-name %s --fargate-profile-name %s --selectors namespace=%s", cluster, profile, space)
	began := time.Now()
	err = d.aws.rest(ctx, http.MethodPost, "/clusters/"+cluster+"/fargate-profiles", map[string]any{
		"fargateProfileName": profile, "podExecutionRoleArn": roleARN, "selectors": []any{map[string]any{"namespace": space}},
	}, nil)
	if err != nil {
		return err
	}
	if _, err = d.follow(ctx, "/clusters/"+cluster+"/fargate-profiles/"+profile, "ACTIVE", began); err == nil {
		d.timed("create-fargate-profile until it is ACTIVE", began)
	}
	return err
}

// follow prints a resource's statuses as they change, until one.
func (d *demo) follow(ctx context.Context, path, until string, began time.Time) (*described, error) {
	for last := ""; ; {
		r, err := d.describe(ctx, path)
		if err != nil {
			return nil, err
		}
		if r.Status != last {
			fmt.Printf("  %s  %+6d ms  %s\n", time.Now().Format("15:04:05.000"), time.Since(began).Milliseconds(), r.Status)
			last = r.Status
		}
		switch r.Status {
		case until:
			return r, nil
		case "CREATING", "DELETING", "UPDATING":
		default:
			return nil, fmt.Errorf("%s is %s: %+v", path, r.Status, r.Health.Issues)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

func (d *demo) describe(ctx context.Context, path string) (*described, error) {
	var answer struct {
		Cluster, FargateProfile *described
	}
	if err := d.aws.rest(ctx, http.MethodGet, path, nil, &answer); err != nil {
		return nil, err
	}
	if answer.Cluster != nil {
		return answer.Cluster, nil
	}
	return answer.FargateProfile, nil
}

// removeCluster deletes the profile and the cluster and waits until they are
// gone.
func (d *demo) removeCluster(ctx context.Context) error {
	say("aws eks delete-fargate-profile · aws eks delete-cluster --name %s", cluster)
	began := time.Now()
	for _, path := range []string{"/clusters/" + cluster + "/fargate-profiles/" + profile, "/clusters/" + cluster} {
		if err := d.aws.rest(ctx, http.MethodDelete, path, nil, nil); err != nil {
			return err
		}
		_, err := d.follow(ctx, path, "gone", began)
		if gone := new(refusal); !errors.As(err, &gone) || gone.status != http.StatusNotFound {
			return err
		}
		fmt.Printf("  %s  %+6d ms  gone\n", time.Now().Format("15:04:05.000"), time.Since(began).Milliseconds())
	}
	d.timed("delete-fargate-profile and delete-cluster until both are gone", began)
	return nil
}

func (d *demo) makeRole(ctx context.Context, name, service string) (string, error) {
	var answer struct {
		ARN string `xml:"CreateRoleResult>Role>Arn"`
	}
	err := d.aws.query(ctx, "iam", "2010-05-08", &answer, url.Values{
		"Action": {"CreateRole"}, "RoleName": {name}, "AssumeRolePolicyDocument": {fmt.Sprintf(trust, service)},
	})
	return answer.ARN, err
}

// makeVPC makes a VPC with two private subnets: Fargate wants no others.
func (d *demo) makeVPC(ctx context.Context) (subnets []string, err error) {
	const version = "2016-11-15"
	var vpc struct {
		ID string `xml:"vpc>vpcId"`
	}
	if err := d.aws.query(ctx, "ec2", version, &vpc, url.Values{"Action": {"CreateVpc"}, "CidrBlock": {"10.20.0.0/16"}}); err != nil {
		return nil, err
	}
	for i, zone := range []string{"a", "b"} {
		var subnet struct {
			ID string `xml:"subnet>subnetId"`
		}
		err := d.aws.query(ctx, "ec2", version, &subnet, url.Values{
			"Action": {"CreateSubnet"}, "VpcId": {vpc.ID}, "CidrBlock": {fmt.Sprintf("10.20.%d.0/24", i+1)}, "AvailabilityZone": {region + zone},
		})
		if err != nil {
			return nil, err
		}
		subnets = append(subnets, subnet.ID)
	}
	return subnets, nil
}

// connect asks the cluster who it is and who one is to it.
func (d *demo) connect(ctx context.Context) error {
	version, err := d.kube.Discovery().ServerVersion()
	if err != nil {
		return err
	}
	namespaces, err := d.kube.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	names := make([]string, len(namespaces.Items))
	for i, n := range namespaces.Items {
		names[i] = n.Name
	}
	say("kubectl version: %s · kubectl get namespaces: %v", version.GitVersion, names)
	d.pods, err = followPods(ctx, d.kube)
	return err
}

func pause(ctx context.Context, t time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}
