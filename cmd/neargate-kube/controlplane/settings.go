package controlplane

import (
	"slices"
	"sync"

	"github.com/neargate/neargate/emulator/eks/link"
)

// settings are those in force, which parts read at any time and are told of
// when they change.
type settings struct {
	mu     sync.Mutex
	now    link.Settings
	listen []func()
}

func (s *settings) get() link.Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// onChange has f called after each change, in the caller of set.
func (s *settings) onChange(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listen = append(s.listen, f)
}

// set replaces the settings; older ones than those in force are left aside.
func (s *settings) set(n link.Settings) {
	s.mu.Lock()
	if n.Revision < s.now.Revision {
		s.mu.Unlock()
		return
	}
	s.now = n
	listen := s.listen
	s.mu.Unlock()
	for _, f := range listen {
		f()
	}
}

// association is the pod identity association of a service account.
func (s *settings) association(namespace, account string) (link.PodIdentity, bool) {
	all := s.get().PodIdentities
	i := slices.IndexFunc(all, func(p link.PodIdentity) bool { return p.Namespace == namespace && p.ServiceAccount == account })
	if i < 0 {
		return link.PodIdentity{}, false
	}
	return all[i], true
}

func (s *settings) associated(namespace, account string) bool {
	_, ok := s.association(namespace, account)
	return ok
}
