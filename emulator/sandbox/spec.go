package sandbox

import "time"

// Spec is what the owner of a sandbox wants. It does not change once the
// sandbox is made: a task or a pod is replaced, never altered. What an open one
// lacks comes later (see Complete), and so does what containers are started
// with whose owner is asked for that (see Configure).
//
// It is the union of what an ECS task and a Kubernetes pod need; an owner
// leaves out what it does not have.
type Spec struct {
	ID         string            `json:",omitempty"` // 32 lower-case hex digits; names everything that the runtime makes for it
	Owner      string            `json:",omitempty"` // ARN of the task, or cluster ARN + "/" + namespace + "/" + name of the pod
	Group      string            `json:",omitempty"` // for listing and counting: the cluster's ARN
	Hostname   string            `json:",omitempty"` // of all its containers; the runtime chooses when empty
	Network    Network           `json:",omitzero"`
	Size       Size              `json:",omitzero"`  // the ceiling around all containers together
	Containers []Container       `json:",omitempty"` // in the order of the definition
	Volumes    []Volume          `json:",omitempty"`
	Labels     map[string]string `json:",omitempty"` // on every container, beside the runtime's own
	Steps      int               `json:",omitempty"` // how many of the three steps it passes: a task 3, a pod 2
	// Patient sandboxes wait when an image cannot be pulled or a container
	// cannot be started, and it is tried again with backoff (a pod's
	// ImagePullBackOff). Others end then, as a task does.
	Patient bool `json:",omitempty"`
	// Keep: when it has ended by itself, its containers and its address stay
	// until somebody wants it stopped, as a pod that has ended keeps its output
	// and, on Fargate, its node.
	Keep bool `json:",omitempty"`
	// Open: the containers are not known yet. The sandbox gets its address,
	// which is told as soon as it is certain, and its network, and waits at that
	// height for Complete: so a Fargate node has its address, and its name,
	// before a pod is bound to it.
	Open bool `json:",omitempty"`
	// Registries are credentials to pull with (imagePullSecrets). One whose
	// Server fits the image is tried before the runtime's own.
	Registries []Registry `json:",omitempty"`
}

// Registry is a login at an image registry.
type Registry struct {
	Server             string `json:",omitempty"` // registry.example.com:5000, with a path prefix if it is narrower
	Username, Password string `json:",omitempty"`
}

// Network is where the sandbox's one address comes from.
type Network struct {
	VPC        string   `json:",omitempty"` // vpc-…
	VPCCIDR    string   `json:",omitempty"` // 172.31.0.0/16
	Subnet     string   `json:",omitempty"` // subnet-…
	SubnetCIDR string   `json:",omitempty"` // 172.31.16.0/20, within VPCCIDR
	Public     bool     `json:",omitempty"` // an address that the host can reach as well (assignPublicIp=ENABLED)
	Hosts      []Host   `json:",omitempty"` // lines for /etc/hosts, beside the sandbox's own
	DNSServers []string `json:",omitempty"` // in place of the VPC's resolver
	DNSSearch  []string `json:",omitempty"`
	DNSOptions []string `json:",omitempty"`
	// Cluster: the sandbox is a pod, which reaches a Kubernetes cluster's
	// Services. See ServiceTable.
	Cluster *ClusterNetwork `json:",omitempty"`
}

// ClusterNetwork is how a Kubernetes cluster looks from inside its pods.
type ClusterNetwork struct {
	Name        string `json:",omitempty"` // the cluster's ARN, the key of its ServiceTable
	ServiceCIDR string `json:",omitempty"` // 10.100.0.0/16: connections into it are translated or refused
	DNS         string `json:",omitempty"` // 10.100.0.10, in the range, where the cluster's names are resolved
	API         string `json:",omitempty"` // 10.100.0.1:443, in the range, where the Kubernetes API answers
}

// Host is a line of /etc/hosts.
type Host struct {
	Address string   `json:",omitempty"`
	Names   []string `json:",omitempty"`
}

