package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// cluster is a Kubernetes API, asked as kubectl asks it: HTTPS with a token.
type cluster struct {
	name, endpoint string
	client         *http.Client

	mu      sync.Mutex
	seen    map[string]*seenPod // by name, as the watch told them last
	changed chan struct{}
	ended   error // of the watch
}

// seenPod is what is read of a pod.
type seenPod struct {
	Metadata struct{ Name, ResourceVersion string }
	Status   struct {
		Phase      string
		Conditions []struct{ Type, Status string }
	}
}

func (p *seenPod) isReady() bool {
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

// benchRole is what makeRole makes.
const benchRole = "arn:aws:iam::000000000000:role/bench"

// prepare makes the role that clusters and profiles name, and a VPC with private
// subnets, as Fargate profiles want them. Tasks are run there too.
func (k *kubeBench) prepare() error {
	if err := k.makeRole(); err != nil {
		return err
	}
	var vpc struct {
		ID string `xml:"vpc>vpcId"`
	}
	if err := k.w.s.ec2("CreateVpc", url.Values{"CidrBlock": {"10.0.0.0/16"}}, &vpc); err != nil {
		return err
	}
	for i, zone := range []string{"us-east-1a", "us-east-1b"} {
		var subnet struct {
			ID string `xml:"subnet>subnetId"`
		}
		block := fmt.Sprintf("10.0.%d.0/24", i)
		err := k.w.s.ec2("CreateSubnet", url.Values{"CidrBlock": {block}, "VpcId": {vpc.ID}, "AvailabilityZone": {zone}}, &subnet)
		if err != nil {
			return err
		}
		k.subnets = append(k.subnets, subnet.ID)
	}
	k.w.requests, k.w.tens = nil, nil
	return k.w.add(k.subnets[0])
}

func (k *kubeBench) makeRole() error {
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["eks.amazonaws.com","eks-fargate-pods.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`
	answer, err := k.w.s.client.PostForm("http://"+k.w.s.address+"/", url.Values{
		"Action": {"CreateRole"}, "Version": {"2010-05-08"}, "RoleName": {"bench"}, "AssumeRolePolicyDocument": {trust},
	})
	if err != nil {
		return err
	}
	return expect("CreateRole", answer, nil)
}

// expect reads an answer that is to be a good one.
func expect(what string, answer *http.Response, out any) error {
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return &refusal{what, answer.StatusCode, text}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// refusal is an answer that is not a good one.
type refusal struct {
	what   string
	status int
	text   []byte
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %d: %s", r.what, r.status, r.text) }

// bodyOf is JSON, or no body at all.
func bodyOf(in any) (io.Reader, error) {
	if in == nil {
		return nil, nil
	}
	text, err := json.Marshal(in)
	return bytes.NewReader(text), err
}

// eks makes a call of the EKS API.
func (k *kubeBench) eks(ctx context.Context, method, path string, in, out any) error {
	body, err := bodyOf(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+k.w.s.address+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", strings.Replace(authorization, "/ecs/", "/eks/", 1))
	answer, err := k.w.s.client.Do(r)
	if err != nil {
		return err
	}
	return expect(method+" "+path, answer, out)
}

// newCluster makes a cluster and returns when its API answers.
func (k *kubeBench) newCluster(ctx context.Context, name string) (*cluster, error) {
	err := k.eks(ctx, "POST", "/clusters", object{"name": name, "roleArn": benchRole, "resourcesVpcConfig": object{"subnetIds": k.subnets}}, nil)
	if err != nil {
		return nil, err
	}
	var out struct {
		Cluster struct {
			Status, Endpoint     string
			CertificateAuthority struct{ Data []byte }
		}
	}
	err = k.poll(ctx, func() (bool, error) {
		err := k.eks(ctx, "GET", "/clusters/"+name, nil, &out)
		if err == nil && out.Cluster.Status == "FAILED" {
			err = fmt.Errorf("cluster %s has failed", name)
		}
		return out.Cluster.Status == "ACTIVE", err
	})
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(out.Cluster.CertificateAuthority.Data)
	c := &cluster{
		name: name, endpoint: out.Cluster.Endpoint, seen: map[string]*seenPod{}, changed: make(chan struct{}, 1),
		client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: authorities}, ForceAttemptHTTP2: true}},
	}
	return c, c.call(ctx, "GET", "/api/v1/namespaces?limit=500", nil, nil)
}

// poll asks until something is so.
func (k *kubeBench) poll(ctx context.Context, is func() (bool, error)) error {
	for began := time.Now(); ; {
		ok, err := is()
		switch {
		case ok || err != nil:
			return err
		case time.Since(began) > 2*time.Minute:
			return errors.New("not so after 2 minutes")
		}
		if err := k.rest(ctx, 10*time.Millisecond); err != nil {
			return err
		}
	}
}

func (k *kubeBench) deleteCluster(ctx context.Context, c *cluster) error {
	if err := k.eks(ctx, "DELETE", "/clusters/"+c.name, nil, nil); err != nil {
		return err
	}
	return k.poll(ctx, func() (bool, error) {
		err := k.eks(ctx, "GET", "/clusters/"+c.name, nil, nil)
		if r, ok := errors.AsType[*refusal](err); ok && r.status == http.StatusNotFound {
			return true, nil
		}
		return false, err
	})
}

// newProfile gives the namespace default to Fargate, in the subnet of the tasks.
func (k *kubeBench) newProfile(ctx context.Context) error {
	path := "/clusters/" + k.cluster.name + "/fargate-profiles"
	err := k.eks(ctx, "POST", path, object{
		"fargateProfileName": "bench", "podExecutionRoleArn": benchRole, "subnets": k.subnets[:1], "selectors": []object{{"namespace": "default"}},
	}, nil)
	if err != nil {
		return err
	}
	return k.poll(ctx, func() (bool, error) {
		var out struct{ FargateProfile struct{ Status string } }
		err := k.eks(ctx, "GET", path+"/bench", nil, &out)
		return out.FargateProfile.Status == "ACTIVE", err
	})
}

// token is made as `aws eks get-token` makes it. Its signature has the shape of
// one, see authorization.
func (c *cluster) token() string {
	now := time.Now().UTC()
	q := url.Values{
		"Action": {"GetCallerIdentity"}, "Version": {"2011-06-15"}, "X-Amz-Algorithm": {"AWS4-HMAC-SHA256"},
		"X-Amz-Credential": {"bench/" + now.Format("20060102") + "/us-east-1/sts/aws4_request"},
		"X-Amz-Date":       {now.Format("20060102T150405Z")}, "X-Amz-Expires": {"60"},
		"X-Amz-SignedHeaders": {"host;x-k8s-aws-id"}, "X-Amz-Signature": {strings.Repeat("0", 64)},
	}
	return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte("https://sts.us-east-1.amazonaws.com/?"+q.Encode()))
}

func (c *cluster) request(ctx context.Context, method, path string, in any) (*http.Response, error) {
	body, err := bodyOf(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, c.endpoint+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+c.token())
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/merge-patch+json")
	}
	return c.client.Do(r)
}

