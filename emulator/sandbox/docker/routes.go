package docker

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/bits"
	"net/netip"
	"os"
	"strings"
)

// hostPrefixes are the networks that this host reaches directly, when the
// Engine is on it: a bridge over one of them would cut the host off. Docker
// checks only its own networks when it is told a pool. Without the kernel's
// table (macOS, where the Engine has a machine of its own) there are none.
func (r *Runtime) hostPrefixes() []netip.Prefix {
	if !strings.HasPrefix(r.daemon.DaemonHost(), "unix://") {
		return nil
	}
	f, err := os.Open("/proc/net/route")
	if err != nil {
		return nil
	}
	defer f.Close()
	return parseRoutes(f)
}

// parseRoutes reads /proc/net/route, leaving out the default route. Addresses
// there are hexadecimal in the machine's byte order, which is little endian on
// every architecture that Docker supports but s390x.
func parseRoutes(r io.Reader) []netip.Prefix {
	var all []netip.Prefix
	for lines := bufio.NewScanner(r); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 8 {
			continue
		}
		dst, ok1 := routeWord(f[1])
		mask, ok2 := routeWord(f[7])
		if !ok1 || !ok2 || mask == 0 {
			continue
		}
		all = append(all, netip.PrefixFrom(toAddr(dst), bits.OnesCount32(mask)).Masked())
	}
	return all
}

func routeWord(s string) (uint32, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.LittleEndian.Uint32(b), true
}
