//go:build linux

package linklocal

import "net/netip"

// ListenWithout is Listen on a kernel whose nftables fails with err.
func ListenWithout(dns bool, err error) (*Listeners, error) {
	return listenWith(dns, func([]rule, []netip.Addr) error { return err })
}
