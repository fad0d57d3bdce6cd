package tunnel_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

func BenchmarkCall(b *testing.B) {
	s := connect(b, &tunnel.Server{Commands: map[string]tunnel.Command{
		"nothing": func(context.Context, json.RawMessage) (any, error) { return struct{}{}, nil },
	}}, osPipes)
	for b.Loop() {
		if err := s.Call(context.Background(), "nothing", struct{}{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// A request to the metadata service on a connection of its own, as most tools
// make it.
func BenchmarkHTTP(b *testing.B) {
	server := &tunnel.Server{}
	s := connect(b, server, osPipes)
	metadata(b, s)
	url := "http://" + offers(b, server, limit) + "/v4/x"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for b.Loop() {
		r, err := client.Get(url)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Fatal(err)
		}
		r.Body.Close()
	}
}

func BenchmarkThroughput(b *testing.B) {
	s := connect(b, &tunnel.Server{}, osPipes)
	c, err := s.Dial(context.Background(), "tcp", listen(b, echo))
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	block := make([]byte, 64<<10)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if _, err := c.Write(block); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c, block); err != nil {
			b.Fatal(err)
		}
	}
}
