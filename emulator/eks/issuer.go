package eks

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/store"
)

// This file is the OpenID Connect issuer of each cluster, whose service
// accounts' tokens IAM trusts.

// IssuerPath is where Issuer answers on the emulator's own address, beside
// /id/ of every host whose name begins with "oidc.eks.".
const IssuerPath = "/_neargate/oidc/id/"

// issuer is the URL of the issuer of a cluster's tokens.
func (c *Cluster) issuer() string {
	_, region, _ := strings.Cut(c.Scope, "/")
	domain := "amazonaws.com"
	if apiwire.PartitionOf(region) == "aws-cn" {
		domain += ".cn"
	}
	return "https://oidc.eks." + region + "." + domain + "/id/" + c.Hex
}

// discovery is OpenID Connect's discovery document of a cluster.
type discovery struct {
	Issuer        string   `json:"issuer"`
	Keys          string   `json:"jwks_uri"`
	Authorization string   `json:"authorization_endpoint"`
	Responses     []string `json:"response_types_supported"`
	Subjects      []string `json:"subject_types_supported"`
	Claims        []string `json:"claims_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
}

// Issuer answers …/id/ID/.well-known/openid-configuration and …/id/ID/keys of
// every cluster, whatever stands before /id/.
func (a *API) Issuer() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, path, _ := strings.Cut(r.URL.Path, "/id/")
		id, document, _ := strings.Cut(path, "/")
		c, err := a.clusterByHex(r.Context(), id)
		switch {
		case hasNot(err):
			http.Error(w, "no cluster has this issuer", http.StatusNotFound)
		case err != nil:
			http.Error(w, "the issuer cannot be read", http.StatusInternalServerError)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this can only be read", http.StatusMethodNotAllowed)
		case document == ".well-known/openid-configuration":
			answerDiscovery(w, r, c)
		case document == "keys":
			a.answerKeys(w, r, c)
		default:
			http.Error(w, "an issuer has .well-known/openid-configuration and keys", http.StatusNotFound)
		}
	})
}

func (a *API) clusterByHex(ctx context.Context, hex string) (found *Cluster, err error) {
	err = a.store.View(ctx, func(tx *store.Tx) error {
		for r, err := range clusters.By(tx, "hex", hex, store.Range{Limit: 1}) {
			found = &r.Value
			return err
		}
		return store.ErrNotFound
	})
	return found, err
}

// KeysOf is the JWKS of an issuer of this emulator, by its URL, for STS.
// store.ErrNotFound: no cluster has it, or none that has a control plane; other
// errors pass when the control plane is up.
func (a *API) KeysOf(ctx context.Context, issuer string) ([]byte, error) {
	c, err := a.clusterByHex(ctx, issuer[strings.LastIndexByte(issuer, '/')+1:])
	if err != nil {
		return nil, err
	}
	if a.planes == nil || c.issuer() != issuer {
		return nil, store.ErrNotFound
	}
	return a.planes.Keys(ctx, c.arn())
}

func answerDiscovery(w http.ResponseWriter, r *http.Request, c *Cluster) {
	body, err := json.Marshal(discovery{
		Issuer: c.issuer(), Keys: keysURL(r, c), Authorization: "urn:kubernetes:programmatic_authorization",
		Responses: []string{"id_token"}, Subjects: []string{"public"}, Claims: []string{"sub", "iss"}, Algorithms: []string{"RS256"},
	})
	if err != nil {
		http.Error(w, "the issuer cannot be told", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client has gone
}

// keysURL is where whoever asks reaches the keys: by the issuer's own name
// when it came by that, else by the emulator's.
func keysURL(r *http.Request, c *Cluster) string {
	if !strings.HasPrefix(r.URL.Path, IssuerPath) {
		return c.issuer() + "/keys"
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + IssuerPath + c.Hex + "/keys"
}

func (a *API) answerKeys(w http.ResponseWriter, r *http.Request, c *Cluster) {
	if a.planes == nil {
		http.Error(w, textRecords, http.StatusServiceUnavailable)
		return
	}
	keys, err := a.planes.Keys(r.Context(), c.arn())
	if err != nil {
		http.Error(w, "the control plane does not tell its keys: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(keys) // the client has gone
}
