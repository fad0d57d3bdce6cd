package sts_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/sts"
)

const (
	podsService = "pods.eks.amazonaws.com"
	shop        = "arn:aws:eks:us-east-1:000000000000:cluster/shop"
)

// podSession is what EKS Pod Identity wants of a role.
func podSession(role string) sts.ServiceSession {
	return sts.ServiceSession{
		Service: podsService, Role: role, SessionName: "eks-shop-web-1", Source: shop, Duration: 6 * time.Hour,
		Tags: map[string]string{"eks-cluster-name": "shop", "kubernetes-namespace": "default"},
	}
}

func (w world) forService(t *testing.T, s sts.ServiceSession) (c types.Credentials, who sts.Caller, err error) {
	t.Helper()
	if failed := w.store.Update(t.Context(), "test", func(tx *store.Tx) error {
		c, who, err = w.AssumeForService(tx, s)
		return nil
	}); failed != nil {
		t.Fatal(failed)
	}
	return c, who, err
}

func TestAssumeForService(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	both := `"Action":["sts:AssumeRole","sts:TagSession"]`
	pods := `{"Effect":"Allow","Principal":{"Service":"` + podsService + `"},`
	for name, c := range map[string]struct {
		trust string
		bare  bool // no tags
		ok    bool
	}{
		"pods":           {pods + both + `}`, false, true},
		"no tags wanted": {pods + `"Action":"sts:AssumeRole"}`, true, true},
		"no TagSession":  {pods + `"Action":"sts:AssumeRole"}`, false, false},
		"other":          {`{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` + both + `}`, false, false},
		"namespace":      {pods + both + `,"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":["default"]}}}`, false, true},
		"namespace not":  {pods + both + `,"Condition":{"StringEquals":{"aws:RequestTag/kubernetes-namespace":["other"]}}}`, false, false},
		"cluster":        {pods + both + `,"Condition":{"ArnEquals":{"aws:SourceArn":"` + shop + `"},"StringEquals":{"aws:SourceAccount":"000000000000"}}}`, false, true},
		"cluster not":    {pods + both + `,"Condition":{"ArnEquals":{"aws:SourceArn":"` + shop + `2"}}}`, false, false},
	} {
		s := podSession(w.iam.trusting(account, "/", "pod", c.trust))
		if c.bare {
			s.Tags = nil
		}
		made, who, err := w.forService(t, s)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, sts.ErrNotTrusted) {
			t.Errorf("%s: %v", name, err)
		}
		if !c.ok || err != nil {
			continue
		}
		if got, want := w.identity(t, *made.AccessKeyId), account+" arn:aws:sts::000000000000:assumed-role/pod/eks-shop-web-1 AROApod:eks-shop-web-1"; got != want || !strings.Contains(got, who.ARN) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if left := time.Until(*made.Expiration); left < 5*time.Hour || left > 6*time.Hour {
			t.Errorf("%s: expires in %s", name, left)
		}
	}
	if _, _, err := w.forService(t, podSession("arn:aws:iam::000000000000:role/nobody")); !errors.Is(err, sts.ErrNotTrusted) {
		t.Errorf("a role that is not there: %v", err)
	}
}

func TestAssumeFrom(t *testing.T) {
	w, done := newWorld(t)
	defer done()
	first := w.iam.trusting(account, "/", "pod", `{"Effect":"Allow","Principal":{"Service":"`+podsService+`"},"Action":"sts:*"}`)
	const id = "us-east-1/000000000000/shop/default/web"
	target := w.iam.trusting(other, "/", "target", `{"Effect":"Allow","Principal":{"AWS":"`+first+`"},"Action":["sts:AssumeRole","sts:TagSession"],`+
		`"Condition":{"StringEquals":{"sts:ExternalId":"`+id+`","aws:RequestTag/eks-cluster-name":"shop"}}}`)
	_, who, err := w.forService(t, podSession(first))
	if err != nil {
		t.Fatal(err)
	}
	for external, want := range map[string]error{id: nil, "another": sts.ErrNotTrusted} {
		var made types.Credentials
		err := w.store.Update(t.Context(), "test", func(tx *store.Tx) (err error) {
			made, _, err = w.AssumeFrom(tx, who, target, "eks-shop-web-1", external)
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("external id %s: %v", external, err)
		}
		if err != nil {
			continue
		}
		if got := w.identity(t, *made.AccessKeyId); !strings.HasPrefix(got, other+" arn:aws:sts::222222222222:assumed-role/target/eks-shop-web-1") {
			t.Error(got)
		}
		if left := time.Until(*made.Expiration); left > time.Hour {
			t.Errorf("expires in %s", left)
		}
	}
}
