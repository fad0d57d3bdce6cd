package emulator

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/eksauth"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
	"github.com/neargate/neargate/emulator/sts"
)

// This file puts EKS Pod Identity together: package eksauth decides, EKS, STS
// and the pods' sandboxes are what it stands on.

// isAgent tells whether a request of a sandbox was made to the address of the
// EKS Pod Identity Agent.
func isAgent(r *http.Request) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().String() == eksauth.AgentAddress
}

// podIdentity answers for the EKS Pod Identity Agent of the node that the pod
// of a sandbox runs on.
func (e *Emulator) podIdentity(id string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var s *sandbox.Sandbox
		err := e.store.View(r.Context(), func(tx *store.Tx) (err error) {
			s, err = sandbox.Get(tx, id)
			return err
		})
		switch {
		case errors.Is(err, store.ErrNotFound) || err == nil && s.Spec.Labels[podNodeLabel] == "":
			http.Error(w, "there is no EKS Pod Identity Agent here: it runs on the nodes of node groups, and neither on Fargate nor for Amazon ECS", http.StatusNotFound)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			e.services.eksauth.Agent(s.Spec.Group).ServeHTTP(w, r)
		}
	})
}

// Labels of pods' sandboxes, which the control plane sets: the pod's id, and
// the node group's node that it was made for, absent on Fargate.
const (
	podUIDLabel  = "io.kubernetes.pod.uid"
	podNodeLabel = "io.kubernetes.node.name"
)

// authClusters is EKS as eksauth needs it.
type authClusters struct{ eks *eks.API }

func (c authClusters) IssuerOf(tx *store.Tx, cluster string) (issuer, name string, err error) {
	return eks.IssuerOf(tx, cluster)
}

func (c authClusters) KeysOf(ctx context.Context, issuer string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience) // a control plane that starts is not waited for: SDKs ask again
	defer cancel()
	return c.eks.KeysOf(ctx, issuer)
}

func (authClusters) AssociationOf(tx *store.Tx, cluster, namespace, account string) (ekstypes.PodIdentityAssociation, error) {
	return eks.AssociationOf(tx, cluster, namespace, account)
}

func (authClusters) HasAgent(tx *store.Tx, cluster string) (bool, error) {
	return eks.HasAgent(tx, cluster)
}

// authPods knows pods by their sandboxes.
type authPods struct{}

func (authPods) Runs(tx *store.Tx, cluster string, p eksauth.Pod) (bool, error) {
	s, err := sandbox.Get(tx, strings.ReplaceAll(p.UID, "-", ""))
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.Spec.Owner == cluster+"/"+p.Namespace+"/"+p.Name && s.Spec.Labels[podUIDLabel] == p.UID && !s.IsStopped(), nil
}

// authRoles is STS as eksauth needs it.
type authRoles struct{ sts *sts.API }

func (r authRoles) Assume(tx *store.Tx, s eksauth.Session) (eksauth.Credentials, error) {
	made, who, err := r.sts.AssumeForService(tx, sts.ServiceSession{
		Service: eksauth.Audience, Role: s.Role, SessionName: s.Name, Source: s.Cluster, Tags: s.Tags, Duration: s.Duration,
	})
	if err == nil && s.TargetRole != "" {
		made, who, err = r.sts.AssumeFrom(tx, who, s.TargetRole, s.Name, s.ExternalID)
	}
	if errors.Is(err, sts.ErrNotTrusted) {
		err = eksauth.ErrNotTrusted
	}
	if err != nil {
		return eksauth.Credentials{}, err
	}
	return authCredentials(made, who), nil
}

func authCredentials(made ststypes.Credentials, who sts.Caller) eksauth.Credentials {
	return eksauth.Credentials{
		AccessKeyID: aws.ToString(made.AccessKeyId), SecretAccessKey: aws.ToString(made.SecretAccessKey), SessionToken: aws.ToString(made.SessionToken),
		Expiration: aws.ToTime(made.Expiration), Account: who.Account, ARN: who.ARN, ID: who.UserID,
	}
}
