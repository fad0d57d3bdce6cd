package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/api/types/registry"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Workload images. What the Engine's errors mean is pullerror.go's matter; the
// image of the sandbox itself is binary.go's.

// pulls remembers digests and how far pulls are.
type pulls struct {
	mu       sync.Mutex
	trusted  bool              // changes of images are being watched
	digests  map[string]string // by reference
	changes  int               // how often they were forgotten
	progress map[string]map[string]string
}

// trust says whether forget will be called when an image changes.
func (p *pulls) trust(yes bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trusted = yes
	p.digests = nil
	p.changes++
}

func (p *pulls) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.digests = nil
	p.changes++
}

// digest returns what is remembered, or "" and what remember wants to know of
// an answer that is asked for now.
func (p *pulls) digest(ref string) (digest string, changes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.digests[ref], p.changes
}

// remember keeps an answer of the Engine's, unless an image has changed since
// it was asked: the answer may be older than the change.
func (p *pulls) remember(ref, digest string, changes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.trusted || changes != p.changes {
		return
	}
	if p.digests == nil {
		p.digests = map[string]string{}
	}
	p.digests[ref] = digest
}

// Progress implements [sandbox.ProgressTeller].
func (r *Runtime) Progress(id string) map[string]string {
	r.pulls.mu.Lock()
	defer r.pulls.mu.Unlock()
	all := map[string]string{}
	for image, text := range r.pulls.progress[id] {
		all[image] = text
	}
	return all
}

func (p *pulls) tell(id, image, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text == "" {
		delete(p.progress[id], image)
		if len(p.progress[id]) == 0 {
			delete(p.progress, id)
		}
		return
	}
	if p.progress == nil {
		p.progress = map[string]map[string]string{}
	}
	if p.progress[id] == nil {
		p.progress[id] = map[string]string{}
	}
	p.progress[id][image] = text
}

// Pull implements [sandbox.Runtime].
func (r *Runtime) Pull(ctx context.Context, s *sandbox.Spec, c *sandbox.Container) (sandbox.Pulled, error) {
	if err := r.ready(ctx); err != nil {
		return sandbox.Pulled{}, err
	}
	ref, err := reference.ParseNormalizedNamed(c.Image)
	if err != nil {
		return sandbox.Pulled{}, invalidName(c)
	}
	digest, err := r.present(ctx, c.Image)
	if _, ok := errors.AsType[*sandbox.StopError](err); ok {
		return sandbox.Pulled{}, invalidName(c)
	}
	if err != nil || digest != "" && c.Pull != sandbox.PullAlways {
		return sandbox.Pulled{Digest: digest}, err
	}
	if c.Pull == sandbox.PullNever {
		return sandbox.Pulled{}, neverThere(c)
	}
	if err := r.fetch(ctx, s, c, ref, digest != "" || s.Patient); err != nil {
		if stop := (*sandbox.StopError)(nil); digest != "" && errors.As(err, &stop) {
			// An image that was built here has no registry to come from.
			r.log.Info().Str("sandbox", s.ID).Str("image", c.Image).Str("because", stop.Reason).Msg("using the local image")
			return sandbox.Pulled{Digest: digest, Local: stop.Text}, nil
		}
		return sandbox.Pulled{}, err
	}
	r.pulls.forget()
	digest, err = r.present(ctx, c.Image)
	if err == nil && digest == "" {
		err = fmt.Errorf("image %s is gone right after it was pulled", c.Image)
	}
	return sandbox.Pulled{Digest: digest}, err
}

// present returns the digest of an image that the Engine has, else "".
func (r *Runtime) present(ctx context.Context, ref string) (string, error) {
	d, changes := r.pulls.digest(ref)
	if d != "" {
		return d, nil
	}
	i, err := r.daemon.ImageInspect(ctx, ref)
	if errdefs.IsNotFound(err) {
		return "", nil
	}
	if errdefs.IsInvalidArgument(err) && strings.Contains(err.Error(), "invalid reference format") {
		return "", &sandbox.StopError{Reason: "CannotPullContainerError: invalid reference format: " + ref}
	}
	if err != nil {
		return "", fmt.Errorf("image %s: %w", ref, err)
	}
	d = digestOf(i.InspectResponse, ref)
	r.pulls.remember(ref, d, changes)
	return d, nil
}

// digestOf prefers the digest under which a registry knows the image, that of
// the same repository first. An image that was built here has none; its id is
// a digest too.
func digestOf(i image.InspectResponse, ref string) string {
	repository := ref
	if named, err := reference.ParseNormalizedNamed(ref); err == nil {
		repository = named.Name()
	}
	found := ""
	for _, d := range i.RepoDigests {
		name, digest, ok := strings.Cut(d, "@")
		if !ok {
			continue
		}
		if named, err := reference.ParseNormalizedNamed(name); err == nil && named.Name() == repository {
			return digest
		}
		if found == "" {
			found = digest
		}
	}
	if found != "" {
		return found
	}
	return i.ID
}

