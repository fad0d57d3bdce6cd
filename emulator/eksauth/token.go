package eksauth

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/webtoken"
)

// Audience is whom the tokens are for.
const Audience = "pods.eks.amazonaws.com"

// claims are what Kubernetes writes into the token of a pod's service account.
type claims struct {
	Kubernetes struct {
		Namespace      string `json:"namespace"`
		Pod            named  `json:"pod"`
		ServiceAccount named  `json:"serviceaccount"`
	} `json:"kubernetes.io"`
}

type named struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

// pod is for whom a token was made.
func (c *claims) pod() Pod {
	k := &c.Kubernetes
	return Pod{Namespace: k.Namespace, Name: k.Pod.Name, UID: k.Pod.UID, ServiceAccount: k.ServiceAccount.Name}
}

// believe reads a token of a cluster's issuer. Whether its pod runs is not its
// matter.
func (a *API) believe(ctx context.Context, issuer, text string) (Pod, error) {
	t, err := webtoken.Parse(text)
	if err != nil {
		return Pod{}, invalidToken("The token is not a valid JWT: %v", err)
	}
	if t.Issuer != issuer {
		return Pod{}, invalidToken("The token was issued by %s and not by the cluster's issuer, %s.", t.Issuer, issuer)
	}
	keys, err := a.clusters.KeysOf(ctx, issuer)
	if err == nil {
		err = t.Verify(keys)
	}
	switch {
	case errors.Is(err, webtoken.ErrSignatureBad), errors.Is(err, webtoken.ErrKeyUnknown):
		return Pod{}, invalidToken("The token is not signed by the cluster's issuer.")
	case errors.Is(err, store.ErrNotFound):
		return Pod{}, invalidToken("The cluster's issuer has no keys: the cluster has no control plane.")
	case err != nil:
		return Pod{}, &Error{"ServiceUnavailableException", "The keys of the cluster's issuer cannot be had: " + err.Error(), http.StatusServiceUnavailable}
	}
	return podOf(&t, time.Now())
}

// podOf looks at when and for whom a token is good that its issuer has signed.
func podOf(t *webtoken.Token, now time.Time) (Pod, error) {
	switch {
	case !now.Before(t.Expires):
		return Pod{}, &Error{"ExpiredTokenException", "The specified Kubernetes service account token is expired.", http.StatusBadRequest}
	case now.Before(t.NotBefore):
		return Pod{}, invalidToken("The token is not valid yet.")
	case !slices.Contains(t.Audiences, Audience):
		return Pod{}, invalidToken("The token is for the audience %q and not for %s.", t.Audiences, Audience)
	}
	var c claims
	if err := json.Unmarshal(t.Claims, &c); err != nil {
		return Pod{}, invalidToken("The token's claims cannot be read: %v", err)
	}
	p := c.pod()
	if p.Namespace == "" || p.ServiceAccount == "" || p.Name == "" || p.UID == "" {
		return Pod{}, invalidToken("The token is not bound to a pod.")
	}
	return p, nil
}
