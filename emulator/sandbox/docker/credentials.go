package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/moby/api/types/registry"
)

// encodeAuth is the X-Registry-Auth header's form.
func encodeAuth(a registry.AuthConfig) (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.URLEncoding.EncodeToString(text), nil
}

// storedCredentials reads what `docker login` has stored in plain in
// ~/.docker/config.json. Credential helpers are not run: programs that a
// configuration names are none of this process's business.
func storedCredentials(_ context.Context, domain string) (user, password string, err error) {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "", nil
		}
		dir = filepath.Join(home, ".docker")
	}
	text, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", nil
	}
	if err != nil {
		return "", "", err
	}
	return credentialsIn(text, domain)
}

// credentialsIn finds a registry's entry in the docker command's settings.
func credentialsIn(config []byte, domain string) (user, password string, err error) {
	var c struct {
		Auths map[string]struct{ Auth string } `json:"auths"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return "", "", err
	}
	for key, entry := range c.Auths {
		if entry.Auth == "" || hostOf(key) != indexHost(domain) {
			continue
		}
		plain, err := base64.StdEncoding.DecodeString(entry.Auth)
		if err != nil {
			return "", "", err
		}
		user, password, _ := strings.Cut(string(plain), ":")
		return user, password, nil
	}
	return "", "", nil
}

// indexHost: Docker Hub is logged in to under its index's name.
func indexHost(domain string) string {
	if domain == "docker.io" {
		return "index.docker.io"
	}
	return domain
}

func hostOf(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, _, _ := strings.Cut(key, "/")
	return indexHost(host)
}
