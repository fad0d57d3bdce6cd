package addressbook_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/addressbook"
)

func free(netip.Addr, bool) error { return nil }

func take(t *testing.T, b *addressbook.Book, owner string) netip.Addr {
	t.Helper()
	a, err := b.Take(owner, free)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// With two addresses everybody collides.
var two = netip.MustParsePrefix("127.64.0.0/30")

func TestOneOwnerEach(t *testing.T) {
	b := addressbook.New(two)
	one, other := take(t, b, "sandbox/a"), take(t, b, "balancer/a")
	if one == other || !two.Contains(one) || !two.Contains(other) || one == two.Addr() || other == two.Addr() {
		t.Errorf("%s and %s", one, other)
	}
	if again := take(t, b, "sandbox/a"); again != one {
		t.Errorf("%s became %s", one, again)
	}
	if a, err := b.Take("balancer/b", free); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("a third one got %s, %v", a, err)
	}
	if err := b.Claim("balancer/b", one); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("claiming another's: %v", err)
	}
	if err := b.Claim("balancer/b", netip.MustParseAddr("10.0.0.1")); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("claiming one that is elsewhere: %v", err)
	}
	b.Free("sandbox/a")
	if got := take(t, b, "balancer/b"); got != one {
		t.Errorf("what is free again is not taken: %s", got)
	}
}

func TestTakeTriesOthers(t *testing.T) {
	b := addressbook.New(netip.Prefix{})
	candidates := addressbook.Candidates("sandbox/a", addressbook.Default)
	if len(candidates) != addressbook.MaxTries || len(slices.Compact(slices.Clone(candidates))) != len(candidates) {
		t.Fatal(candidates)
	}
	inUse := fmt.Errorf("listen: %w", syscall.EADDRINUSE)
	var tried []netip.Addr
	got, err := b.Take("sandbox/a", func(a netip.Addr, last bool) error {
		if tried = append(tried, a); last != (len(tried) == addressbook.MaxTries) {
			t.Errorf("last is %t at the %dth", last, len(tried))
		}
		if last {
			return nil
		}
		return inUse
	})
	if err != nil || !slices.Equal(tried, candidates) || got != candidates[len(candidates)-1] {
		t.Errorf("%v after %v: %v", got, tried, err)
	}
	if _, err := b.Take("sandbox/b", func(netip.Addr, bool) error { return inUse }); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("nowhere: %v", err)
	}
	calls := 0
	_, err = b.Take("sandbox/c", func(netip.Addr, bool) error { calls++; return syscall.EADDRNOTAVAIL })
	if calls != 1 || !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("%d calls on a host without such addresses: %v", calls, err)
	}
	// What was tried in vain is nobody's.
	if err := b.Claim("x/y", candidates[0]); err != nil {
		t.Error(err)
	}
	// Who has one and cannot have it now keeps it for the time after.
	if _, err := b.Take("sandbox/a", func(netip.Addr, bool) error { return syscall.EACCES }); !errors.Is(err, syscall.EACCES) {
		t.Error(err)
	}
	if err := b.Claim("x/z", got); !errors.Is(err, addressbook.ErrTaken) {
		t.Errorf("%v was given away: %v", got, err)
	}
}

func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.json")
	open := func(within netip.Prefix) *addressbook.Book {
		t.Helper()
		b, err := addressbook.Open(path, within, zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := open(two)
	one, other := take(t, b, "sandbox/a"), take(t, b, "balancer/arn web/b")
	b = open(two)
	// The next process takes them in another order.
	if got := take(t, b, "balancer/arn web/b"); got != other {
		t.Errorf("%s became %s", other, got)
	}
	if got := take(t, b, "sandbox/a"); got != one {
		t.Errorf("%s became %s", one, got)
	}
	b.Retain("sandbox/", func(name string) bool { return name != "a" })
	if got := take(t, open(two), "sandbox/b"); got != one {
		t.Errorf("what nobody owns any more is not free: %s", got)
	}
	if err := os.WriteFile(path, []byte(`{"127.6`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := take(t, open(two), "sandbox/a"); got != one {
		t.Errorf("after a crash it is %s", got)
	}
	elsewhere := netip.MustParsePrefix("127.70.0.0/30")
	if got := take(t, open(elsewhere), "sandbox/a"); !elsewhere.Contains(got) {
		t.Errorf("%s is not within %s", got, elsewhere)
	}
	if _, err := addressbook.Open(filepath.Dir(path), two, zerolog.Nop()); err == nil {
		t.Error("a directory is no book")
	}
}

// That it cannot be written is told; the address is good nevertheless.
func TestNoRoom(t *testing.T) {
	var log bytes.Buffer
	b, err := addressbook.Open(filepath.Join(t.TempDir(), "none", "book.json"), two, zerolog.New(&log))
	if err != nil {
		t.Fatal(err)
	}
	if take(t, b, "sandbox/a"); !strings.Contains(log.String(), "cannot be written") {
		t.Errorf("nothing is said: %s", &log)
	}
}

func TestManyAtOnce(t *testing.T) {
	b := addressbook.New(netip.MustParsePrefix("127.64.0.0/26"))
	var mu sync.Mutex
	owners := map[netip.Addr]string{}
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			owner := fmt.Sprint("sandbox/", i)
			a, err := b.Take(owner, free)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if other := owners[a]; other != "" {
				t.Errorf("%s is of %s and %s", a, owner, other)
			}
			owners[a] = owner
		})
	}
	all.Wait()
}
