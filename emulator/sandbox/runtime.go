package sandbox

import (
	"context"
	"io"
	"iter"
	"net"
	"time"
)

// Runtime is whatever really runs containers. Implementations are docker and
// fake; each must pass the suite in runtimetest.
//
// All methods are safe for concurrent use and idempotent by name: the engine
// calls them again after a crash, a cancelled context or a lost answer. One
// kind of error has meaning to the caller: a *[StopError] says that this can
// never work, in AWS's words. All others are retried with backoff.
type Runtime interface {
	// Up makes the sandbox itself: namespace, address, ceiling, volumes and
	// their files. If it is up already, it returns the same address and makes
	// what is missing: an open sandbox, which has no volumes yet, is told whole
	// by a second call.
	Up(ctx context.Context, s *Spec) (Address, error)
	// Down removes whatever is left of the sandbox, running or not. What does
	// not exist is no error.
	Down(ctx context.Context, id string) error
	// Pull makes the container's image available and tells which it is. It
	// returns promptly when the image is there and the policy allows that.
	Pull(ctx context.Context, s *Spec, c *Container) (Pulled, error)
	// Start creates and starts a container in a sandbox that is up. env holds
	// resolved secrets, beside c.Env. If the container of that attempt
	// exists and runs or has run, nothing is done.
	Start(ctx context.Context, s *Spec, c *Container, attempt int, env []EnvVar) error
	// Stop sends the container's stop signal, waits for at most grace, kills,
	// and returns when it has ended. A container that is not there or has
	// ended is no error.
	Stop(ctx context.Context, s *Spec, c *Container, grace time.Duration) error
	// Inspect tells what is there. A sandbox that is not there is no error:
	// Observed.Up is false.
	Inspect(ctx context.Context, id string) (Observed, error)
	// List names the sandboxes of this emulator that the runtime still holds
	// anything of.
	List(ctx context.Context) ([]string, error)
	// Events yields the ids of sandboxes in which something may have changed,
	// until ctx ends. They are hints: some may be missing or needless. After a
	// gap (the runtime was away) it yields "" for "look at all of them".
	Events(ctx context.Context) iter.Seq[string]
}

// Pulled is the image that a container is made of.
type Pulled struct {
	Digest string // sha256:…
	// Local is why it is the one that was there already, though PullAlways asks
	// for the registry's: what kept that from being had, in the runtime's own
	// words. "" when it is as the policy says. An image that was built here has
	// no registry to come from, and must run all the same.
	Local string
}

// Observed is what a runtime sees of a sandbox at one moment.
type Observed struct {
	Up         bool // the namespace exists and works
	Address    Address
	Containers map[string]ObservedContainer // by name; absent: never created
	// OOMKills counts the kernel's kills for memory within the whole sandbox's
	// ceiling.
	OOMKills int
	// Notes tell in sentences what the runtime could not give as asked, for
	// Status.Notes.
	Notes []string
}

// ObservedContainer is what a runtime sees of a container: the newest
// attempt's.
type ObservedContainer struct {
	RuntimeID   string
	Attempt     int
	State       ContainerState // CREATED, RUNNING or STOPPED
	CreatedAt   time.Time
	StartedAt   time.Time
	FinishedAt  time.Time
	ExitCode    int
	OOMKilled   bool
	Error       string // why it could not be started, when it could not
	ImageDigest string
	Message     string // the termination message, where Container.Message asks for it
}

// StopError says that something can never work, and with which stop code and
// reason the sandbox ends, in AWS's words:
// {"TaskFailedToStart", "CannotPullContainerError: …"}.
type StopError struct {
	Code   string // "" means TaskFailedToStart
	Reason string
	// Container is the one that it befell, when it was one.
	Container string
	// Trouble and Text say the same in the kubelet's words, for sandboxes that
	// are patient: "ErrImagePull", and the runtime's own error. "" lets the
	// engine choose by what it was about to do, and use Reason.
	Trouble, Text string
}

func (e *StopError) Error() string { return e.Reason }

// What follows is optional: one method each, found by type assertion.

