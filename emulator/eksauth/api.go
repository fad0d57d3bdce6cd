package eksauth

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/neargate/neargate/emulator/store"
)

// API is Amazon EKS Auth.
type API struct {
	store    *store.Store
	clusters Clusters
	roles    Roles
	pods     Pods
}

// Config is what an API stands on.
type Config struct {
	Store    *store.Store
	Clusters Clusters
	Roles    Roles
	Pods     Pods
}

// Clusters is EKS. Clusters are named by their ARNs; absence is
// store.ErrNotFound.
type Clusters interface {
	// IssuerOf is the issuer of a cluster's tokens, and the cluster's name.
	IssuerOf(tx *store.Tx, cluster string) (issuer, name string, err error)
	// KeysOf is the JWKS of an issuer. It is not called within a transaction.
	KeysOf(ctx context.Context, issuer string) ([]byte, error)
	// AssociationOf is the pod identity association of a service account.
	AssociationOf(tx *store.Tx, cluster, namespace, account string) (types.PodIdentityAssociation, error)
	// HasAgent tells whether a cluster has the EKS Pod Identity Agent.
	HasAgent(tx *store.Tx, cluster string) (bool, error)
}

// Pods tells of pods.
type Pods interface {
	// Runs tells whether a pod of a cluster is there and has not ended.
	Runs(tx *store.Tx, cluster string, p Pod) (bool, error)
}

// Roles is STS.
type Roles interface {
	// Assume issues credentials; ErrNotTrusted when a trust policy does not
	// allow it.
	Assume(tx *store.Tx, s Session) (Credentials, error)
}

// ErrNotTrusted: a role does not exist, or does not trust EKS.
var ErrNotTrusted = errors.New("the role does not trust EKS Pod Identity")

// Pod is for whom a token was made.
type Pod struct{ Namespace, Name, UID, ServiceAccount string }

// Session is what is wanted of a role.
type Session struct {
	Cluster    string // ARN
	Role       string // ARN
	Name       string
	Tags       map[string]string // nil: none
	TargetRole string            // ARN of a role that the first one assumes; "" none
	ExternalID string            // for the target role
	Duration   time.Duration     // of the first role's session
}

// Credentials are what a session is used with.
type Credentials struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
	Account                                    string
	ARN, ID                                    string // of the assumed role: arn:aws:sts::…, AROA…:SESSION
}

// New returns an API.
func New(c Config) *API {
	return &API{store: c.Store, clusters: c.Clusters, roles: c.Roles, pods: c.Pods}
}

// duration is how long credentials are good for, as on AWS.
const duration = 6 * time.Hour

// AssumeRoleForPodIdentity gives a pod of a cluster, which is named by its
// ARN, the role that its service account is associated with. Its errors are of
// type Error where AWS has words for them.
func (a *API) AssumeRoleForPodIdentity(ctx context.Context, cluster, token string) (c Credentials, err error) {
	var issuer, name string
	err = a.store.View(ctx, func(tx *store.Tx) error {
		issuer, name, err = a.clusters.IssuerOf(tx, cluster)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return c, notFound("No cluster found for name: %s.", cluster)
	}
	if err != nil {
		return c, err
	}
	pod, err := a.believe(ctx, issuer, token)
	if err != nil {
		return c, err
	}
	err = a.store.Update(ctx, "eks-auth:AssumeRoleForPodIdentity "+pod.Namespace+"/"+pod.Name, func(tx *store.Tx) error {
		c, err = a.assume(tx, cluster, name, pod)
		return err
	})
	if errors.Is(err, ErrNotTrusted) {
		return c, notTrusted()
	}
	return c, err
}

func (a *API) assume(tx *store.Tx, cluster, name string, pod Pod) (Credentials, error) {
	runs, err := a.pods.Runs(tx, cluster, pod)
	if err != nil {
		return Credentials{}, err
	}
	if !runs {
		return Credentials{}, invalidToken("The token's pod %s/%s (%s) does not run any more.", pod.Namespace, pod.Name, pod.UID)
	}
	p, err := a.clusters.AssociationOf(tx, cluster, pod.Namespace, pod.ServiceAccount)
	if errors.Is(err, store.ErrNotFound) {
		return Credentials{}, notFound("No pod identity association found for service account %s/%s in cluster %s.", pod.Namespace, pod.ServiceAccount, name)
	}
	if err != nil {
		return Credentials{}, err
	}
	return a.roles.Assume(tx, sessionOf(cluster, name, pod, &p))
}

// sessionOf is what an association asks of its role for a pod.
func sessionOf(cluster, name string, pod Pod, p *types.PodIdentityAssociation) Session {
	s := Session{
		Cluster: cluster, Role: aws.ToString(p.RoleArn), Name: sessionName(name, pod.Name), Duration: duration,
		TargetRole: aws.ToString(p.TargetRoleArn), ExternalID: aws.ToString(p.ExternalId),
	}
	if !aws.ToBool(p.DisableSessionTags) {
		s.Tags = map[string]string{
			"eks-cluster-arn": cluster, "eks-cluster-name": name,
			"kubernetes-namespace": pod.Namespace, "kubernetes-service-account": pod.ServiceAccount,
			"kubernetes-pod-name": pod.Name, "kubernetes-pod-uid": pod.UID,
		}
	}
	return s
}

// sessionName is eks-CLUSTER-POD-UUID. Names have at most 64 characters, so
// that cluster and pod are cut to what fits beside a whole UUID.
func sessionName(cluster, pod string) string {
	return fmt.Sprintf("eks-%s-%s-%s", cut(cluster, 10), cut(pod, 12), uuid())
}

func cut(s string, n int) string { return s[:min(len(s), n)] }

// uuid makes a random UUID (RFC 9562, version 4).
func uuid() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
