package sandbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// try_http.go asks over HTTP from within a sandbox, in a kubelet's way.

// proberName is the User-Agent of whoever asks.
const proberName = "kube-probe/1.35"

// transport connects within a sandbox. Certificates are not checked, as by a
// kubelet.
func (e *Engine) transport(id string) *http.Transport {
	return &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			return e.Config.Runtime.(Dial).Dial(ctx, id, "tcp", address)
		},
	}
}

func (e *Engine) tryHTTP(ctx context.Context, id, host string, g *HTTPGet) tried {
	if _, ok := e.Config.Runtime.(Dial); !ok {
		return unable("dial")
	}
	q, err := g.request(ctx, host)
	if err != nil {
		return failed(err)
	}
	t := e.transport(id)
	defer t.CloseIdleConnections()
	client := http.Client{Transport: t, CheckRedirect: withinHost}
	r, err := client.Do(q)
	if err != nil {
		return failed(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxOutput))
	if err != nil {
		return failed(err)
	}
	if r.StatusCode < 200 || r.StatusCode >= 400 {
		return failed(fmt.Errorf("HTTP probe failed with statuscode: %d", r.StatusCode))
	}
	return tried{output: string(body)}
}

// withinHost follows redirects as far as they stay on the host; one that leads
// away is a success by itself.
func withinHost(q *http.Request, via []*http.Request) error {
	if q.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// request asks the host that is named, else the sandbox's own address.
func (g *HTTPGet) request(ctx context.Context, host string) (*http.Request, error) {
	scheme := strings.ToLower(g.Scheme)
	if scheme == "" {
		scheme = "http"
	}
	if g.Host != "" {
		host = g.Host
	}
	url := fmt.Sprintf("%s://%s/%s", scheme, net.JoinHostPort(host, strconv.Itoa(int(g.Port))), strings.TrimPrefix(g.Path, "/"))
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", proberName)
	q.Header.Set("Accept", "*/*")
	for i, h := range g.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		if first := i == 0 || !named(g.Headers[:i], name); first {
			q.Header.Del(name)
		}
		q.Header.Add(name, h.Value)
	}
	q.Host = q.Header.Get("Host")
	return q, nil
}

func named(all []EnvVar, name string) bool {
	for _, h := range all {
		if http.CanonicalHeaderKey(h.Name) == name {
			return true
		}
	}
	return false
}
