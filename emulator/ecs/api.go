// Package ecs is Amazon ECS: clusters, task definitions and tasks, one file
// per resource. Tasks run as sandboxes of emulator/sandbox; what DescribeTasks
// shows is computed from the task's record and its sandbox's record, and
// stored nowhere.
//
// The operations are the methods of API on the SDK's own inputs and outputs;
// apiwire finds them by reflection. Those that AWS has and API has not answer
// UnknownOperationException naming themselves.
package ecs

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// API answers ECS's operations.
type API struct {
	store   *store.Store
	network Network
	engine  Engine
	roles   Roles
	callers Callers
	settle  bool

	metadata http.Handler // of all sandboxes: see metadata.go
	issued   issued
	samples  samples
}

// Config is what an API stands on.
type Config struct {
	Store   *store.Store
	Network Network
	Engine  Engine
	Roles   Roles
	Callers Callers // nil: everybody is the account's root user
	// Settle makes RunTask and StopTask answer when the effect has settled:
	// RunTask when the tasks are RUNNING or STOPPED (--timing=instant).
	Settle bool
}

// New returns an API. It starts nothing.
func New(c Config) *API {
	a := &API{store: c.Store, network: c.Network, engine: c.Engine, roles: c.Roles, callers: c.Callers, settle: c.Settle, issued: issued{byTask: map[string]RoleCredentials{}}}
	a.metadata = a.metadataRoutes()
	return a
}

// Engine is what ECS asks of whatever runs sandboxes, beside the records.
type Engine interface {
	// Wait blocks until done says so of the sandbox's record, following the
	// change feed. It returns ctx's error when that ends first.
	Wait(ctx context.Context, id string, done func(*sandbox.Sandbox) bool) (*sandbox.Sandbox, error)
	// Stats reads a sandbox's usage now.
	Stats(ctx context.Context, id string) (sandbox.Stats, error)
}

// Callers knows who makes a call; STS stands behind it.
type Callers interface {
	// CallerARN returns the ARN of the user, the root user or the assumed role
	// that signed the call that ctx carries. It is not called within a
	// transaction.
	CallerARN(ctx context.Context) (string, error)
}

// Network is what ECS asks of EC2. Scope is "account/region".
type Network interface {
	// Subnets returns the subnets in the order of ids. An unknown one is an
	// error whose text is EC2's: "The subnet ID 'subnet-x' does not exist".
	Subnets(tx *store.Tx, scope string, ids []string) ([]Subnet, error)
	// SecurityGroups checks ids; an unknown one is an error whose text is
	// EC2's: "The security group 'sg-x' does not exist".
	SecurityGroups(tx *store.Tx, scope string, ids []string) ([]SecurityGroup, error)
	// DefaultSecurityGroup returns the group that a VPC's interfaces have when
	// none is named.
	DefaultSecurityGroup(tx *store.Tx, scope, vpc string) (SecurityGroup, error)
}

// Subnet is a subnet as far as ECS cares.
type Subnet struct {
	ID, VPC            string
	CIDR, VPCCIDR      netip.Prefix
	Zone, ZoneID       string // us-east-1a, use1-az1
	InternetGateway    bool   // its route table has a route to an internet gateway
	MapPublicIPOnStart bool
}

// SecurityGroup is a security group as far as ECS cares.
type SecurityGroup struct{ ID, Name, VPC string }
