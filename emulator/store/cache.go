package store

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// The cache holds the newest version of records as they were written or read
// last: body, and, once somebody has asked for it with Peek, the value decoded
// from it, which all readers share.
//
// A snapshot may use an entry whose revision it sees, because an entry leaves
// before the commit that makes it old: a commit first drops the entries of its
// keys, then becomes visible, then puts what it wrote in their place. A reader
// whose snapshot is older than the entry reads the file. What a reader has read
// from the file becomes an entry unless its shard has heard of a later commit.
type cache struct {
	seed   maphash.Seed
	audit  bool // tell when a shared value was written into
	shards [cacheShards]shard
}

const (
	cacheShards = 64
	// shardBytes bounds a shard, so the cache 64 MiB. Five thousand live tasks
	// fit; a hundred thousand need not.
	shardBytes = 64 << 20 / cacheShards
	// A body with its decoded value takes about three times its room.
	decodedFactor = 3
	entryOverhead = 256
)

type recordKey struct{ kind, key string }

// shard is the part of the cache for some of the keys.
type shard struct {
	mu      sync.Mutex
	entries map[recordKey]*cached
	ring    []*cached // all entries, nil where one has gone
	free    []int     // the places where one has gone
	hand    int       // where in the ring the next one to go is looked for
	bytes   int
	changed int64 // the newest commit that concerned a key of this shard
}

// cached is a record at a revision. All but value, used and place never
// changes.
type cached struct {
	recordKey
	revision int64 // 0: it is not there
	entries  []byte
	body     []byte
	// state is the table's when this was read. Only while it still is the
	// table's are entries those of the file.
	state *tableState

	value atomic.Pointer[any] // a *T once it was asked for
	audit atomic.Pointer[[]byte]
	used  atomic.Bool // since the hand passed
	place int         // in the ring
}

func newCache(audit bool) *cache {
	c := &cache{seed: maphash.MakeSeed(), audit: audit}
	for i := range c.shards {
		c.shards[i].entries = map[recordKey]*cached{}
	}
	return c
}

func (c *cache) shard(k recordKey) *shard {
	return &c.shards[maphash.String(c.seed, k.key)%cacheShards]
}

// get finds an entry that a snapshot may use.
func (c *cache) get(k recordKey, snapshot int64) *cached {
	s := c.shard(k)
	s.mu.Lock()
	e := s.entries[k]
	s.mu.Unlock()
	if e == nil || e.revision > snapshot {
		return nil
	}
	if !e.used.Load() {
		e.used.Store(true)
	}
	return e
}

// offer makes an entry of what a snapshot has read, unless there may be
// something newer. It returns the entry to use.
func (c *cache) offer(e *cached, snapshot int64) *cached {
	s := c.shard(e.recordKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.changed > snapshot {
		return e
	}
	if old := s.entries[e.recordKey]; old != nil && old.revision == e.revision && old.state == e.state {
		return old
	}
	s.put(e)
	return e
}

// drop takes the entry of a key away that a commit is about to change.
func (c *cache) drop(k recordKey, commit int64) {
	s := c.shard(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = max(s.changed, commit)
	if e := s.entries[k]; e != nil {
		s.remove(e)
	}
}

// keep makes an entry of what was committed.
func (c *cache) keep(e *cached) {
	s := c.shard(e.recordKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(e)
}

func (e *cached) size() int {
	return entryOverhead + len(e.key) + len(e.entries) + decodedFactor*len(e.body)
}

func (s *shard) put(e *cached) {
	if old := s.entries[e.recordKey]; old != nil {
		s.remove(old)
	}
	if e.size() > shardBytes {
		return
	}
	for s.bytes+e.size() > shardBytes {
		s.evict()
	}
	s.bytes += e.size()
	s.entries[e.recordKey] = e
	e.used.Store(true)
	if n := len(s.free); n > 0 {
		e.place, s.free = s.free[n-1], s.free[:n-1]
		s.ring[e.place] = e
		return
	}
	e.place = len(s.ring)
	s.ring = append(s.ring, e)
}

func (s *shard) remove(e *cached) {
	s.ring[e.place] = nil
	s.free = append(s.free, e.place)
	delete(s.entries, e.recordKey)
	s.bytes -= e.size()
}

// evict removes the next entry that nobody has used since the hand passed. There
// is one.
func (s *shard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		e := s.ring[s.hand]
		s.hand++
		if e != nil && !e.used.Swap(false) {
			s.remove(e)
			return
		}
	}
}

// share gives the entry a decoded value, and returns the one that it has then.
func (e *cached) share(value any) any {
	if !e.value.CompareAndSwap(nil, &value) {
		return *e.value.Load()
	}
	return value
}

// adopt makes a value that was just encoded the entry's.
func (c *cache) adopt(e *cached, value any) {
	e.share(value)
	if c.audit {
		e.audit.Store(&e.body)
	}
}

// check panics when a shared value is not what it was: somebody has written
// into it.
func (c *cache) check(e *cached, value any) {
	if !c.audit {
		return
	}
	text, err := encode(value)
	if err != nil || e.audit.CompareAndSwap(nil, &text) {
		return
	}
	if was := *e.audit.Load(); !bytes.Equal(text, was) {
		panic(fmt.Sprintf("store: somebody wrote into the shared value of %s %s.\n it was: %s\n it is:  %s", e.kind, e.key, was, text))
	}
}
