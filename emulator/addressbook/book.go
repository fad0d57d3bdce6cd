// Package addressbook is the one book of the addresses that this host gives to
// what is reached from outside of a VPC: tasks with a public address, and load
// balancers of clusters. Each address has one owner, and each owner keeps its
// address over restarts, also while whoever serves there has not come back yet.
//
// An owner is a word of the form "kind/name". Which address it gets follows
// from its name, so that it is the same in another book as well unless somebody
// else has it there; what is in the book counts.
package addressbook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"github.com/rs/zerolog"
)

// Default is where addresses are taken from unless something else is said: a
// part of loopback that no distribution is known to use. On Linux all of it is
// there without being set up.
var Default = netip.MustParsePrefix("127.64.0.0/10")

// MaxTries bounds the search for an address whose ports are all free.
const MaxTries = 32

// ErrTaken means that an address is somebody else's.
var ErrTaken = errors.New("the address is another's")

// Book says whose each address is. Its zero value is of no use; see New and
// Open.
type Book struct {
	within netip.Prefix
	file   file
	log    zerolog.Logger

	mu     sync.Mutex
	owners map[netip.Addr]string
	at     map[string]netip.Addr // the other way round
}

// New returns a book that is kept in memory only. The zero value of within is
// Default.
func New(within netip.Prefix) *Book {
	if !within.IsValid() {
		within = Default
	}
	return &Book{within: within.Masked(), log: zerolog.Nop(), owners: map[netip.Addr]string{}, at: map[string]netip.Addr{}}
}

// Open returns the book that is kept in the file at path, which need not be
// there yet. Entries outside of within are dropped. That the file cannot be
// written later on is told in log: the addresses are good nevertheless.
func Open(path string, within netip.Prefix, log zerolog.Logger) (*Book, error) {
	b := New(within)
	b.file, b.log = file(path), log
	kept, err := b.file.read()
	if err != nil {
		return nil, err
	}
	for address, owner := range kept {
		if b.within.Contains(address) && !b.at[owner].IsValid() {
			b.owners[address], b.at[owner] = owner, address
		}
	}
	return b, nil
}

// Within is where addresses are taken from.
func (b *Book) Within() netip.Prefix { return b.within }

// Take gives owner an address at which try has no error: the one that it has,
// else the first one that is nobody's. After an error that wraps
// syscall.EADDRINUSE the next one is tried, up to MaxTries; last tells try that
// there is no other. Any other error ends the search, as every address would
// have it.
func (b *Book) Take(owner string, try func(a netip.Addr, last bool) error) (netip.Addr, error) {
	candidates := b.candidates(owner)
	why := fmt.Errorf("all of them are taken: %w", ErrTaken)
	for i, a := range candidates {
		had, ok := b.mark(a, owner)
		if !ok {
			continue
		}
		err := try(a, i == len(candidates)-1)
		if err == nil {
			b.save()
			return a, nil
		}
		b.mark(had, owner)
		if why = err; !errors.Is(err, syscall.EADDRINUSE) {
			return netip.Addr{}, err
		}
	}
	return netip.Addr{}, fmt.Errorf("no address of %s is free: %w", b.within, why)
}

// Claim gives owner the address that it has had. ErrTaken: it is another's by
// now, or none of this book.
func (b *Book) Claim(owner string, a netip.Addr) error {
	if !b.within.Contains(a) {
		return fmt.Errorf("%s is not within %s: %w", a, b.within, ErrTaken)
	}
	had, ok := b.mark(a, owner)
	if !ok {
		return fmt.Errorf("%s: %w", a, ErrTaken)
	}
	if had != a {
		b.save()
	}
	return nil
}

// Free gives back the address of an owner that is no more.
func (b *Book) Free(owner string) {
	b.mu.Lock()
	a, ok := b.at[owner]
	delete(b.owners, a)
	delete(b.at, owner)
	b.mu.Unlock()
	if ok {
		b.save()
	}
}

// Retain frees the addresses of all owners that begin with kind and are not to
// be kept, by the rest of their name.
func (b *Book) Retain(kind string, keep func(name string) bool) {
	var gone []string
	b.mu.Lock()
	for owner := range b.at {
		if name, ours := strings.CutPrefix(owner, kind); ours && !keep(name) {
			gone = append(gone, owner)
		}
	}
	b.mu.Unlock()
	for _, owner := range gone {
		b.Free(owner)
	}
}

// mark makes an address owner's, unless it is another's, and tells which one
// owner had before; the zero value makes it have none.
func (b *Book) mark(a netip.Addr, owner string) (had netip.Addr, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	had = b.at[owner]
	if other := b.owners[a]; other != "" && other != owner {
		return had, false
	}
	delete(b.owners, had)
	delete(b.at, owner)
	if a.IsValid() {
		b.owners[a], b.at[owner] = owner, a
	}
	return had, true
}

// candidates are the addresses that an owner may have, in the order in which
// they are tried: the one that it has, then those that follow from its name.
func (b *Book) candidates(owner string) []netip.Addr {
	var all []netip.Addr
	b.mu.Lock()
	if had := b.at[owner]; had.IsValid() {
		all = append(all, had)
	}
	b.mu.Unlock()
	return append(all, Candidates(owner, b.within)...)
}

// Candidates are the addresses that follow from an owner's name, in the order
// in which they are tried.
func Candidates(owner string, within netip.Prefix) []netip.Addr {
	h := fnv.New32a()
	h.Write([]byte(owner)) // never fails
	first := within.Masked().Addr().As4()
	usable := uint32(1)<<(32-within.Bits()) - 2
	start := h.Sum32() % usable
	var all []netip.Addr
	for i := range min(MaxTries, usable) {
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], binary.BigEndian.Uint32(first[:])+1+(start+i)%usable)
		all = append(all, netip.AddrFrom4(ip))
	}
	return all
}