// call makes a call of Kubernetes' API.
func (c *cluster) call(ctx context.Context, method, path string, in, out any) error {
	answer, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	return expect(method+" "+path, answer, out)
}

// watch follows the pods until ctx ends. There are none yet.
func (c *cluster) watch(ctx context.Context) error {
	answer, err := c.request(ctx, "GET", "/api/v1/namespaces/default/pods?watch=1", nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return expect("watching pods", answer, nil)
	}
	go func() {
		defer answer.Body.Close()
		err := c.follow(bufio.NewReader(answer.Body))
		c.mu.Lock()
		c.ended = fmt.Errorf("the watch of pods ended: %w", err)
		c.mu.Unlock()
		c.poke()
	}()
	return nil
}

func (c *cluster) follow(r io.Reader) error {
	for events := json.NewDecoder(r); ; {
		var e struct {
			Type   string
			Object *seenPod
		}
		if err := events.Decode(&e); err != nil {
			return err
		}
		c.mu.Lock()
		if e.Type == "DELETED" {
			delete(c.seen, e.Object.Metadata.Name)
		} else {
			c.seen[e.Object.Metadata.Name] = e.Object
		}
		c.mu.Unlock()
		c.poke()
	}
}

func (c *cluster) poke() {
	select {
	case c.changed <- struct{}{}:
	default: // whoever waits has not looked yet
	}
}

// await waits until there are n pods of a kind.
func (c *cluster) await(ctx context.Context, n int, is func(*seenPod) bool) error {
	late := time.After(2 * time.Minute)
	for {
		found, err := c.count(is)
		if found == n || err != nil {
			return err
		}
		select {
		case <-c.changed:
		case <-late:
			return fmt.Errorf("%d pods rather than %d after 2 minutes", found, n)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *cluster) count(is func(*seenPod) bool) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.seen {
		if is(p) {
			n++
		}
	}
	return n, c.ended
}