// Size limits a sandbox or a container. Zero means no limit.
type Size struct {
	CPU     int64 `json:",omitempty"` // CPU units, 1024 = one vCPU
	Memory  int64 `json:",omitempty"` // bytes
	Storage int64 `json:",omitempty"` // bytes of ephemeral storage; told in metadata, not enforced by every runtime
}

// Condition is what a container waits for in another one. The values are
// ECS's (containerDefinitions[].dependsOn[].condition).
type Condition string

// The four conditions.
const (
	Start   Condition = "START"    // it has been started, its PostStart is done and its startup probe, if any, has passed
	Exited  Condition = "COMPLETE" // it has exited, whatever the code
	Success Condition = "SUCCESS"  // it has exited with 0; any other code makes waiting hopeless
	Healthy Condition = "HEALTHY"  // its health check (for pods: its startup and readiness probe) has passed
)

// Need is one edge of the graph in which containers start, and, turned round,
// stop.
type Need struct {
	Container string    `json:",omitempty"`
	Condition Condition `json:",omitempty"`
}

// Container is one container of a sandbox.
type Container struct {
	Name      string     `json:",omitempty"`
	Image     string     `json:",omitempty"`
	Pull      PullPolicy `json:",omitempty"`
	Essential bool       `json:",omitempty"` // when it ends, for whatever reason, the sandbox ends
	// Init containers are started in their order, each when the one before has
	// ended well, and all others after them; never essential. One with
	// RestartAlways is a sidecar: those behind it wait until it has started, it
	// runs beside them, is stopped after them, in reverse order, and keeps no
	// sandbox alive.
	Init       bool     `json:",omitempty"`
	Ephemeral  bool     `json:",omitempty"` // came later, to look around (kubectl debug): never restarted, and neither its start nor its end means anything to the others
	Target     string   `json:",omitempty"` // of an ephemeral container: the one whose processes it sees; "" none
	Needs      []Need   `json:",omitempty"`
	Entrypoint []string `json:",omitempty"`
	Command    []string `json:",omitempty"`
	Env        []EnvVar `json:",omitempty"` // later wins; over the image's
	Secrets    []Secret `json:",omitempty"` // environment out of a SecretSource, resolved once, right before the start
	WorkingDir string   `json:",omitempty"`
	User       string   `json:",omitempty"` // user, uid, user:group or uid:gid
	Groups     []int    `json:",omitempty"` // supplementary groups (fsGroup, supplementalGroups)
	NonRoot    bool     `json:",omitempty"` // refuse to start as user 0, whoever says so (runAsNonRoot)
	TTY        bool     `json:",omitempty"`
	Stdin      bool     `json:",omitempty"`
	StdinOnce  bool     `json:",omitempty"` // its input ends with the first that was attached to it

	CPU               int64             `json:",omitempty"` // units: relative weight
	CPULimit          int64             `json:",omitempty"` // units: hard ceiling, 0 none (pods; ECS on Fargate has none)
	Memory            int64             `json:",omitempty"` // bytes, hard limit: beyond it the container is killed
	MemoryReservation int64             `json:",omitempty"` // bytes, soft limit
	Resizes           int               `json:",omitempty"` // how often these four were changed, see Resize
	Mounts            []Mount           `json:",omitempty"`
	Tmpfs             []Tmpfs           `json:",omitempty"`
	Ulimits           []Ulimit          `json:",omitempty"`
	CapAdd, CapDrop   []string          `json:",omitempty"`
	ReadOnlyRoot      bool              `json:",omitempty"`
	NoNewPrivileges   bool              `json:",omitempty"`
	Seccomp           string            `json:",omitempty"` // "" the runtime's default, or "unconfined"
	InitProcess       bool              `json:",omitempty"` // run an init inside that reaps (linuxParameters.initProcessEnabled)
	ShareProcesses    bool              `json:",omitempty"` // one PID namespace with the others (pidMode task, shareProcessNamespace)
	Sysctls           map[string]string `json:",omitempty"`
	Labels            map[string]string `json:",omitempty"`
	Ports             []Port            `json:",omitempty"` // what it says it listens on; nothing needs them but public addresses

	StartTimeout time.Duration `json:",omitempty"` // how long others wait for a condition on this one; 0: no limit
	StopSignal   string        `json:",omitempty"` // "" : the image's, else SIGTERM
	StopTimeout  time.Duration `json:",omitempty"` // from the signal to SIGKILL; 0: 30 s

	Health    *Probe  `json:",omitempty"` // ECS health check, Kubernetes' readiness: reported, kills nothing
	Startup   *Probe  `json:",omitempty"` // until it passes, the other two wait; failing kills the container
	Liveness  *Probe  `json:",omitempty"` // failing kills the container; what then happens is the restart policy's matter
	PostStart *Action `json:",omitempty"`
	PreStop   *Action `json:",omitempty"`

	Restart Restart `json:",omitzero"`
	Log     Log     `json:",omitzero"`
	// Asks: before each attempt the owner is asked what it is started with, and
	// answers by Configure. Told: but not before the first, for which what
	// stands here counts.
	Asks bool `json:",omitempty"`
	Told bool `json:",omitempty"`
	// Message says where ContainerStatus.Message and Exit.Message come from
	// when a run ends; nil: nowhere.
	Message *Message `json:",omitempty"`
}

