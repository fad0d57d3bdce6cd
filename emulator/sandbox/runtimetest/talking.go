package runtimetest

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
)

// talking: exec, dial and stats. Scenarios skip where a runtime lacks the
// ability.
func talking() []scenario {
	return []scenario{
		{"exec gives output and exit code", nil, execOutput},
		{"exec in what does not run is an error", nil, execEnded},
		{"exec ends with its context", []Capability{Processes}, execCancelled},
		{"exec reads its input and sees its environment", []Capability{Processes}, execEnvironment},
		{"dial reaches a server in the sandbox", nil, dialServer},
		{"dial to where nobody listens is an error", nil, dialNobody},
		{"stats tell of the running container", nil, statsTell},
	}
}

func execOutput(b *bench) {
	exec, ok := b.rt.(sandbox.Exec)
	if !ok {
		b.Skip("this runtime has no Exec")
	}
	s := b.launch(Program{ExecExit: 4})
	var out, errs bytes.Buffer
	code, err := exec.Exec(b.ctx, s.ID, "c0", []string{Path, "-print=hello", "-exit=4"}, nil, sandbox.Streams{Out: &out, ErrOut: &errs})
	if err != nil || code != 4 || !strings.Contains(out.String(), "hello") {
		b.Errorf("code %d, error %v, output %q %q", code, err, out.String(), errs.String())
	}
}

func execEnded(b *bench) {
	exec, ok := b.rt.(sandbox.Exec)
	if !ok {
		b.Skip("this runtime has no Exec")
	}
	s := b.launch(Exits(0))
	b.ended(s, "c0")
	if _, err := exec.Exec(b.ctx, s.ID, "c0", []string{Path, "-exit=0"}, nil, sandbox.Streams{}); err == nil {
		b.Error("no error")
	}
	if _, err := exec.Exec(b.ctx, s.ID, "nobody", []string{Path, "-exit=0"}, nil, sandbox.Streams{}); err == nil {
		b.Error("no error for a container that is not there")
	}
}

func execCancelled(b *bench) {
	exec, ok := b.rt.(sandbox.Exec)
	if !ok {
		b.Skip("this runtime has no Exec")
	}
	s := b.launch(Program{})
	ctx, cancel := context.WithTimeout(b.ctx, 300*time.Millisecond)
	defer cancel()
	b.atOnce("a cancelled Exec", func() {
		if _, err := exec.Exec(ctx, s.ID, "c0", []string{Path}, nil, sandbox.Streams{}); err == nil {
			b.Error("no error")
		}
	})
}

func execEnvironment(b *bench) {
	exec, ok := b.rt.(sandbox.Exec)
	if !ok {
		b.Skip("this runtime has no Exec")
	}
	s := b.spec(Program{})
	s.Containers[0].Env = append(s.Containers[0].Env, sandbox.EnvVar{Name: "OF_CONTAINER", Value: "yes"})
	b.up(s)
	b.start(s, 0)
	var out bytes.Buffer
	argv := []string{Path, "-do=env OF_CONTAINER", "-do=env OF_EXEC", "-exit=0"}
	code, err := exec.Exec(b.ctx, s.ID, "c0", argv, []sandbox.EnvVar{{Name: "OF_EXEC", Value: "too"}}, sandbox.Streams{Out: &out})
	if err != nil || code != 0 || out.String() != "yes\ntoo\n" {
		b.Errorf("code %d, error %v, output %q", code, err, out.String())
	}
}

func dialServer(b *bench) {
	d, ok := b.rt.(sandbox.Dial)
	if !ok {
		b.Skip("this runtime has no Dial")
	}
	s := b.spec(Program{Serve: 8080, Body: "served"})
	s.Containers[0].Ports = []sandbox.Port{{Number: 8080, Protocol: "tcp"}}
	b.up(s)
	b.start(s, 0)
	b.await("the server answers", func() bool { return get(b, d, s.ID) == "served" })
}

// get fetches / over a dialled connection; "" when that fails.
func get(b *bench, d sandbox.Dial, id string) string {
	conn, err := d.Dial(b.ctx, id, "tcp", "127.0.0.1:8080")
	if err != nil {
		return ""
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: suite\r\nConnection: close\r\n\r\n"); err != nil {
		return ""
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return ""
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return ""
	}
	return string(body)
}

func dialNobody(b *bench) {
	d, ok := b.rt.(sandbox.Dial)
	if !ok {
		b.Skip("this runtime has no Dial")
	}
	s := b.launch(Exits(0))
	b.ended(s, "c0")
	conn, err := d.Dial(b.ctx, s.ID, "tcp", "127.0.0.1:8099")
	if err == nil {
		conn.Close()
		b.Error("no error")
	}
}

func statsTell(b *bench) {
	r, ok := b.rt.(sandbox.StatsReader)
	if !ok {
		b.Skip("this runtime has no Stats")
	}
	s := b.launch(Program{}, Exits(0))
	b.ended(s, "c1")
	b.await("stats of c0", func() bool {
		st, err := r.Stats(b.ctx, s.ID)
		if err != nil {
			b.Fatalf("Stats: %v", err)
		}
		c, there := st.Containers["c0"]
		return there && c.Memory > 0 && !st.At.IsZero()
	})
}
