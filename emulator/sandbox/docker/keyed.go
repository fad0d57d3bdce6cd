package docker

import (
	"context"
	"sync"
)

// keyed is a lock for each key. The zero value is ready.
type keyed struct {
	mu   sync.Mutex
	held map[string]*keyedLock
}

type keyedLock struct {
	token chan struct{} // has room for one: who could put it in holds the lock
	users int
}

// lock waits for the key's lock, as long as ctx allows.
func (k *keyed) lock(ctx context.Context, key string) (unlock func(), err error) {
	l := k.join(key)
	select {
	case l.token <- struct{}{}:
		return k.unlock(key, l), nil
	case <-ctx.Done():
		k.leave(key, l)
		return nil, ctx.Err()
	}
}

// try takes the key's lock if nobody holds it.
func (k *keyed) try(key string) (unlock func(), ok bool) {
	l := k.join(key)
	select {
	case l.token <- struct{}{}:
		return k.unlock(key, l), true
	default:
		k.leave(key, l)
		return nil, false
	}
}

func (k *keyed) unlock(key string, l *keyedLock) func() {
	return func() {
		<-l.token
		k.leave(key, l)
	}
}

func (k *keyed) join(key string) *keyedLock {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[string]*keyedLock{}
	}
	l := k.held[key]
	if l == nil {
		l = &keyedLock{token: make(chan struct{}, 1)}
		k.held[key] = l
	}
	l.users++
	return l
}

func (k *keyed) leave(key string, l *keyedLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.held, key)
	}
}
