package tunnel

import (
	"context"
	"net"
	"sync"
	"time"
)

const (
	// maxFlows bounds the peers that one ForwardUDP serves at once.
	maxFlows = 1024
	// flowQueue is how many datagrams of a peer wait for its dial or for a
	// slow tunnel; what comes beyond is lost, as on a wire.
	flowQueue = 64
)

// ForwardUDP carries datagrams between pc and connections that dial makes, one
// for each peer: a flow. A flow in which nothing came back or forth for idle
// ends; the peer's next datagram begins another. ForwardUDP ends when ctx does, closing pc and
// all flows, and returns nil; or when pc fails, with the error.
func ForwardUDP(ctx context.Context, pc net.PacketConn, idle time.Duration, dial func(context.Context) (net.Conn, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	f := &flows{pc: pc, idle: idle, dial: dial, byPeer: map[string]*flow{}}
	defer f.running.Wait()
	defer cancel()
	defer closeOnDone(ctx, pc)()
	defer pc.Close()
	p := make([]byte, maxDatagram)
	for {
		n, peer, err := pc.ReadFrom(p)
		switch {
		case err == nil:
			f.put(ctx, peer, append([]byte(nil), p[:n]...))
		case ctx.Err() != nil:
			return nil
		case kindOf(err) == Refused: // an ICMP answer to an earlier datagram
		default:
			return err
		}
	}
}

type flows struct {
	pc      net.PacketConn
	idle    time.Duration
	dial    func(context.Context) (net.Conn, error)
	running sync.WaitGroup

	mu     sync.Mutex
	byPeer map[string]*flow
}

type flow struct {
	peer  net.Addr
	queue chan []byte
	timer *time.Timer // ends the flow
}

// put queues a datagram for its peer's flow and begins one if need be.
func (f *flows) put(ctx context.Context, peer net.Addr, datagram []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := peer.String()
	w := f.byPeer[key]
	if w == nil {
		if len(f.byPeer) >= maxFlows {
			return
		}
		w = &flow{peer: peer, queue: make(chan []byte, flowQueue)}
		f.byPeer[key] = w
		f.running.Go(func() { f.run(ctx, key, w) })
	}
	select {
	case w.queue <- datagram:
	default:
	}
}

func (f *flows) run(ctx context.Context, key string, w *flow) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.timer = time.AfterFunc(f.idle, cancel)
	defer w.timer.Stop()
	defer func() {
		f.mu.Lock()
		delete(f.byPeer, key)
		f.mu.Unlock()
	}()
	target, err := f.dial(ctx)
	if err != nil {
		return // the datagrams are lost; the next one dials again
	}
	defer target.Close()
	defer closeOnDone(ctx, target)() // also out of a Write that waits for a slow tunnel
	f.running.Go(func() {
		defer cancel()
		f.back(w, target)
	})
	for {
		select {
		case <-ctx.Done():
			return
		case datagram := <-w.queue:
			w.timer.Reset(f.idle)
			if _, err := target.Write(datagram); err != nil && kindOf(err) != Refused {
				return
			}
		}
	}
}

// back carries the answers of a flow.
func (f *flows) back(w *flow, target net.Conn) {
	p := make([]byte, maxDatagram)
	for {
		n, err := target.Read(p)
		if err != nil {
			if kindOf(err) == Refused {
				continue
			}
			return
		}
		w.timer.Reset(f.idle)
		if _, err := f.pc.WriteTo(p[:n], w.peer); err != nil && kindOf(err) != Refused {
			return
		}
	}
}
