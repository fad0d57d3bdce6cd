package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// The order of the end: who has asked for nothing is let go while somebody is
// still being answered, the answer is given whole, and then the server has
// ended. The patience is far longer than the test, so that nothing ends by it.
func TestServerEndsInOrder(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	var fresh arrivals
	came := make(chan struct{}, 2)
	s := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(asked)
			<-answer
			_, _ = w.Write([]byte("all of it"))
		}),
		ConnState: func(c net.Conn, state http.ConnState) {
			fresh.see(c, state)
			if state == http.StateNew {
				came <- struct{}{}
			}
		},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	idle, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	<-came
	got := make(chan string, 1)
	go func() {
		r, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			got <- err.Error()
			return
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		got <- string(b) + errorText(err)
	}()
	<-asked
	ended := make(chan error, 1)
	go func() { ended <- endServer(s, &fresh, time.Hour) }()
	if n, err := idle.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection without a request: %d %v", n, err)
	}
	select {
	case err := <-ended:
		t.Errorf("it has ended before it has answered: %v", err)
	default:
	}
	close(answer)
	if text := <-got; text != "all of it" {
		t.Errorf("the answer: %q", text)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
