package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

const failedToStart = "TaskFailedToStart"

// ErrAway is what every call gives while the runtime is away.
var ErrAway = errors.New("cannot connect to the fake runtime: it is away")

// State is all that runs; it takes the place of a daemon. Its methods that
// meddle are for tests.
type State struct {
	mu       sync.Mutex
	boxes    map[string]*box
	reserved map[string]place // of sandboxes that are not up
	subnets  map[string]*subnet
	public   uint32 // public addresses given so far
	watchers map[*watcher]struct{}
	faults   map[string]error
	calls    map[string]int
	pulls    map[*progress]string // whose they are
	services map[string]sandbox.ServiceTable
	away     bool
}

// NewState is a backend on which nothing runs.
func NewState() *State {
	return &State{
		boxes: map[string]*box{}, reserved: map[string]place{}, subnets: map[string]*subnet{}, watchers: map[*watcher]struct{}{},
		faults: map[string]error{}, calls: map[string]int{}, pulls: map[*progress]string{}, services: map[string]sandbox.ServiceTable{},
	}
}

// place is an address that was taken.
type place struct {
	address sandbox.Address
	subnet  *subnet
}

// box is one sandbox.
type box struct {
	place
	id         string
	since      time.Time
	containers map[string]*container
	volumes    map[string]*volume
	order      []string // of creation
	oomKills   int
}

// enter begins a call: it counts it, and fails it while a fault is on. The
// state is locked when there is no error.
func (st *State) enter(op string) error {
	st.mu.Lock()
	st.calls[op]++
	err := st.faults[op]
	if st.away {
		err = ErrAway
	}
	if err != nil {
		st.mu.Unlock()
	}
	return err
}

// Fail makes every call of an operation ("Reserve", "Up", "Pull", "Start", "Stop",
// "Down", "Inspect", "List", "Logs", "Exec", "Dial", "Stats", "WriteFiles",
// "SetServices") fail with err,
// until it is called with nil.
func (st *State) Fail(op string, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err == nil {
		delete(st.faults, op)
		return
	}
	st.faults[op] = err
}

// Away makes the runtime unreachable, or reachable again. What runs goes on.
// Both is told to whoever listens to Events, as a stream that breaks is.
func (st *State) Away(away bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.away = false
	st.tell("")
	st.away = away
}

// Calls tells how often an operation was called so far.
func (st *State) Calls(op string) int {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.calls[op]
}

// Forget loses a sandbox with all its containers, as if somebody had removed
// them by hand.
func (st *State) Forget(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.remove(id)
}

// Snatch gives an address that was reserved for a sandbox to somebody else.
func (st *State) Snatch(id string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.reserved, id) // it stays taken
}

// ForgetContainer loses one container.
func (st *State) ForgetContainer(id, name string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.container(id, name); c != nil {
		c.halt()
		delete(st.boxes[id].containers, name)
		st.tell(id)
	}
}

// Kill ends a container with a code, as if its process had ended so. It
// reports whether the container ran.
func (st *State) Kill(id, name string, code int) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	c := st.container(id, name)
	if c == nil || c.State != sandbox.ContainerRunning {
		return false
	}
	st.end(c, code, false)
	return true
}

// Print lets a running container write a line.
func (st *State) Print(id, name, text string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if c := st.container(id, name); c != nil {
		c.write(text, false)
	}
}

// Running tells which containers of a sandbox run, in the order of their
// creation.
func (st *State) Running(id string) []string {
	st.mu.Lock()
	defer st.mu.Unlock()
	b := st.boxes[id]
	if b == nil {
		return nil
	}
	var names []string
	for _, n := range b.order {
		if c := b.containers[n]; c != nil && c.State == sandbox.ContainerRunning {
			names = append(names, n)
		}
	}
	return names
}

func (st *State) container(id, name string) *container {
	if b := st.boxes[id]; b != nil {
		return b.containers[name]
	}
	return nil
}

// remove takes a sandbox away with all that is in it.
func (st *State) remove(id string) {
	if p, ok := st.reserved[id]; ok {
		delete(p.subnet.taken, p.address.IP)
		delete(st.reserved, id)
	}
	b := st.boxes[id]
	if b == nil {
		return
	}
	for _, c := range b.containers {
		c.halt()
	}
	delete(b.subnet.taken, b.address.IP)
	delete(st.boxes, id)
	st.tell(id)
}

// tell wakes everybody who listens to Events.
func (st *State) tell(id string) {
	if st.away {
		return
	}
	for w := range st.watchers {
		w.add(id)
	}
}

// runtimeID is 64 hexadecimal digits, like Docker's.
func runtimeID(parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprintln(parts...)))
	return hex.EncodeToString(sum[:])
}

// stamp is now, in the form in which everything is told.
func stamp() time.Time { return time.Now().UTC().Round(0) }
