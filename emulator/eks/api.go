// Package eks is Amazon EKS: clusters, Fargate profiles and what belongs to a
// cluster, one file per resource. What a cluster is to the outside is here;
// the Kubernetes that stands behind it is a [ControlPlanes]' business, and so
// are its pods, which run as sandboxes of emulator/sandbox.
//
// The operations are the methods of API on the SDK's own inputs and outputs;
// apiwire finds them by reflection. Those that AWS has and API has not answer
// by name that they are not there.
//
// Records are kept under the ARN of their cluster, and those of what belongs
// to a cluster under that ARN, a slash and a name of their own (see scope.go).
// An operation only writes records. [Clusters], a controller, brings the
// control plane to what the records say and moves the statuses on when it is
// there, so that no status is ahead of what has happened.
package eks

import (
	"context"
	"net/netip"

	"github.com/neargate/neargate/emulator/store"
)

// API answers EKS's operations.
type API struct {
	store   *store.Store
	network Network
	roles   Roles
	callers Callers
	planes  ControlPlanes
	settles bool
}

// Config is what an API stands on.
type Config struct {
	Store   *store.Store
	Network Network
	Roles   Roles   // nil: every role and principal is taken for one that is there
	Callers Callers // nil: everybody is the account's root user
	// Planes run the clusters' Kubernetes; nil: this emulator keeps records
	// only, and every cluster says so in its health.
	Planes ControlPlanes
	// Settle makes calls answer when their effect has settled, so that
	// CreateCluster says ACTIVE (--timing=instant).
	Settle bool
}

// New returns an API. It starts nothing.
func New(c Config) *API {
	return &API{store: c.Store, network: c.Network, roles: c.Roles, callers: c.Callers, planes: c.Planes, settles: c.Settle}
}

// Callers knows who makes a call; STS stands behind it.
type Callers interface {
	// CallerARN returns the ARN of the user, the root user or the assumed role
	// that signed the call that ctx carries. It is not called within a
	// transaction.
	CallerARN(ctx context.Context) (string, error)
}

// Roles is what EKS asks of IAM.
type Roles interface {
	// Trusts tells whether the trust policy of a role lets a service principal
	// ("eks.amazonaws.com") assume it. store.ErrNotFound: there is no such role.
	Trusts(tx *store.Tx, roleARN, service string) (bool, error)
	// HasPrincipal tells whether there is a role or user of that ARN. An
	// account's root user is always there.
	HasPrincipal(tx *store.Tx, arn string) (bool, error)
}

// Network is what EKS asks of EC2. Scope is "account/region".
type Network interface {
	// Subnets returns the subnets in the order of ids. An unknown one is an
	// error whose text is EC2's: "The subnet ID 'subnet-x' does not exist".
	Subnets(tx *store.Tx, scope string, ids []string) ([]Subnet, error)
	// SecurityGroups returns the groups in the order of ids; an unknown one is
	// an error whose text is EC2's: "The security group 'sg-x' does not exist".
	SecurityGroups(tx *store.Tx, scope string, ids []string) ([]SecurityGroup, error)
	// CreateSecurityGroup makes a group whose members reach each other and
	// everything outside, and returns its id.
	CreateSecurityGroup(tx *store.Tx, scope string, g NewSecurityGroup) (id string, err error)
	// DeleteSecurityGroup removes a group with its rules; that it is gone
	// already is no error.
	DeleteSecurityGroup(tx *store.Tx, scope, id string) error
}

// Subnet is a subnet as far as EKS cares.
type Subnet struct {
	ID, VPC         string
	CIDR, VPCCIDR   netip.Prefix
	Zone, ZoneID    string // us-east-1a, use1-az1
	InternetGateway bool   // its route table has a route to an internet gateway
}

// SecurityGroup is a security group as far as EKS cares.
type SecurityGroup struct{ ID, Name, VPC string }

// NewSecurityGroup is a security group that is to be made.
type NewSecurityGroup struct {
	Name, Description, VPC string
	Tags                   map[string]string // aws: ones included
}