// Reserver tells the address of a sandbox before it is up. The engine asks it
// for open sandboxes, whose owners have work to do with the address.
type Reserver interface {
	// Reserve fixes the address that Up will return, and may go on bringing the
	// sandbox up after it has returned. When Up finds that the address cannot
	// be had after all, because somebody else has taken it meanwhile, it returns
	// another one, and the engine ends the sandbox.
	Reserve(ctx context.Context, s *Spec) (Address, error)
}

// Logs reads what a container has written. Lines come in order; with follow
// it goes on until the container has ended and all was read, or ctx ends.
type Logs interface {
	Logs(ctx context.Context, id, container string, o LogsOptions) iter.Seq2[LogLine, error]
}

// LogsOptions choose lines.
type LogsOptions struct {
	Follow   bool
	Since    time.Time // lines at or after it
	Tail     int       // 0: all
	Previous bool      // the attempt before the newest
}

// LogLine is one line, without its newline. At has nanoseconds and is what
// reading is resumed from.
type LogLine struct {
	At     time.Time
	Stderr bool
	Text   string
	// Partial: the line was too long for the runtime and goes on in the next.
	Partial bool
}

// Streams are the ends of a process that somebody talks to. Nil means not
// wanted. Resize delivers terminal sizes until it is closed.
type Streams struct {
	In          io.Reader
	Out, ErrOut io.Writer
	TTY         bool
	Resize      <-chan TerminalSize
}

// TerminalSize is in characters.
type TerminalSize struct{ Width, Height uint16 }

// Exec runs a process in a running container and returns its exit code.
type Exec interface {
	Exec(ctx context.Context, id, container string, argv []string, env []EnvVar, s Streams) (code int, err error)
}

// Attach joins the streams of a container's own process until they end.
type Attach interface {
	Attach(ctx context.Context, id, container string, s Streams) error
}

// Dial connects to an address as seen from inside the sandbox
// ("tcp", "127.0.0.1:8080"): probes, port-forward, public addresses.
type Dial interface {
	Dial(ctx context.Context, id, network, address string) (net.Conn, error)
}

// StatsReader reads resource usage.
type StatsReader interface {
	Stats(ctx context.Context, id string) (Stats, error)
}

// Stats is a sandbox's usage at one moment.
type Stats struct {
	At         time.Time
	Containers map[string]ContainerStats
	RxBytes    uint64
	TxBytes    uint64
	RxPackets  uint64
	TxPackets  uint64
	RxErrors   uint64
	TxErrors   uint64
	RxDropped  uint64
	TxDropped  uint64
}

// ContainerStats is one container's usage.
type ContainerStats struct {
	CPU          time.Duration // total CPU time used
	OnlineCPUs   int           // 0: not told
	SystemCPU    time.Duration // of the whole host, for percentages; 0: not told
	Memory       uint64        // bytes, cache included
	MemoryCache  uint64        // bytes that the kernel would give back
	MemoryLimit  uint64
	MemoryMax    uint64 // the most so far
	PIDs         uint64
	ReadBytes    uint64 // block devices; 0 where it is not told
	WrittenBytes uint64
}

// FileWriter replaces files of a volume while the sandbox runs.
type FileWriter interface {
	WriteFiles(ctx context.Context, id, volume string, files []File) error
}

// HostPaths is the disk of the node that a sandbox stands for. It is there as
// long as the sandbox, and volumes of other sandboxes may be places on it, see
// Volume.Node.
type HostPaths interface {
	// HostPath makes or checks an absolute path as kubelet does for a hostPath
	// volume of a type ("", "Directory", "FileOrCreate", …) and finds the place
	// that it leads to, for Volume.Path. refused is why the path is not of its
	// type, in kubelet's words; "" it is.
	HostPath(ctx context.Context, id, path, kind string) (place, refused string, err error)
}

// Resizer gives a container that runs the resources that it is to have. One
// that does not run is no error.
type Resizer interface {
	Resize(ctx context.Context, s *Spec, c *Container) error
}

// ProgressTeller tells how far pulls are, for people who wait: image → "34 %".
type ProgressTeller interface {
	Progress(id string) map[string]string
}
