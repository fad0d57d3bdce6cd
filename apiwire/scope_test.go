package apiwire_test

import (
	"net/http/httptest"
	"testing"

	"github.com/neargate/neargate/apiwire"
)

func TestScope(t *testing.T) {
	const tail = ", SignedHeaders=host, Signature=00"
	for name, c := range map[string]struct {
		header, regionSet, target string
		key, region, service      string
		ok                        bool
	}{
		"header":             {header: "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ecs/aws4_request" + tail, key: "AKID", region: "eu-west-1", service: "ecs", ok: true},
		"no blanks":          {header: "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ecs/aws4_request,SignedHeaders=host,Signature=00", key: "AKID", region: "eu-west-1", service: "ecs", ok: true},
		"other order":        {header: "AWS4-HMAC-SHA256 Signature=00, Credential=AKID/20260102/eu-west-1/ecs/aws4_request", key: "AKID", region: "eu-west-1", service: "ecs", ok: true},
		"slash in key":       {header: "AWS4-HMAC-SHA256 Credential=a/b/20260102/eu-west-1/ecs/aws4_request" + tail, key: "a/b", region: "eu-west-1", service: "ecs", ok: true},
		"region set":         {header: "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260102/events/aws4_request" + tail, regionSet: "us-east-1, us-west-2", key: "AKID", region: "us-east-1", service: "events", ok: true},
		"any region":         {header: "AWS4-ECDSA-P256-SHA256 Credential=AKID/20260102/events/aws4_request" + tail, regionSet: "*", key: "AKID", service: "events", ok: true},
		"presigned":          {target: "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20260102%2Feu-west-1%2Fsts%2Faws4_request", key: "AKID", region: "eu-west-1", service: "sts", ok: true},
		"unsigned":           {},
		"basic":              {header: "Basic QVdTOnh4"},
		"no credential":      {header: "AWS4-HMAC-SHA256 SignedHeaders=host"},
		"short credential":   {header: "AWS4-HMAC-SHA256 Credential=AKID/20260102/ecs/aws4_request"},
		"no terminator":      {header: "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ecs/other" + tail},
		"empty key":          {header: "AWS4-HMAC-SHA256 Credential=/20260102/eu-west-1/ecs/aws4_request" + tail},
		"presigned, no form": {target: "/?X-Amz-Credential=AKID"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.target == "" {
				c.target = "/"
			}
			r := httptest.NewRequest("POST", c.target, nil)
			r.Header.Set("Authorization", c.header)
			r.Header.Set("X-Amz-Region-Set", c.regionSet)
			key, region, service, ok := apiwire.Scope(r)
			if ok != c.ok {
				t.Fatalf("Scope ok = %v, want %v", ok, c.ok)
			}
			if ok && (key != c.key || region != c.region || service != c.service) {
				t.Errorf("Scope = %q %q %q, want %q %q %q", key, region, service, c.key, c.region, c.service)
			}
		})
	}
}
