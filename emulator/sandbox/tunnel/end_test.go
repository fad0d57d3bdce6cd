package tunnel_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// heldEnd is a stream whose Close returns only when the test lets it.
type heldEnd struct {
	io.ReadWriteCloser
	release <-chan struct{}
}

func (h heldEnd) Close() error {
	err := h.ReadWriteCloser.Close()
	<-h.release
	return err
}

// Whoever waits in a connection is told of the tunnel's end at once, not after
// all that has to be tidied away: a thousand of them kept a small machine busy
// for minutes.
func TestEndIsToldBeforeTidyingUp(t *testing.T) {
	ways := map[string]func(s *tunnel.Session, far io.Closer){
		"closed here":  func(s *tunnel.Session, _ io.Closer) { s.Close() },
		"broken there": func(_ *tunnel.Session, far io.Closer) { far.Close() },
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			flood, silent := listen(t, flooding), listen(t, echo)
			near, far := osPipes(t)
			told := make(chan struct{})
			served := make(chan error, 1)
			go func() { served <- new(tunnel.Server).Serve(context.Background(), far) }()
			s, err := tunnel.Client(within(t), heldEnd{near, told})
			if err != nil {
				t.Fatal(err)
			}
			var waiting sync.WaitGroup
			for range 20 {
				c, err := s.Dial(within(t), "tcp", silent)
				if err != nil {
					t.Fatal(err)
				}
				waiting.Go(func() {
					_, err := c.Read(make([]byte, 1))
					wantLost(t, err)
				})
			}
			c, err := s.Dial(within(t), "tcp", flood)
			if err != nil {
				t.Fatal(err)
			}
			waiting.Go(func() {
				_, err := io.Copy(io.Discard, c)
				wantLost(t, err)
			})

			ended := make(chan struct{})
			go func() { defer close(ended); end(s, far) }()
			all := make(chan struct{})
			go func() { defer close(all); waiting.Wait() }()
			receive(t, all)
			close(told)
			receive(t, ended)
			receive(t, s.Done())
			if err := receive(t, served); err == nil {
				t.Error("Serve ended without saying why")
			}
		})
	}
}

// wantLost is wantKind for goroutines that must not end the test.
func wantLost(t *testing.T, err error) {
	if e, ok := errors.AsType[*tunnel.Error](err); !ok || e.Kind != tunnel.Lost {
		t.Errorf("error %v (%T), want kind %s", err, err, tunnel.Lost)
	}
}
