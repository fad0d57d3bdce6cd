package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/registry"

	"github.com/neargate/neargate/emulator/sandbox"
)

// encodeAuth is the X-Registry-Auth header's form.
func encodeAuth(a registry.AuthConfig) (string, error) {
	text, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	return base64.URLEncoding.EncodeToString(text), nil
}

// fitting are the logins that are good for an image: those whose server is its
// registry and whose path, if there is one, is above it. The narrowest come
// first, as with a kubelet.
func fitting(all []sandbox.Registry, ref reference.Named) []sandbox.Registry {
	var fit []sandbox.Registry
	for _, l := range all {
		host, path := serverOf(l.Server)
		if hostFits(host, indexHost(reference.Domain(ref))) && pathFits(path, reference.Path(ref)) {
			fit = append(fit, l)
		}
	}
	slices.SortStableFunc(fit, func(a, b sandbox.Registry) int {
		_, one := serverOf(a.Server)
		_, other := serverOf(b.Server)
		return len(other) - len(one)
	})
	return fit
}

// serverOf parts a login's server from its path. The API's versions, which old
// settings end with (https://index.docker.io/v1/), are no path.
func serverOf(server string) (host, path string) {
	server = strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	host, path, _ = strings.Cut(server, "/")
	path = strings.Trim(path, "/")
	if path == "v1" || path == "v2" {
		path = ""
	}
	if host == "registry-1.docker.io" {
		host = "docker.io"
	}
	return indexHost(host), path
}

// hostFits: a star stands for one label of the name.
func hostFits(pattern, host string) bool {
	ps, hs := strings.Split(pattern, "."), strings.Split(host, ".")
	if len(ps) != len(hs) {
		return false
	}
	for i := range ps {
		if ok, err := path.Match(ps[i], hs[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

func pathFits(above, path string) bool {
	return above == "" || above == path || strings.HasPrefix(path, above+"/")
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
