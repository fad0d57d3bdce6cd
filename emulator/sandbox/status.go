package sandbox

import "time"

// Sandbox is the record of one sandbox: what is wanted, and how far it came.
type Sandbox struct {
	Spec      Spec
	CreatedAt time.Time
	Desired   Desired
	Status    Status
}

// Desired is RUNNING until somebody, or the sandbox itself, wants it stopped.
// It never goes back.
type Desired struct {
	Stopped bool      `json:",omitempty"`
	Code    string    `json:",omitempty"` // AWS's stopCode: UserInitiated, EssentialContainerExited, TaskFailedToStart, …
	Reason  string    `json:",omitempty"` // AWS's stoppedReason
	At      time.Time `json:",omitzero"`  // when it became wanted
	// Held: the sandbox itself wants it, and by Spec.Keep its containers stay,
	// ended, until its owner wants it too.
	Held bool `json:",omitempty"`
	// Grace overrides the containers' StopTimeout (kubectl delete --grace-period).
	Grace *time.Duration `json:",omitempty"`
}

// Status is what has happened. lastStatus is computed from Height and Falling
// by LastStatus and stored nowhere.
type Status struct {
	Height  int  // steps that are up: 0 … Spec.Steps
	Falling bool // on the way down, from which there is no way back
	// Version counts the commits that changed what DescribeTasks would show
	// (a task's version).
	Version int64 `json:",omitempty"`

	// Bare: the network was made while the sandbox was open; what else belongs
	// to that step, the volumes, is to be made when it is complete.
	Bare bool `json:",omitempty"`

	// StepAt is when Height or Falling changed last.
	StepAt time.Time `json:",omitzero"`

	// Address is told once and never changes. That of an open sandbox may be
	// told before the network is up, which Height alone says.
	Address    *Address          `json:",omitempty"`
	Containers []ContainerStatus `json:",omitempty"` // as in Spec.Containers
	// OOMKills is how many of the runtime's kills for memory have been told
	// as some container's end.
	OOMKills int `json:",omitempty"`

	ConnectivityAt     time.Time `json:",omitzero"` // the network step was up
	PullStartedAt      time.Time `json:",omitzero"` // the first pull began
	PullStoppedAt      time.Time `json:",omitzero"` // the last pull ended
	StartedAt          time.Time `json:",omitzero"` // RUNNING
	StoppingAt         time.Time `json:",omitzero"` // the way down began
	ExecutionStoppedAt time.Time `json:",omitzero"` // the last container ended
	StoppedAt          time.Time `json:",omitzero"` // STOPPED

	// UnseenSince is since when the runtime does not tell how the sandbox is;
	// zero: it does. All else in the record is as it was then.
	UnseenSince time.Time `json:",omitzero"`
	// Trouble is the error that the engine is retrying at the moment, for
	// `neargate why`; "" when there is none.
	Trouble   string    `json:",omitempty"`
	TroubleAt time.Time `json:",omitzero"`
	Tries     int       `json:",omitempty"`
	// Notes tell what the runtime could not give as asked: "address from
	// 10.200.0.0/16: another network has 172.31.0.0/16".
	Notes []string `json:",omitempty"`
}

// Address is the sandbox's place in its network, all of it real: peers can
// dial IP.
type Address struct {
	IP      string `json:",omitempty"` // 172.31.16.5
	Prefix  int    `json:",omitempty"` // of the subnet
	MAC     string `json:",omitempty"` // 02:42:ac:1f:10:05
	Gateway string `json:",omitempty"`
	IPv6    string `json:",omitempty"`
	// Public is the address at which the host reaches the containers' ports;
	// "" when none was asked for. PublicPorts tells where a port is found when
	// it could not keep its number (key "80/tcp").
	Public      string            `json:",omitempty"`
	PublicPorts map[string]uint16 `json:",omitempty"`
	DNS         []string          `json:",omitempty"` // what is in resolv.conf
}

// ContainerState is where a container is in its life; the strings of
// ContainerStateRunning and ContainerStateStopped are ECS's.
type ContainerState string

// Container states, in order.
const (
	ContainerPending ContainerState = "PENDING"
	ContainerPulling ContainerState = "PULLING"
	ContainerPulled  ContainerState = "PULLED"
	ContainerCreated ContainerState = "CREATED"
	ContainerRunning ContainerState = "RUNNING"
	ContainerStopped ContainerState = "STOPPED"
)

// Health is the outcome of a container's health check, in ECS's words.
type Health string

// The three outcomes.
const (
	HealthUnknown   Health = "UNKNOWN"
	HealthHealthy   Health = "HEALTHY"
	HealthUnhealthy Health = "UNHEALTHY"
)