// pullTries is how often Fargate tries to get a manifest from a registry that
// does not answer, see ecs.md section 7; the waits between are doubled.
const (
	pullTries = 5
	pullWait  = 500 * time.Millisecond
)

// fetch pulls, again where that may help; once only when there is a local
// image to fall back to, or somebody else tries again.
func (r *Runtime) fetch(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, ref reference.Named, once bool) error {
	id := s.ID
	defer r.pulls.tell(id, c.Image, "")
	wait := pullWait
	for try := 1; ; try++ {
		r.pulls.tell(id, c.Image, "waiting for the registry")
		err := r.fetchAs(ctx, s, c, ref)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if client.IsErrConnectionFailed(err) {
			return err // the Engine is away, not the registry
		}
		f := explainPull(err.Error(), ref, r.platform())
		if !f.again || try == pullTries || once {
			return stopPull(c, f.text(try), err.Error())
		}
		r.log.Debug().Err(err).Str("sandbox", id).Str("image", c.Image).Int("try", try).Msg("registry does not answer")
		pause(ctx, wait)
		wait *= 2
	}
}

// platform of the Engine as a registry names it.
func (r *Runtime) platform() string {
	f, ok := r.daemon.knows()
	if !ok {
		return "linux/amd64"
	}
	return f.os + "/" + f.arch
}

// fetchAs pulls with each of the sandbox's own logins that fit, one after the
// other, and then, or where there is none, as the runtime.
func (r *Runtime) fetchAs(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, ref reference.Named) error {
	var last error
	for _, l := range fitting(s.Registries, ref) {
		auth, err := encodeAuth(registry.AuthConfig{Username: l.Username, Password: l.Password, ServerAddress: reference.Domain(ref)})
		if err != nil {
			return err
		}
		if last = r.fetchOnce(ctx, s.ID, c, auth); last == nil || ctx.Err() != nil || client.IsErrConnectionFailed(last) {
			return last
		}
	}
	auth, err := r.auth(ctx, reference.Domain(ref))
	if err != nil {
		return err
	}
	if last != nil && auth == "" {
		return last // nobody's pull would tell less
	}
	return r.fetchOnce(ctx, s.ID, c, auth)
}

func (r *Runtime) fetchOnce(ctx context.Context, id string, c *sandbox.Container, auth string) error {
	p, err := r.daemon.ImagePull(ctx, c.Image, client.ImagePullOptions{RegistryAuth: auth})
	if err != nil {
		return err
	}
	defer p.Close()
	layers := layers{}
	for m, err := range p.JSONMessages(ctx) {
		if err != nil {
			return err
		}
		if m.Error != nil {
			return m.Error
		}
		if text := layers.see(m); text != "" {
			r.pulls.tell(id, c.Image, text)
		}
	}
	return ctx.Err()
}

// layers adds up the download of an image's layers.
type layers map[string]*jsonstream.Progress

// see takes in a message and returns how far it is, "" when that is unknown.
func (l layers) see(m jsonstream.Message) string {
	if m.Status != "Downloading" || m.Progress == nil || m.Progress.Total <= 0 {
		if p := l[m.ID]; p != nil && (m.Status == "Download complete" || m.Status == "Pull complete") {
			p.Current = p.Total
		}
	} else {
		l[m.ID] = &jsonstream.Progress{Current: m.Progress.Current, Total: m.Progress.Total}
	}
	var current, total int64
	for _, p := range l {
		current += min(p.Current, p.Total)
		total += p.Total
	}
	if total == 0 {
		return ""
	}
	return fmt.Sprintf("%d %%", current*100/total)
}

// auth encodes the credentials of a registry as the Engine wants them.
func (r *Runtime) auth(ctx context.Context, domain string) (string, error) {
	lookup := r.options.Credentials
	if lookup == nil {
		lookup = storedCredentials
	}
	user, password, err := lookup(ctx, domain)
	if err != nil {
		return "", fmt.Errorf("credentials of %s: %w", domain, err)
	}
	if user == "" && password == "" {
		return "", nil
	}
	return encodeAuth(registry.AuthConfig{Username: user, Password: password, ServerAddress: domain})
}

// importOutcome reads an import's messages to their end.
func importOutcome(r io.Reader) error {
	for d := json.NewDecoder(r); ; {
		var m jsonstream.Message
		switch err := d.Decode(&m); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case m.Error != nil:
			return m.Error
		}
	}
}
