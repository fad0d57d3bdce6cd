package eksauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/webtoken"
)

// AgentAddress is where the agent answers pods. AgentAddress6 is its other
// one, which Neargate's pods, having no IPv6, cannot reach.
const (
	AgentAddress  = "169.254.170.23"
	agentAddress6 = "fd00:ec2::23"
)

// answer is what the SDKs read.
type answer struct {
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string `json:"SecretAccessKey"`
	Token           string `json:"Token"`
	AccountID       string `json:"AccountId"`
	Expiration      string `json:"Expiration"`
}

// Agent is the EKS Pod Identity Agent of a cluster's nodes. Its words and
// statuses are those of github.com/aws/eks-pod-identity-agent, except where
// there would be no agent: then it says that, with a status upon which SDKs
// try again.
func (a *API) Agent(cluster string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		here := false
		err := a.store.View(r.Context(), func(tx *store.Tx) (err error) {
			here, err = a.clusters.HasAgent(tx, cluster)
			return err
		})
		switch {
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		case !here:
			http.Error(w, "the cluster has no EKS Pod Identity Agent: create the add-on eks-pod-identity-agent", http.StatusServiceUnavailable)
		case r.URL.Path == "/v1/credentials":
			a.credentials(w, r, cluster)
		default:
			http.NotFound(w, r)
		}
	})
}

func (a *API) credentials(w http.ResponseWriter, r *http.Request, cluster string) {
	token := r.Header.Get("Authorization")
	if status, text := refuse(r.Host, token, time.Now()); text != "" {
		http.Error(w, text, status)
		return
	}
	c, err := a.AssumeRoleForPodIdentity(r.Context(), cluster, token)
	if e, ok := errors.AsType[*Error](err); ok {
		http.Error(w, fmt.Sprintf("[%s]: (%s): %s, fault: %s", uuid(), e.Code, e.Message, e.fault()), e.Status)
		return
	}
	if err != nil {
		http.Error(w, "unable to fetch credentials from EKS Auth: "+err.Error(), http.StatusInternalServerError)
		return
	}
	body, err := json.Marshal(answer{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Account, c.Expiration.UTC().Format(time.RFC3339Nano)})
	if err != nil {
		http.Error(w, "Unable to serialize credentials", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the pod has gone
}

// refuse is what the agent itself finds wrong with a request; "" nothing.
func refuse(host, token string, now time.Time) (int, string) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host != AgentAddress && host != agentAddress6 && host != "["+agentAddress6+"]" {
		return http.StatusForbidden, fmt.Sprintf("Access Denied. Called agent through invalid address, please use either [%s %s] address not %s", AgentAddress, agentAddress6, host)
	}
	if token == "" {
		return http.StatusBadRequest, "Service account token cannot be empty"
	}
	t, err := webtoken.Parse(token)
	if err != nil {
		return http.StatusBadRequest, "Service account token cannot be parsed: token is malformed: " + err.Error()
	}
	const claims = "Service account token failed basic claim validations: "
	switch {
	case !now.Before(t.Expires):
		return http.StatusBadRequest, claims + "token is expired"
	case now.Before(t.NotBefore):
		return http.StatusBadRequest, claims + "token is not valid yet"
	}
	return 0, ""
}
