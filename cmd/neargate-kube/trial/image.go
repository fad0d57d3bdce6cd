package trial

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// This file asks the Docker Engine, by its HTTP API, to make an image of one
// program and to remove it again.

// ImportProgram makes an image that holds nothing but a program, a static Linux
// binary, at /web, which is its entrypoint.
func ImportProgram(ctx context.Context, ref, path string) error {
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var root bytes.Buffer
	w := tar.NewWriter(&root)
	header := &tar.Header{Typeflag: tar.TypeReg, Name: "web", Mode: 0o755, Size: int64(len(program))}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	if _, err := w.Write(program); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	repo, tag, _ := strings.Cut(ref, ":")
	query := url.Values{"fromSrc": {"-"}, "repo": {repo}, "tag": {tag}, "changes": {`ENTRYPOINT ["/web"]`}}
	answer, err := askDocker(ctx, http.MethodPost, "/images/create?"+query.Encode(), &root)
	if err != nil {
		return err
	}
	return outcome(answer)
}

// outcome finds an import's error, which comes after the status.
func outcome(answer []byte) error {
	for lines := json.NewDecoder(bytes.NewReader(answer)); ; {
		var line struct{ Error string }
		switch err := lines.Decode(&line); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case line.Error != "":
			return errors.New(line.Error)
		}
	}
}

// RemoveImage removes an image that ImportProgram made.
func RemoveImage(ctx context.Context, ref string) error {
	_, err := askDocker(ctx, http.MethodDelete, "/images/"+ref, nil)
	return err
}

func askDocker(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	network, address, err := engine(os.Getenv("DOCKER_HOST"))
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, method, "http://docker"+path, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-tar")
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("docker: %s %s", answer.Status, text)
	}
	return text, err
}

// engine is where the Docker Engine listens.
func engine(host string) (network, address string, err error) {
	if host == "" {
		return "unix", "/var/run/docker.sock", nil
	}
	u, err := url.Parse(host)
	switch {
	case err == nil && u.Scheme == "unix":
		return "unix", u.Path, nil
	case err == nil && u.Scheme == "tcp" && os.Getenv("DOCKER_TLS_VERIFY") == "":
		return "tcp", u.Host, nil
	default:
		return "", "", fmt.Errorf("a Docker Engine is reached by unix:// or by tcp:// without TLS, not with DOCKER_HOST=%s", host)
	}
}
