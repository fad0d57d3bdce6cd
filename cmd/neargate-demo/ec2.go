package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
)

// This file asks EC2, by its query protocol: the SDK's ec2 package would take
// longer to compile than everything else together.

// subnet returns a subnet of the default VPC.
func (d *demo) subnet(ctx context.Context) (string, error) {
	var a struct {
		Subnets []string `xml:"subnetSet>item>subnetId"`
	}
	err := d.askEC2(ctx, &a, url.Values{"Action": {"DescribeSubnets"}, "Filter.1.Name": {"default-for-az"}, "Filter.1.Value.1": {"true"}})
	if err != nil || len(a.Subnets) == 0 {
		return "", errors.Join(errors.New("there is no default subnet"), err)
	}
	return a.Subnets[0], nil
}

// addresses finds the task's interface in its attachment and asks EC2 for it,
// as AWS's tutorials do.
func (d *demo) addresses(ctx context.Context) (private, public string, err error) {
	out, err := d.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("demo"), Tasks: []string{d.task}})
	if err != nil {
		return "", "", err
	}
	var id string
	for _, p := range out.Tasks[0].Attachments[0].Details {
		if aws.ToString(p.Name) == "networkInterfaceId" {
			id = aws.ToString(p.Value)
		}
	}
	var a struct {
		Private string `xml:"networkInterfaceSet>item>privateIpAddress"`
		Public  string `xml:"networkInterfaceSet>item>association>publicIp"`
	}
	err = d.askEC2(ctx, &a, url.Values{"Action": {"DescribeNetworkInterfaces"}, "NetworkInterfaceId.1": {id}})
	if err == nil && (a.Private == "" || a.Public == "") {
		err = fmt.Errorf("EC2 knows no addresses of interface %q", id)
	}
	return a.Private, a.Public, err
}

func (d *demo) askEC2(ctx context.Context, answer any, form url.Values) error {
	form.Set("Version", "2016-11-15")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.endpoint+"/?"+form.Encode(), nil)
	if err != nil {
		return err
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return fmt.Errorf("EC2 %s: %s", form.Get("Action"), got.Status)
	}
	return xml.NewDecoder(got.Body).Decode(answer)
}