// Sidecar tells whether a container is one: see Init.
func (c *Container) Sidecar() bool { return c.Init && c.Restart.Policy == RestartAlways }

// isMain tells whether a container is what the sandbox is there for.
func (c *Container) isMain() bool { return !c.Init && !c.Ephemeral }

// Message is a container's termination message (Kubernetes' terms).
type Message struct {
	Path     string `json:",omitempty"` // of the file in the container, /dev/termination-log; at most 4096 bytes of it are read
	FromLogs bool   `json:",omitempty"` // when the file is empty and the exit was an error: the last 80 lines or 2048 bytes of output
}

// PullPolicy says when the image is pulled. The zero value is what suits a
// machine without a registry at hand: pull what is not there.
type PullPolicy string

// Pull policies, with Kubernetes' names.
const (
	PullIfNotPresent PullPolicy = "IfNotPresent"
	PullAlways       PullPolicy = "Always"
	PullNever        PullPolicy = "Never"
)

// EnvVar is a variable of the environment.
type EnvVar struct {
	Name  string
	Value string `json:",omitempty"`
}

// Secret is a variable whose value a SecretSource knows. ValueFrom is an ARN
// or a parameter name, as in a task definition.
type Secret struct{ Name, ValueFrom string }

// Mount puts a volume into a container.
type Mount struct {
	Volume   string `json:",omitempty"`
	Path     string `json:",omitempty"`
	SubPath  string `json:",omitempty"` // within the volume
	ReadOnly bool   `json:",omitempty"`
}

// Tmpfs is a memory file system of one container.
type Tmpfs struct {
	Path    string   `json:",omitempty"`
	Size    int64    `json:",omitempty"` // bytes
	Options []string `json:",omitempty"`
}

// Ulimit is a resource limit with its name as in a task definition ("nofile").
type Ulimit struct {
	Name       string `json:",omitempty"`
	Soft, Hard int64  `json:",omitempty"`
}

// Port is a port that a container says it serves.
type Port struct {
	Name     string `json:",omitempty"`
	Number   uint16 `json:",omitempty"`
	Protocol string `json:",omitempty"` // "tcp" or "udp"
}

// Volume lives as long as the sandbox and can be mounted by any of its
// containers.
type Volume struct {
	Name   string `json:",omitempty"`
	Memory bool   `json:",omitempty"` // tmpfs instead of disk
	Size   int64  `json:",omitempty"` // bytes; 0: no limit of its own
	Files  []File `json:",omitempty"` // given content, written before the first container starts
	Mode   uint32 `json:",omitempty"` // permission bits of its root; 0: 0755. An emptyDir has 0777
	GID    int    `json:",omitempty"` // group of its root, with the set-group-id bit (fsGroup); 0: root
	// Empty: nothing of an image is ever copied into it (an emptyDir, a
	// configMap). ECS's volumes begin with what the image has at that place.
	Empty bool `json:",omitempty"`
	// Node and Path: it is no volume of its own but a place on the disk of the
	// node that another sandbox, Node, stands for (a hostPath): what HostPaths
	// has found. All else but the name counts for nothing then.
	Node string `json:",omitempty"`
	Path string `json:",omitempty"`
	// Atomic: its files change all at once and never half, laid out as kubelet
	// does it: ..data is a link to a directory with the content, and each file
	// a link into ..data.
	Atomic bool `json:",omitempty"`
}

