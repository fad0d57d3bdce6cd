package link

import (
	"net/netip"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Config is what a control plane is started with and what does not change
// during its life.
type Config struct {
	Name    string // the cluster's
	ARN     string
	Account string
	Region  string
	ID      string // 32 upper-case hexadecimal digits, of the endpoint and the issuer
	// Version is the Kubernetes version that it shall behave as: "1.35".
	Version string
	// Dir is the directory of its state: database, keys, sockets. The child
	// makes what it needs in it.
	Dir          string
	ParentSocket string // where the emulator listens
	ChildSocket  string // where the child shall listen
	// Listen is the API server's address: "127.0.0.1:0" the first time, and
	// from then on the one that Status.Address told.
	Listen      string
	ServiceCIDR string // 10.100.0.0/16
	Issuer      string // of service account tokens, as DescribeCluster shows it
	// Hosts are names and addresses that the API server's certificate is good
	// for, beside those of loopback and of the cluster itself.
	Hosts []string `json:",omitempty"`
	// EmulatorURL is how programs in pods reach the AWS APIs.
	EmulatorURL string
	Settings    Settings // at the start
}

// Settings are what may change while a control plane runs. They are always
// told whole.
type Settings struct {
	Revision           int64  // grows with each change
	AuthenticationMode string // CONFIG_MAP, API_AND_CONFIG_MAP or API
	// CreatorARN is the principal that made the cluster, when it has
	// system:masters by that (CONFIG_MAP with bootstrap permissions); "" nobody.
	CreatorARN      string           `json:",omitempty"`
	AccessEntries   []AccessEntry    `json:",omitempty"`
	FargateProfiles []FargateProfile `json:",omitempty"`
	Nodegroups      []Nodegroup      `json:",omitempty"`
	Addons          []Addon          `json:",omitempty"`
	PodIdentities   []PodIdentity    `json:",omitempty"`
	Version         string           `json:",omitempty"`
	BootstrapAddons bool             `json:",omitempty"` // bootstrapSelfManagedAddons
	IdentityIssuer  *IdentityIssuer  `json:",omitempty"` // an associated OIDC provider
	// Logs are the types of logs that go to CloudWatch Logs: those of them that
	// cost something to make are made only then.
	Logs []string `json:",omitempty"`
}

// Types of logs, as EKS names them, that are made only when they are exported.
const (
	LogAudit         = "audit"
	LogAuthenticator = "authenticator"
)

// AccessEntry is an EKS access entry with its policies.
type AccessEntry struct {
	PrincipalARN string
	Type         string   // STANDARD, FARGATE_LINUX, EC2_LINUX, …
	Username     string   // with its templates: {{SessionName}}, …
	Groups       []string `json:",omitempty"`
	Policies     []AccessPolicy
}

// AccessPolicy is an associated access policy.
type AccessPolicy struct {
	ARN        string   // arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy
	Namespaces []string `json:",omitempty"` // none: the whole cluster; may hold wildcards
}

// FargateProfile is a profile that is CREATING, ACTIVE or DELETING: it is
// followed as soon as it is told, and becomes ACTIVE by that.
type FargateProfile struct {
	Name      string
	RoleARN   string
	Deleting  bool // its pods go, and none starts any more
	Subnets   []Subnet
	Selectors []Selector
}

// Selector chooses pods. Namespace, keys and values may hold * and ?.
type Selector struct {
	Namespace string
	Labels    map[string]string `json:",omitempty"`
}

// Subnet is where a pod's address can come from.
type Subnet struct {
	ID, VPC       string
	CIDR, VPCCIDR string
	Zone          string // us-east-1a
}

// Nodegroup is a managed node group: one virtual node that runs pods without
// Fargate's limits.
type Nodegroup struct {
	Name         string
	Deleting     bool
	Subnets      []Subnet
	Labels       map[string]string `json:",omitempty"`
	Taints       []Taint           `json:",omitempty"`
	CapacityType string            // ON_DEMAND
	AMIType      string
	InstanceType string
	CPU          int64  // units of the instance type, 1024 = one vCPU
	Memory       int64  // bytes
	Version      string // of its kubelets: 1.35
	Release      string `json:",omitempty"` // of its AMI: 1.35.0-20260101
	// MaxUnavailable is how many nodes at once an update takes away, and Force
	// has it delete pods that a PodDisruptionBudget keeps.
	MaxUnavailable int    `json:",omitempty"`
	Force          bool   `json:",omitempty"`
	RoleARN        string `json:",omitempty"` // of its nodes
	InstanceID     string // i-…
	Desired        int    // nodes wanted
}

// Taint is a node's taint, with Kubernetes' effects (NoSchedule).
type Taint struct{ Key, Value, Effect string }

// Addon is an add-on that the cluster has.
type Addon struct {
	Name, Version string
	Configuration string `json:",omitempty"`
	RoleARN       string `json:",omitempty"`
}

// PodIdentity is a pod identity association.
type PodIdentity struct {
	ID, Namespace, ServiceAccount, RoleARN string
}

// IdentityIssuer is an OIDC provider whose tokens are taken as well.
type IdentityIssuer struct {
	Name, IssuerURL, ClientID     string
	UsernameClaim, UsernamePrefix string
	GroupsClaim, GroupsPrefix     string
	RequiredClaims                map[string]string
}

// Status is how far a control plane is.
type Status struct {
	Phase    Phase
	Progress string // what it is at: "waiting for the API server"
	// Error is why it cannot, in a sentence that tells what to do; of one that
	// is READY, that it does not answer.
	Error    string    `json:",omitempty"`
	Address  string    `json:",omitempty"` // 127.0.0.1:40123, where the API server listens
	CA       []byte    `json:",omitempty"` // PEM
	Version  string    `json:",omitempty"` // v1.35.0-eks-…
	ReadyAt  time.Time `json:",omitzero"`
	Settings int64     // the revision of the settings that are in force
	// Draining counts the pods that still run on Fargate profiles and node
	// groups that are being deleted, by "fargateprofile/NAME" and
	// "nodegroup/NAME"; what is settled is absent.
	Draining map[string]int `json:",omitempty"`
	// Nodegroups tells by name how many nodes are Ready, and as their group is
	// to be.
	Nodegroups map[string]int `json:",omitempty"`
	// Stuck are the nodes, by node group, that could not be emptied for an
	// update within EKS's limit.
	Stuck map[string][]string `json:",omitempty"`
	// Addons tells by name what stands behind an add-on: "" all is well, else
	// why not.
	Addons map[string]string `json:",omitempty"`
	// Unkept is why nothing that is written to the Kubernetes API is kept, in a
	// sentence that reaches users: the disk is full, say. What is read is
	// answered meanwhile.
	Unkept string `json:",omitempty"`
}

// Phase is where a control plane is in its life.
type Phase string

// The phases.
const (
	Starting Phase = "STARTING"
	Ready    Phase = "READY"
	Failed   Phase = "FAILED"
)

// Identity is who stands behind a token of `aws eks get-token`, once the
// emulator has verified it.
type Identity struct {
	ARN          string // as GetCallerIdentity tells it: arn:aws:sts::1:assumed-role/ROLE/SESSION
	CanonicalARN string // arn:aws:iam::1:role/ROLE
	Account      string
	UserID       string // AROA…:SESSION
	AccessKeyID  string
	SessionName  string `json:",omitempty"`
}

// Completion gives an open sandbox what it lacks.
type Completion struct {
	Containers []sandbox.Container
	Volumes    []sandbox.Volume   `json:",omitempty"`
	Registries []sandbox.Registry `json:",omitempty"`
	Labels     map[string]string  `json:",omitempty"`
}

// Configuration is what an attempt of a container is started with.
type Configuration struct {
	Attempt   int
	Container sandbox.Container
	// Trouble and Text are why that cannot be told, in kubelet's words; Container
	// does not count then.
	Trouble string `json:",omitempty"`
	Text    string `json:",omitempty"`
}

// HostPathState is what a path on a node's disk leads to: Place, for
// sandbox.Volume.Path, or why it is not of the type that was asked for.
type HostPathState struct {
	Place   string `json:",omitempty"`
	Refused string `json:",omitempty"` // in kubelet's words
}

// SandboxEvent is a line of Parent.Watch. First comes every sandbox of the
// cluster, then one event with Synced, then whatever changes, and beside it
// which subnets have a free address again, whoever had it.
type SandboxEvent struct {
	ID      string
	Sandbox *sandbox.Sandbox `json:",omitempty"` // nil: its record is gone, or Synced
	Status  string           `json:",omitempty"` // sandbox.LastStatus of it
	Synced  bool             `json:",omitempty"`
	// Freed is a subnet in which somebody's address came free: the cluster's, a
	// task's, another cluster's. Nothing else is told with it.
	Freed string `json:",omitempty"`
}

// LoadBalancer is a Service of type LoadBalancer.
type LoadBalancer struct {
	Name  string // namespace/name
	Class string `json:",omitempty"`
	Ports []LoadBalancerPort
}

// LoadBalancerPort is a port that the load balancer serves.
type LoadBalancerPort struct {
	Protocol  string // "tcp" or "udp"
	Port      uint16
	Endpoints []Endpoint // ready pods
}

// Endpoint is a port of a pod.
type Endpoint struct {
	Sandbox string // id; "" when no pod of ours stands behind it
	Address netip.AddrPort
}

// LoadBalancerStatus is where a load balancer answers.
type LoadBalancerStatus struct {
	Name     string
	Address  string // 127.64.0.7, on the host
	Hostname string `json:",omitempty"`
	Error    string `json:",omitempty"` // why it does not answer
}
