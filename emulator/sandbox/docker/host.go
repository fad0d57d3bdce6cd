package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Where the Engine is, found as the docker command finds it: DOCKER_HOST, the
// current context, the usual sockets.

type hostSearch struct {
	env    func(string) string
	home   string
	exists func(path string) bool
	read   func(path string) ([]byte, error)
}

func defaultSearch() hostSearch {
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // then there are no contexts to read
	}
	return hostSearch{
		env:    os.Getenv,
		home:   home,
		exists: func(path string) bool { _, err := os.Stat(path); return err == nil },
		read:   os.ReadFile,
	}
}

// find returns a host such as "unix:///var/run/docker.sock", or "" for the
// platform's default.
func (s hostSearch) find() (string, error) {
	if host := s.env("DOCKER_HOST"); host != "" {
		return host, supported(host)
	}
	if host, err := s.context(); host != "" || err != nil {
		return host, err
	}
	for _, path := range s.sockets() {
		if s.exists(path) {
			return "unix://" + path, nil
		}
	}
	return "", nil
}

func (s hostSearch) sockets() []string {
	all := []string{"/var/run/docker.sock"}
	if dir := s.env("XDG_RUNTIME_DIR"); dir != "" {
		all = append(all, filepath.Join(dir, "docker.sock"))
	}
	if s.home != "" {
		for _, rel := range []string{".docker/run/docker.sock", ".docker/desktop/docker.sock", ".colima/default/docker.sock", ".rd/docker.sock", ".orbstack/run/docker.sock"} {
			all = append(all, filepath.Join(s.home, rel))
		}
	}
	return all
}

// context returns the host of the docker command's current context, "" when
// none is set.
func (s hostSearch) context() (string, error) {
	dir := s.env("DOCKER_CONFIG")
	if dir == "" {
		if s.home == "" {
			return "", nil
		}
		dir = filepath.Join(s.home, ".docker")
	}
	name := s.env("DOCKER_CONTEXT")
	if name == "" {
		name = s.currentContext(dir)
	}
	if name == "" || name == "default" {
		return "", nil
	}
	sum := sha256.Sum256([]byte(name))
	path := filepath.Join(dir, "contexts", "meta", hex.EncodeToString(sum[:]), "meta.json")
	text, err := s.read(path)
	if err != nil {
		return "", fmt.Errorf("docker context %q: %w", name, err)
	}
	var meta struct {
		Endpoints map[string]struct{ Host string }
	}
	if err := json.Unmarshal(text, &meta); err != nil {
		return "", fmt.Errorf("docker context %q: %w", name, err)
	}
	host := meta.Endpoints["docker"].Host
	return host, supported(host)
}

// currentContext is "" when the docker command has no settings, or unreadable
// ones: then it works with its defaults too.
func (s hostSearch) currentContext(dir string) string {
	text, err := s.read(filepath.Join(dir, "config.json"))
	if err != nil {
		return ""
	}
	var config struct {
		CurrentContext string `json:"currentContext"`
	}
	if json.Unmarshal(text, &config) != nil {
		return ""
	}
	return config.CurrentContext
}

func supported(host string) error {
	if strings.HasPrefix(host, "ssh://") {
		return fmt.Errorf("docker host %s: ssh is not supported here; forward the Engine's socket and name that (ssh -L /tmp/docker.sock:/var/run/docker.sock)", host)
	}
	return nil
}