// File is a file with given content. Path is relative to its volume and never
// leaves it.
type File struct {
	Path string `json:",omitempty"`
	Mode uint32 `json:",omitempty"`
	UID  int    `json:",omitempty"`
	GID  int    `json:",omitempty"`
	Data []byte `json:",omitempty"`
}

// Action is something that is done in or to a container: exactly one of its
// members is set.
type Action struct {
	Exec []string `json:",omitempty"` // argv; exit code 0 is success
	HTTP *HTTPGet `json:",omitempty"` // a status of 200–399 is success
	TCP  uint16   `json:",omitempty"` // connecting is success
	GRPC *GRPC    `json:",omitempty"` // grpc.health.v1.Health/Check answering SERVING is success
	// Sleep is waiting, which always succeeds (a lifecycle hook's sleep).
	Sleep time.Duration `json:",omitempty"`
}

// GRPC is a health check over gRPC.
type GRPC struct {
	Port    uint16 `json:",omitempty"`
	Service string `json:",omitempty"`
}

// HTTPGet is a GET of a container's port.
type HTTPGet struct {
	Scheme  string   `json:",omitempty"` // "http" or "https" (certificates are not checked)
	Port    uint16   `json:",omitempty"`
	Path    string   `json:",omitempty"`
	Host    string   `json:",omitempty"`
	Headers []EnvVar `json:",omitempty"`
}

// Probe is an action that is repeated. The zero values of its durations and
// counts are not filled in here: the owner sets its service's defaults.
type Probe struct {
	Action
	Delay    time.Duration `json:",omitempty"` // from the start to the first one (Kubernetes' initialDelaySeconds; Docker and ECS wait one Interval)
	Interval time.Duration `json:",omitempty"`
	Timeout  time.Duration `json:",omitempty"`
	Grace    time.Duration `json:",omitempty"` // failures within it do not count, a success ends it (ECS's startPeriod)
	Failures int           `json:",omitempty"` // in a row until it has failed
	Passes   int           `json:",omitempty"` // in a row until it has passed
	// StopTimeout is what the container has from the signal to SIGKILL when
	// this probe has it killed; 0: the container's own.
	StopTimeout time.Duration `json:",omitempty"`
}

// RestartPolicy says after which exits a container is started again.
type RestartPolicy string

// Restart policies, with Kubernetes' names. ECS's restartPolicy is Always
// with IgnoredExitCodes and MinRun.
const (
	RestartNever     RestartPolicy = ""
	RestartOnFailure RestartPolicy = "OnFailure"
	RestartAlways    RestartPolicy = "Always"
)

// Restart is how a container is started again in its place.
type Restart struct {
	Policy           RestartPolicy `json:",omitempty"`
	IgnoredExitCodes []int         `json:",omitempty"`
	MinRun           time.Duration `json:",omitempty"` // started again only when it ran at least so long (ECS's restartAttemptPeriod)
	Backoff          time.Duration `json:",omitempty"` // the wait before the second restart, doubled each time (CrashLoopBackOff: 10 s); the first does not wait
	MaxBackoff       time.Duration `json:",omitempty"` // 5 min in Kubernetes
	ResetBackoff     time.Duration `json:",omitempty"` // a run of at least this long makes the backoff start anew (10 min in Kubernetes)
	Fresh            bool          `json:",omitempty"` // a new container with a new file system, as for pods; ECS starts the same one again
}

// Log is where a container's output goes. Whatever the driver, the runtime
// keeps it too, for `neargate logs`.
type Log struct {
	Driver  string            `json:",omitempty"` // "awslogs", or "" for none
	Options map[string]string `json:",omitempty"`
}
