package runtimetest

import (
	"slices"

	"github.com/neargate/neargate/emulator/sandbox"
)

// reserving: addresses that are told before their sandboxes are up.
func reserving() []scenario {
	return []scenario{
		{"an address that was reserved is the one that Up returns", nil, reservesFirst},
		{"a second runtime keeps an address that was reserved", nil, adoptsReserved},
		{"what was reserved only goes with Down", nil, reservedGoes},
	}
}

// reserve returns an open sandbox that has its address, how it will be when it
// is complete, and the address.
func (b *bench) reserve() (*sandbox.Spec, *sandbox.Spec, sandbox.Address) {
	b.Helper()
	rt, ok := b.rt.(sandbox.Reserver)
	if !ok {
		b.Skip("this runtime has no Reserve")
	}
	whole := b.spec(Exits(0))
	whole.Hostname = "web-0"
	open := *whole
	open.Open, open.Containers = true, nil
	b.downAtEnd(&open)
	a, err := rt.Reserve(b.ctx, &open)
	if err != nil || a.IP == "" || a.Prefix == 0 || a.MAC == "" || a.Gateway == "" {
		b.Fatalf("Reserve: %+v, %v", a, err)
	}
	if again, err := rt.Reserve(b.ctx, &open); err != nil || again.IP != a.IP {
		b.Fatalf("Reserve: %+v, %v; it was %s", again, err, a.IP)
	}
	return &open, whole, a
}

func reservesFirst(b *bench) {
	open, whole, told := b.reserve()
	for _, s := range []*sandbox.Spec{open, whole} {
		a, err := b.rt.Up(b.ctx, s)
		if err != nil || a.IP != told.IP || a.MAC != told.MAC || a.Gateway != told.Gateway || !slices.Equal(a.DNS, told.DNS) {
			b.Fatalf("Up: %+v, %v; told was %+v", a, err, told)
		}
	}
	if o := b.inspect(whole); !o.Up || o.Address.IP != told.IP {
		b.Errorf("seen %+v", o)
	}
	b.start(whole, 0)
	b.ended(whole, "c0")
}

func adoptsReserved(b *bench) {
	_, whole, told := b.reserve()
	b.rt = b.second()
	if other := b.up(b.spec(Program{})); other.IP == told.IP {
		b.Errorf("%s was given twice", told.IP)
	}
	if a, err := b.rt.Up(b.ctx, whole); err != nil || a.IP != told.IP {
		b.Fatalf("Up: %+v, %v; told was %s", a, err, told.IP)
	}
	b.start(whole, 0)
	b.ended(whole, "c0")
}

func reservedGoes(b *bench) {
	open, _, _ := b.reserve()
	if ids, err := b.rt.List(b.ctx); err != nil || !slices.Contains(ids, open.ID) {
		b.Errorf("List: %v, %v", ids, err)
	}
	for range 2 {
		if err := b.rt.Down(b.ctx, open.ID); err != nil {
			b.Fatal(err)
		}
	}
	if ids, err := b.rt.List(b.ctx); err != nil || slices.Contains(ids, open.ID) {
		b.Errorf("List: %v, %v", ids, err)
	}
	if o := b.inspect(open); o.Up {
		b.Errorf("seen %+v", o)
	}
}
