package pods

import (
	"slices"
	"strconv"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// memory is what the worker remembers of a pod between two looks at it.
// Everything in it can be lost: at worst something is asked or compared once
// more. The embedded lock is for those who ask why; the worker itself is alone
// with a pod.
type memory struct {
	sync.Mutex
	seen    *sandbox.Sandbox // the state up to which events have been told
	told    history
	pod     *v1.Pod // as the API server had it after the last write
	wanted  *v1.PodStatus
	known   bool // the informer has shown the pod
	deleted bool // the pod was deleted from the API by the worker

	problems Problems // why it cannot be set up
	tries    int      // how often that was tried
	retryAt  time.Time
	notes    []string // of the translation
	noted    bool     // the notes are known
	lost     bool

	volumes  map[string]liveVolume
	undated  bool                 // it is not known yet when the volumes are due
	answered map[string]time.Time // by container, when it was last told that it cannot be made
	images   map[string]string    // by container, the image that was told not to be taken
	resize   int64                // the generation whose resize was refused in an event

	resizing resizing
}

// memory finds what is remembered of a pod, or begins it.
func (w *Worker) memory(id string) *memory {
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.memories[id]
	if m == nil {
		m = &memory{told: history{}, images: map[string]string{}, answered: map[string]time.Time{}}
		w.memories[id] = m
		w.stale[id] = true // what its volumes hold is not known
	}
	return m
}

// dirty notes that the files of a pod's volumes may have to change.
func (w *Worker) dirty(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stale[id] = true
}

// clean tells whether a pod's volumes may have to change, and begins anew.
func (w *Worker) clean(id string) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was = w.stale[id]
	delete(w.stale, id)
	return was
}

func (w *Worker) isDirty(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stale[id]
}

// knew tells whether the informer has ever shown a sandbox's pod, so that it is
// gone when the informer does not show it any more.
func (w *Worker) knew(id string) bool {
	m := w.memory(id)
	m.Lock()
	defer m.Unlock()
	return m.known
}

func (w *Worker) forget(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.memories, id)
	delete(w.stale, id)
}

// note keeps what a pod asks for and does not get, each once.
func (m *memory) note(notes []string) {
	for _, n := range notes {
		if !slices.Contains(m.notes, n) {
			m.notes = append(m.notes, n)
		}
	}
}

// newest is the newer one of what the informer shows and what the last write
// gave.
func (m *memory) newest(pod *v1.Pod) *v1.Pod {
	if m.pod == nil || m.pod.UID != pod.UID {
		return pod
	}
	mine, err := strconv.ParseUint(m.pod.ResourceVersion, 10, 64)
	if err != nil {
		return pod
	}
	theirs, err := strconv.ParseUint(pod.ResourceVersion, 10, 64)
	if err != nil || theirs >= mine {
		return pod
	}
	return m.pod
}
