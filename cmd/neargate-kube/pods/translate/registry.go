package translate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// registries reads the pod's imagePullSecrets, among which admission has put
// those of its service account. Narrower servers come first, as kubelet tries
// them. What cannot be read is told and left out: the pull may succeed without.
func (t *translation) registries(ctx context.Context) []sandbox.Registry {
	var all []sandbox.Registry
	var absent []string
	for _, ref := range t.pod.Spec.ImagePullSecrets {
		if ref.Name == "" {
			continue // the API server lets them pass
		}
		s, err := t.objects.secret(ctx, ref.Name, nil)
		if err != nil {
			absent = append(absent, ref.Name)
			continue
		}
		logins, err := pullSecret(s)
		if err != nil {
			t.note("imagePullSecret %s: %v", ref.Name, err)
			continue
		}
		all = append(all, logins...)
	}
	if len(absent) > 0 {
		t.warn("FailedToRetrieveImagePullSecret", fmt.Sprintf(
			"Unable to retrieve some image pull secrets (%s); attempting to pull the image may not succeed.", strings.Join(absent, ", ")))
	}
	slices.SortStableFunc(all, func(a, b sandbox.Registry) int { return strings.Compare(b.Server, a.Server) })
	return all
}

// login is an entry of a Docker configuration.
type login struct{ Username, Password, Auth string }

// pullSecret reads both types of Secrets that hold logins.
func pullSecret(s *v1.Secret) ([]sandbox.Registry, error) {
	var logins map[string]login
	switch s.Type {
	case v1.SecretTypeDockerConfigJson:
		var file struct{ Auths map[string]login }
		if err := json.Unmarshal(s.Data[v1.DockerConfigJsonKey], &file); err != nil {
			return nil, fmt.Errorf("its %s is not a Docker configuration: %w", v1.DockerConfigJsonKey, err)
		}
		logins = file.Auths
	case v1.SecretTypeDockercfg:
		if err := json.Unmarshal(s.Data[v1.DockerConfigKey], &logins); err != nil {
			return nil, fmt.Errorf("its %s is not a Docker configuration: %w", v1.DockerConfigKey, err)
		}
	default:
		return nil, fmt.Errorf("a Secret of type %q holds no logins; use %s", s.Type, v1.SecretTypeDockerConfigJson)
	}
	var all []sandbox.Registry
	for _, server := range sorted(maps.Keys(logins)) {
		r, err := logins[server].registry(server)
		if err != nil {
			return nil, fmt.Errorf("its login of %s: %w", server, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (l login) registry(server string) (sandbox.Registry, error) {
	r := sandbox.Registry{Username: l.Username, Password: l.Password}
	var err error
	if r.Server, err = serverName(server); err != nil {
		return r, err
	}
	if l.Auth == "" {
		return r, nil
	}
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.TrimSpace(l.Auth), "="))
	if err != nil {
		return r, fmt.Errorf("auth: %w", err)
	}
	var ok bool
	if r.Username, r.Password, ok = strings.Cut(string(text), ":"); !ok {
		return r, errors.New("auth is not base64 of username:password")
	}
	return r, nil
}

// serverName takes the scheme and the version of the API off: what is left is
// a host and perhaps the beginning of a path.
func serverName(server string) (string, error) {
	if !strings.HasPrefix(server, "https://") && !strings.HasPrefix(server, "http://") {
		server = "https://" + server
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	path := u.Path
	for _, version := range []string{"/v2", "/v1"} {
		if path == version || strings.HasPrefix(path, version+"/") {
			path = path[len(version):]
			break
		}
	}
	return u.Host + strings.TrimRight(path, "/"), nil
}