// ContainerStatus is what is known of one container.
type ContainerStatus struct {
	Name        string         `json:",omitempty"`
	State       ContainerState `json:",omitempty"`
	RuntimeID   string         `json:",omitempty"` // the runtime's own id of the container that runs or ran last
	ImageDigest string         `json:",omitempty"` // sha256:…, known once the image is there
	Attempt     int            `json:",omitempty"` // 0 for the first start; counts restarts
	CreatedAt   time.Time      `json:",omitzero"`
	StartedAt   time.Time      `json:",omitzero"`
	FinishedAt  time.Time      `json:",omitzero"`
	ExitCode    *int           `json:",omitempty"` // nil until it has exited, and when it never ran
	OOMKilled   bool           `json:",omitempty"`
	Reason      string         `json:",omitempty"` // "OutOfMemoryError: Container killed due to memory usage"
	// Trouble is why the container waits, when the runtime tries something
	// again (Spec.Patient), in the kubelet's words: one of the constants below,
	// with the error.
	Trouble     string    `json:",omitempty"`
	TroubleText string    `json:",omitempty"`
	Tries       int       `json:",omitempty"` // that have failed in a row
	TryAt       time.Time `json:",omitzero"`  // when it is tried again; a start that failed has RestartAt instead
	// RestartAt is when the container will be started again; zero when it has
	// ended for good, or has not ended.
	RestartAt time.Time `json:",omitzero"`
	// Streak counts the restarts since its backoff began anew.
	Streak int `json:",omitempty"`
	// Local is Pulled.Local of its image. Fetched is how many attempts the image
	// was looked for, where it is for each.
	Local   string `json:",omitempty"`
	Fetched int    `json:",omitempty"`
	Refetch bool   `json:",omitempty"` // it became another image since it was looked for
	// Asking: the next attempt waits for Configure, and for nothing else. Told
	// is how many attempts the owner has told the configuration of.
	Asking bool `json:",omitempty"`
	Told   int  `json:",omitempty"`
	// Ending is why this run is being ended though the sandbox goes on: its
	// owner wants another (see Again).
	Ending string `json:",omitempty"`
	// Resized is which of Container.Resizes is known to be in force, and
	// ResizeTrouble why it is not that one, until it is tried again at ResizeAt.
	Resized       int       `json:",omitempty"`
	ResizeTrouble string    `json:",omitempty"`
	ResizeAt      time.Time `json:",omitzero"`

	Health       Health    `json:",omitempty"`
	HealthSince  time.Time `json:",omitzero"`
	HealthOutput string    `json:",omitempty"` // of the last check, at most 4096 bytes
	HealthExit   int       `json:",omitempty"`
	Failures     Failures  `json:",omitzero"`  // of the probes of this run, in patient sandboxes
	Started      bool      `json:",omitempty"` // the startup probe has passed, or there is none and it runs
	Ready        bool      `json:",omitempty"` // the health check passes, or there is none and it runs
	PostStarted  bool      `json:",omitempty"` // its PostStart action was done in this attempt, well or not
	// Satisfied holds the conditions that it has ever met: a START that has
	// happened stays true after the exit.
	Satisfied []Condition `json:",omitempty"`

	// LastExit is the run before this one, when it was restarted.
	LastExit *Exit `json:",omitempty"`
	// Message is the termination message that the owner asked for.
	Message string `json:",omitempty"`
}

// Why a container waits: ContainerStatus.Trouble. A pull that has failed is
// first called so, then backed off from.
const (
	TroublePull     = "ErrImagePull"
	TroubleBackOff  = "ImagePullBackOff"
	TroubleName     = "InvalidImageName"
	TroubleNever    = "ErrImageNeverPull"
	TroubleConfig   = "CreateContainerConfigError"
	TroubleCreation = "CreateContainerError"
	// TroubleRun: it was made and could not be started (its command is not
	// there). That is an end, with ExitStartError and ReasonStartError, which
	// the restart policy acts upon.
	TroubleRun = "RunContainerError"
)

// What a container that could not be started ended with, as in containerd.
const (
	ExitStartError   = 128
	ReasonStartError = "StartError"
)

// Exit tells how a run of a container ended.
type Exit struct {
	Code       int       `json:",omitempty"`
	OOMKilled  bool      `json:",omitempty"`
	StartedAt  time.Time `json:",omitzero"`
	FinishedAt time.Time `json:",omitzero"`
	RuntimeID  string    `json:",omitempty"`
	Reason     string    `json:",omitempty"` // as ContainerStatus.Reason
	Message    string    `json:",omitempty"` // as ContainerStatus.Message
}
