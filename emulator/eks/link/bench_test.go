package link_test

import (
	"context"
	"net"
	"testing"

	"github.com/neargate/neargate/emulator/eks/link"
)

func BenchmarkCall(b *testing.B) {
	socket := benchSocket(b, &script{call: func(string, ...any) (any, error) { return nil, nil }})
	p := link.DialParent(socket)
	for b.Loop() {
		if err := p.RemoveSandbox(b.Context(), "x"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDial(b *testing.B) {
	socket := benchSocket(b, &script{dial: func(context.Context, string) (net.Conn, error) {
		near, far := net.Pipe()
		far.Close()
		return near, nil
	}})
	p := link.DialParent(socket)
	for b.Loop() {
		c, err := p.Dial(b.Context(), "x", "tcp", "127.0.0.1:80")
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}

func benchSocket(b *testing.B, s *script) string {
	b.Helper()
	socket := b.TempDir() + "/s"
	l, err := link.Listen(socket)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = link.Serve(ctx, l, link.ServeParent(s)) }()
	b.Cleanup(func() { cancel(); <-done })
	return socket
}
