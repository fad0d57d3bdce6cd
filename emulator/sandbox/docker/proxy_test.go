package docker_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// proxy stands between a runtime and the Engine. It can be cut, and it counts
// requests.
type proxy struct {
	path   string
	target string

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
	requests []string
	hold     func(*http.Request) // see holding
}

// newProxy serves a socket; only a local Engine can be reached so.
func newProxy(t *testing.T, b *testBed) *proxy {
	t.Helper()
	target, ok := strings.CutPrefix(b.engine.DaemonHost(), "unix://")
	if !ok {
		t.Skip("the Engine is not behind a unix socket")
	}
	p := &proxy{path: filepath.Join(t.TempDir(), "docker.sock"), target: target, conns: map[net.Conn]bool{}}
	p.mend(t)
	t.Cleanup(p.cut)
	return p
}

func (p *proxy) host() string { return "unix://" + p.path }

// mend makes the Engine be there again.
func (p *proxy) mend(t *testing.T) {
	t.Helper()
	l, err := net.Listen("unix", p.path)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
}

// cut makes the Engine be away, for open connections too.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener.Close()
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = true
}

// carry passes requests on one by one, so that they can be told; after an
// upgrade only bytes.
func (p *proxy) carry(c net.Conn) {
	defer c.Close()
	e, err := net.Dial("unix", p.target)
	if err != nil {
		return
	}
	defer e.Close()
	p.keep(c)
	p.keep(e)
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(c, e)
		c.Close()
	}()
	r := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		p.mu.Lock()
		p.requests = append(p.requests, req.Method+" "+req.URL.Path)
		hold := p.hold
		p.mu.Unlock()
		if hold != nil {
			hold(req)
		}
		upgrade := req.Header.Get("Upgrade") != ""
		if upgrade {
			req.Header.Set("Connection", "Upgrade")
		}
		if req.Write(e) != nil {
			return
		}
		if upgrade {
			_, _ = io.Copy(e, r)
			if half, ok := e.(*net.UnixConn); ok {
				_ = half.CloseWrite()
			}
			<-answered
		}
	}
}

// holding lets f wait before a request is passed on.
func (p *proxy) holding(f func(*http.Request)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = f
}

// count forgets the requests seen so far.
func (p *proxy) count() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.requests
	p.requests = nil
	return all
}
