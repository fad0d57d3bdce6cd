package link

import (
	"io"
	"net"
	"sync"
)

// join carries bytes both ways until both have ended, then closes both. An end
// of file on one becomes CloseWrite on the other; an error on either, or a
// connection that cannot end its writing side alone, ends both.
func join(a, b net.Conn) {
	var both sync.WaitGroup
	both.Go(func() { carry(a, b) })
	both.Go(func() { carry(b, a) })
	both.Wait()
	a.Close()
	b.Close()
}

// carry copies until src ends. The connections' own short ways (splice) are
// used where they have some.
func carry(dst, src net.Conn) {
	_, err := io.Copy(dst, src)
	half, ok := dst.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return
	}
	dst.Close()
	src.Close()
}
