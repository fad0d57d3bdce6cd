package runtimetest

import (
	"fmt"

	"github.com/neargate/neargate/emulator/sandbox"
)

// networks: who reaches whom, with real sockets.
func networks() []scenario {
	real := []Capability{Processes, Network}
	return []scenario{
		{"containers of a sandbox share localhost", real, sharedLocalhost},
		{"peers of a VPC reach each other by address", real, peers},
		{"each sandbox has port 80 for itself", real, samePort},
		{"lines for the hosts file are found", real, hostsFile},
	}
}

func sharedLocalhost(b *bench) {
	client := Exits(0)
	client.Do = []string{"get http://127.0.0.1:8080/"}
	s := b.launch(Program{Serve: 8080, Body: "neighbour"}, client)
	b.ended(s, "c1")
	b.wants(texts(b.output(s, "c1", sandbox.LogsOptions{})), "neighbour")
}

func peers(b *bench) {
	server := b.launch(Program{Serve: 8080, Body: "peer"})
	client := Exits(0)
	client.Do = []string{fmt.Sprintf("get http://%s:8080/", b.inspect(server).Address.IP)}
	s := b.launch(client)
	b.ended(s, "c0")
	b.wants(texts(b.output(s, "c0", sandbox.LogsOptions{})), "peer")
}

func samePort(b *bench) {
	for _, body := range []string{"one", "two"} {
		client := Exits(0)
		client.Do = []string{"get http://127.0.0.1:80/"}
		s := b.launch(Program{Serve: 80, Body: body}, client)
		b.ended(s, "c1")
		b.wants(texts(b.output(s, "c1", sandbox.LogsOptions{})), body)
	}
}

func hostsFile(b *bench) {
	client := Exits(0)
	client.Do = []string{"get http://db.example.test:8080/"}
	s := b.spec(Program{Serve: 8080, Body: "by name"}, client)
	s.Network.Hosts = []sandbox.Host{{Address: "127.0.0.1", Names: []string{"db.example.test"}}}
	b.up(s)
	b.start(s, 0)
	b.start(s, 1)
	b.ended(s, "c1")
	b.wants(texts(b.output(s, "c1", sandbox.LogsOptions{})), "by name")
}
