package translate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

// payload gathers the files of one volume; a later one of a path replaces an
// earlier one.
type payload struct {
	t      *translation
	mode   *int32 // of files that say nothing else
	files  map[string]sandbox.File
	update Update
}

func (t *translation) payload() *payload {
	return &payload{t: t, files: map[string]sandbox.File{}}
}

// groupRead is what kubelet adds to the mode of files that belong to the
// pod's fsGroup and that only it writes.
const groupRead = 0o440

// defaultMode is the API server's default for files.
const defaultMode = 0o644

func (p *payload) put(name string, data []byte, mode *int32, owner *int64) {
	f := sandbox.File{Path: path.Clean(name), Data: data, Mode: uint32(ptr.Deref(either(mode, p.mode), defaultMode))}
	if owner != nil {
		f.UID = int(*owner)
	}
	if g := p.t.fsGroup(); g != nil {
		f.GID = int(*g)
		f.Mode |= groupRead
	}
	p.files[f.Path] = f
}

func (p *payload) list() []sandbox.File {
	var all []sandbox.File
	for _, name := range sorted(maps.Keys(p.files)) {
		all = append(all, p.files[name])
	}
	return all
}

// pick puts all of an object's keys, or the items that are chosen.
func (p *payload) pick(data map[string][]byte, items []v1.KeyToPath, optional *bool, absent string) error {
	if len(items) == 0 {
		for key, value := range data {
			p.put(key, value, nil, nil)
		}
		return nil
	}
	for _, item := range items {
		value, ok := data[item.Key]
		switch {
		case ok:
			p.put(item.Path, value, item.Mode, nil)
		case !ptr.Deref(optional, false):
			return fmt.Errorf("%s: %s", absent, item.Key)
		}
	}
	return nil
}

func (p *payload) configMap(ctx context.Context, name string, items []v1.KeyToPath, optional *bool) error {
	cm, err := p.t.objects.configMap(ctx, name, optional)
	if err != nil {
		return err
	}
	data := map[string][]byte{}
	if cm != nil {
		for k, text := range cm.Data {
			data[k] = []byte(text)
		}
		maps.Copy(data, cm.BinaryData)
	}
	if cm == nil || !ptr.Deref(cm.Immutable, false) {
		p.update.ConfigMaps = with(p.update.ConfigMaps, name)
	}
	return p.pick(data, items, optional, "configmap references non-existent config key")
}

func (p *payload) secret(ctx context.Context, name string, items []v1.KeyToPath, optional *bool) error {
	s, err := p.t.objects.secret(ctx, name, optional)
	if err != nil {
		return err
	}
	var data map[string][]byte
	if s != nil {
		data = s.Data
	}
	if s == nil || !ptr.Deref(s.Immutable, false) {
		p.update.Secrets = with(p.update.Secrets, name)
	}
	return p.pick(data, items, optional, "references non-existent secret key")
}

func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// downward puts what the pod is told of itself.
func (p *payload) downward(items []v1.DownwardAPIVolumeFile) error {
	var errs []error
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = fieldpath.ExtractFieldPathAsString(p.t.pod, item.FieldRef.FieldPath)
			switch at, _, _ := fieldpath.SplitMaybeSubscriptedPath(item.FieldRef.FieldPath); at {
			case "metadata.labels", "metadata.annotations":
				p.update.Fields = true
			}
		case item.ResourceFieldRef != nil:
			value, err = p.t.resource(item.ResourceFieldRef, &v1.Container{})
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p.put(item.Path, []byte(value), item.Mode, nil)
	}
	return aggregate(errs)
}

// projected puts the files of several sources into one volume.
func (p *payload) projected(ctx context.Context, sources []v1.VolumeProjection) error {
	var errs []error
	for i := range sources {
		if err := p.project(ctx, &sources[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return aggregate(errs)
}

func (p *payload) project(ctx context.Context, s *v1.VolumeProjection) error {
	switch {
	case s.ConfigMap != nil:
		return p.configMap(ctx, s.ConfigMap.Name, s.ConfigMap.Items, s.ConfigMap.Optional)
	case s.Secret != nil:
		return p.secret(ctx, s.Secret.Name, s.Secret.Items, s.Secret.Optional)
	case s.DownwardAPI != nil:
		return p.downward(s.DownwardAPI.Items)
	case s.ServiceAccountToken != nil:
		return p.token(ctx, s.ServiceAccountToken)
	case s.ClusterTrustBundle != nil:
		return errors.New("clusterTrustBundle: Neargate does not project cluster trust bundles")
	case s.PodCertificate != nil:
		return errors.New("podCertificate: Neargate does not project pod certificates")
	}
	return errors.New("a projected source is empty")
}

// ownerOnly is the mode of a token that belongs to the pod's user or group.
const ownerOnly = int32(0o600)

func (p *payload) token(ctx context.Context, s *v1.ServiceAccountTokenProjection) error {
	pod := p.t.pod
	token, err := p.t.source.Token(ctx, TokenRequest{
		Namespace: pod.Namespace, ServiceAccount: pod.Spec.ServiceAccountName, Audience: s.Audience,
		Expiration: time.Duration(ptr.Deref(s.ExpirationSeconds, 0)) * time.Second, PodName: pod.Name, PodUID: pod.UID,
	})
	if err != nil {
		return err
	}
	owner := p.t.fileOwner()
	mode := p.mode
	if owner != nil || p.t.fsGroup() != nil {
		mode = ptr.To(ownerOnly)
	}
	p.put(s.Path, []byte(token.Value), mode, owner)
	if due := token.refreshAt(); p.update.RefreshAt.IsZero() || due.Before(p.update.RefreshAt) {
		p.update.RefreshAt = due
	}
	return nil
}
