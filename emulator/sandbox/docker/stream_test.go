package docker

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/sandbox"
)

func framed(stream byte, text string) string {
	n := len(text)
	return string([]byte{stream, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}) + text
}

func readLines(t *testing.T, raw bool, text string) []sandbox.LogLine {
	t.Helper()
	l := &logLines{frames: frames{r: bufio.NewReader(strings.NewReader(text)), raw: raw}}
	var all []sandbox.LogLine
	for {
		line, err := l.next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
}

func TestLogLines(t *testing.T) {
	const at = "2026-01-02T03:04:05.000000006Z "
	when := moment(strings.TrimSpace(at))
	want := []sandbox.LogLine{
		{At: when, Text: "one"},
		{At: when, Text: "", Stderr: true},
		{At: when, Text: "half", Partial: true},
		{At: when, Text: " and half "},
	}
	got := readLines(t, false, framed(1, at+"one\n")+framed(2, at+"\n")+framed(1, at+"half")+framed(1, at+" and half \n"))
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = readLines(t, true, at+"from a terminal\r\n"+at+"unfinished")
	want = []sandbox.LogLine{{At: when, Text: "from a terminal"}, {At: when, Text: "unfinished"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFrames(t *testing.T) {
	for _, text := range []string{"\x09\x00\x00\x00\x00\x00\x00\x01x", "\x01\x00\x00\x00\xff\x00\x00\x01x"} {
		f := frames{r: bufio.NewReader(strings.NewReader(text))}
		if _, err := f.next(); err == nil {
			t.Errorf("% x is no frame", text)
		}
	}
	f := frames{r: bufio.NewReader(strings.NewReader(framed(1, "cut off")[:10]))}
	if _, err := f.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a frame that ends early: %v", err)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte(framed(1, "out")+framed(2, "err")), false)
	f.Add([]byte("raw"), true)
	f.Fuzz(func(t *testing.T, data []byte, raw bool) {
		r := frames{r: bufio.NewReader(bytes.NewReader(data)), raw: raw}
		total := 0
		for {
			p, err := r.next()
			if err != nil {
				break
			}
			if total += len(p.data); total > len(data) {
				t.Fatal("more was read than was there")
			}
		}
	})
}

func TestHostSearch(t *testing.T) {
	const meta = "/home/u/.docker/contexts/meta/f4b94d0bf1f7a5a0cf9e6ad0fcb5b0ec"
	files := map[string]string{"/home/u/.docker/config.json": `{"currentContext":"colima"}`}
	search := func(env map[string]string, sockets ...string) hostSearch {
		return hostSearch{
			env: func(k string) string { return env[k] }, home: "/home/u",
			exists: func(p string) bool {
				for _, s := range sockets {
					if s == p {
						return true
					}
				}
				return false
			},
			read: func(p string) ([]byte, error) {
				if text, ok := files[p]; ok {
					return []byte(text), nil
				}
				if strings.HasPrefix(p, "/home/u/.docker/contexts/meta/") && len(p) > len(meta) {
					return []byte(`{"Endpoints":{"docker":{"Host":"unix:///colima.sock"}}}`), nil
				}
				return nil, fs.ErrNotExist
			},
		}
	}
	for _, c := range []struct {
		name string
		s    hostSearch
		want string
		bad  bool
	}{
		{"the environment first", search(map[string]string{"DOCKER_HOST": "tcp://h:1"}), "tcp://h:1", false},
		{"ssh is refused", search(map[string]string{"DOCKER_HOST": "ssh://h"}), "", true},
		{"then the context", search(nil, "/var/run/docker.sock"), "unix:///colima.sock", false},
		{"the default context is none", search(map[string]string{"DOCKER_CONTEXT": "default"}, "/var/run/docker.sock"), "unix:///var/run/docker.sock", false},
		{"then sockets", search(map[string]string{"DOCKER_CONTEXT": "default", "XDG_RUNTIME_DIR": "/run/user/1"}, "/run/user/1/docker.sock"), "unix:///run/user/1/docker.sock", false},
		{"a home's socket", search(map[string]string{"DOCKER_CONTEXT": "default"}, "/home/u/.colima/default/docker.sock"), "unix:///home/u/.colima/default/docker.sock", false},
		{"nothing", search(map[string]string{"DOCKER_CONTEXT": "default"}), "", false},
	} {
		got, err := c.s.find()
		if (err != nil) != c.bad || !c.bad && got != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}
