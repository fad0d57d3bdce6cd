package sandbox

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// dialer is a runtime whose sandboxes are this process: every port leads to
// one listener.
type dialer struct {
	Runtime
	to string
}

func (d dialer) Dial(ctx context.Context, _, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, d.to)
}

func try(t *testing.T, to string, a Action) tried {
	t.Helper()
	e := &Engine{Config: Config{Runtime: dialer{to: to}}}
	s := &Sandbox{Status: Status{Address: &Address{IP: "10.1.2.3"}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return e.try(ctx, s, &Container{Name: "c"}, &a)
}

func TestTryHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.WriteString(w, q.Host+" "+q.UserAgent()+" "+strings.Join(q.Header["X-A"], ","))
	})
	mux.HandleFunc("/bad", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	mux.HandleFunc("/near", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/bad", http.StatusFound) })
	mux.HandleFunc("/far", func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, "http://elsewhere.example/bad", http.StatusFound)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/round", http.StatusFound) })
	plain, secure := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	defer plain.Close()
	defer secure.Close()
	headers := []EnvVar{{Name: "x-a", Value: "1"}, {Name: "X-A", Value: "2"}, {Name: "host", Value: "web.example"}, {Name: "user-agent", Value: "me"}}
	for name, c := range map[string]struct {
		to              *httptest.Server
		get             HTTPGet
		output, failure string
	}{
		"the sandbox's address":      {plain, HTTPGet{Port: 80, Path: "/ok"}, "10.1.2.3:80 kube-probe/1.35 ", ""},
		"another host":               {plain, HTTPGet{Port: 80, Path: "ok", Host: "127.0.0.1"}, "127.0.0.1:80 kube-probe/1.35 ", ""},
		"headers":                    {plain, HTTPGet{Port: 80, Path: "/ok", Headers: headers}, "web.example me 1,2", ""},
		"TLS, whoever signed it":     {secure, HTTPGet{Scheme: "HTTPS", Port: 443, Path: "/ok"}, "10.1.2.3:443 kube-probe/1.35 ", ""},
		"a bad status":               {plain, HTTPGet{Port: 80, Path: "/bad"}, "HTTP probe failed with statuscode: 418", "HTTP probe failed with statuscode: 418"},
		"a redirect is followed":     {plain, HTTPGet{Port: 80, Path: "/near"}, "HTTP probe failed with statuscode: 418", "HTTP probe failed with statuscode: 418"},
		"a redirect that leads away": {plain, HTTPGet{Port: 80, Path: "/far"}, "<a href=\"http://elsewhere.example/bad\">Found</a>.\n\n", ""},
		"a ring of redirects":        {plain, HTTPGet{Port: 80, Path: "/round"}, `Get "/round": stopped after 10 redirects`, `Get "/round": stopped after 10 redirects`},
	} {
		got := try(t, c.to.Listener.Addr().String(), Action{HTTP: &c.get})
		if got.output != c.output || got.failure != c.failure || (got.exit == 0) != (c.failure == "") {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// healthServer answers Health/Check for the services of a map.
func healthServer(t *testing.T, services map[string]string) string {
	t.Helper()
	h := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil || q.URL.Path != "/grpc.health.v1.Health/Check" || q.ProtoMajor != 2 || q.Header.Get("Te") != "trailers" || len(body) < 5 {
			t.Errorf("%s %s %q %v", q.Proto, q.URL, body, err)
			return
		}
		service := ""
		if len(body) > 7 {
			service = string(body[7:])
		}
		w.Header().Set("Content-Type", "application/grpc")
		answer, known := services[service]
		if !known {
			w.Header().Set("Grpc-Status", "5")
			w.Header().Set("Grpc-Message", "unknown%20service")
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = io.WriteString(w, answer)
		w.Header().Set("Grpc-Status", "0")
	})
	s := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return l.Addr().String()
}

func TestTryGRPC(t *testing.T) {
	serving, not := "\x00\x00\x00\x00\x02\x08\x01", "\x00\x00\x00\x00\x05\x12\x01x\x08\x02"
	to := healthServer(t, map[string]string{"": serving, "ill": not, "mute": "\x00\x00\x00\x00\x00", "mad": "\x00\x00\x00\x00\x01"})
	for service, want := range map[string]string{
		"":     "",
		"ill":  `service unhealthy (responded with "NOT_SERVING")`,
		"mute": `service unhealthy (responded with "UNKNOWN")`,
		"mad":  "the answer is no HealthCheckResponse: 00 00 00 00 01",
		"who":  "service health check failed with gRPC code 5: unknown service",
	} {
		if got := try(t, to, Action{GRPC: &GRPC{Port: 50051, Service: service}}); got.failure != want {
			t.Errorf("service %q: %+v, want %q", service, got, want)
		}
	}
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	if got := try(t, web.Listener.Addr().String(), Action{GRPC: &GRPC{Port: 80}}); got.failure == "" {
		t.Errorf("HTTP/1 only: %+v", got)
	}
	web.Close()
	if got := try(t, web.Listener.Addr().String(), Action{GRPC: &GRPC{Port: 80}}); !strings.Contains(got.failure, `failed to connect service "10.1.2.3:80"`) {
		t.Errorf("nobody there: %+v", got)
	}
}
