package docker

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestPick(t *testing.T) {
	subnet := netip.MustParsePrefix("10.0.0.16/28")
	used := map[netip.Addr]bool{}
	cursor := uint32(0)
	var got []string
	for {
		a, next, ok := pick(subnet, cursor, func(a netip.Addr) bool { return used[a] })
		if !ok {
			break
		}
		used[a], cursor = true, next
		got = append(got, a.String())
	}
	if len(got) != 11 || got[0] != "10.0.0.20" || got[10] != "10.0.0.30" {
		t.Errorf("a /28 gives %v, want 10.0.0.20 to 10.0.0.30", got)
	}
	delete(used, netip.MustParseAddr("10.0.0.22"))
	if a, _, ok := pick(subnet, cursor, func(a netip.Addr) bool { return used[a] }); !ok || a.String() != "10.0.0.22" {
		t.Errorf("after one came free: %v, %v", a, ok)
	}
	if a, _, _ := pick(subnet, 5, func(netip.Addr) bool { return false }); a.String() != "10.0.0.25" {
		t.Errorf("the cursor is not heeded: %v", a)
	}
	if _, _, ok := pick(netip.MustParsePrefix("10.0.0.0/30"), 0, func(netip.Addr) bool { return false }); ok {
		t.Error("a /30 gives an address")
	}
}

func TestTranslate(t *testing.T) {
	got := translate(netip.MustParsePrefix("172.31.16.0/20"), netip.MustParsePrefix("172.31.0.0/16"), netip.MustParsePrefix("10.200.0.0/16"))
	if got != netip.MustParsePrefix("10.200.16.0/20") {
		t.Errorf("got %v", got)
	}
}

func TestPools(t *testing.T) {
	all := pools("vpc-1", netip.MustParsePrefix("172.31.0.0/16"))
	if len(all) != maxPools {
		t.Fatalf("%d pools", len(all))
	}
	for i, p := range all {
		if p.Bits() != 16 || !spare.Contains(p.Addr()) || p != p.Masked() || slices.Contains(all[:i], p) {
			t.Errorf("pool %v", p)
		}
	}
	if slices.Equal(all, pools("vpc-2", netip.MustParsePrefix("172.31.0.0/16"))) {
		t.Error("another VPC tries the same pools in the same order")
	}
}

func TestParseNetwork(t *testing.T) {
	for _, c := range []struct {
		cidr, subnet, says string
	}{
		{"172.31.0.0/16", "172.31.16.0/20", ""},
		{"172.31.0.0/16", "172.32.0.0/20", "not within"},
		{"172.31.0.0/16", "172.0.0.0/8", "not within"},
		{"x", "172.31.16.0/20", "VPC"},
		{"172.31.0.0/16", "", "subnet"},
		{"fd00::/64", "fd00::/80", "IPv4"},
	} {
		_, err := parseNetwork(sandbox.Network{VPC: "vpc-1", VPCCIDR: c.cidr, Subnet: "subnet-1", SubnetCIDR: c.subnet})
		if c.says == "" {
			if err != nil {
				t.Errorf("%s in %s: %v", c.subnet, c.cidr, err)
			}
			continue
		}
		if _, ok := errors.AsType[*sandbox.StopError](err); !ok || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s in %s: %v, want a StopError about %q", c.subnet, c.cidr, err, c.says)
		}
	}
}

func TestHostnameAndMAC(t *testing.T) {
	a := netip.MustParseAddr("172.31.16.5")
	if got := hostname(a); got != "ip-172-31-16-5.ec2.internal" {
		t.Error(got)
	}
	if got := mac(a).String(); got != "02:42:ac:1f:10:05" {
		t.Error(got)
	}
}

func TestParseRoutes(t *testing.T) {
	const text = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" +
		"docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n" +
		"eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n" +
		"broken line\n"
	got := parseRoutes(strings.NewReader(text))
	want := []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16"), netip.MustParsePrefix("192.0.2.0/24")}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestInside(t *testing.T) {
	for path, want := range map[string]string{"a": "a", "a/b": "a/b", "./a//b": "a/b", "..data": "..data"} {
		if got, err := inside(path); err != nil || got != want {
			t.Errorf("inside(%q) = %q, %v", path, got, err)
		}
	}
	for _, path := range []string{"", ".", "..", "/a", "../a", "a/..", "a/../b", "a/../../b", "a\x00b"} {
		if got, err := inside(path); err == nil {
			t.Errorf("inside(%q) = %q, want an error", path, got)
		}
	}
}
