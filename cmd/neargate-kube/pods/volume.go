package pods

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// volume.go keeps the volumes of running pods up to date whose content comes
// from the API.

// liveVolume is what is known of such a volume.
type liveVolume struct {
	sum [sha256.Size]byte // of the files that it holds
	due time.Time         // when it has to be looked at though nothing has changed
}

// retryVolume is how long a volume whose files cannot be had keeps its old ones
// at least, unless something changes.
const retryVolume = time.Minute

// refresh writes the volumes anew that are not as they should be any more, and
// says when the next is due. changed: what the pod refers to may have changed.
func (w *Worker) refresh(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, m *memory, changed bool) (time.Duration, error) {
	now := time.Now()
	if box.Status.Height < 1 {
		return 0, nil
	}
	if m.volumes == nil {
		m.volumes = written(pod, box.Spec.Volumes)
	}
	var next time.Duration
	var failed error
	for name, v := range maps.Clone(m.volumes) {
		if changed || m.undated || !v.due.IsZero() && !now.Before(v.due) {
			var err error
			if v, err = w.renew(ctx, pod, box, name, v); err != nil {
				failed = errors.Join(failed, err)
				continue
			}
			m.volumes[name] = v
		}
		if !v.due.IsZero() {
			next = soonest(next, max(time.Until(v.due), time.Second))
		}
	}
	m.undated = m.undated && failed != nil
	return next, failed
}

// renew writes a volume's files when they differ from those that it holds.
// Files that cannot be had at the moment are no error: it keeps the old ones.
func (w *Worker) renew(ctx context.Context, pod *v1.Pod, box *sandbox.Sandbox, name string, v liveVolume) (liveVolume, error) {
	files, due, err := w.Translator.Volume(ctx, pod, box, name)
	var p Problems
	if errors.As(err, &p) {
		for _, e := range p.events() {
			w.record(pod, e)
		}
		v.due = time.Now().Add(retryVolume)
		return v, nil
	}
	if err != nil {
		return v, err
	}
	if s := sum(files); s != v.sum {
		if err := w.Parent.WriteFiles(ctx, box.Spec.ID, name, files); err != nil {
			return v, err
		}
		v.sum = s
	}
	v.due = due
	return v, nil
}

// written are the live volumes of a pod when its sandbox has been made with
// these.
func written(pod *v1.Pod, volumes []sandbox.Volume) map[string]liveVolume {
	files := map[string][]sandbox.File{}
	for i := range volumes {
		files[volumes[i].Name] = volumes[i].Files
	}
	all := map[string]liveVolume{}
	for _, name := range liveVolumes(pod) {
		if f, made := files[name]; made {
			all[name] = liveVolume{sum: sum(f)}
		}
	}
	return all
}

// liveVolumes names the mounted volumes whose content may change.
func liveVolumes(pod *v1.Pod) []string {
	mounted := map[string]bool{}
	for _, c := range allContainers(pod) {
		for _, m := range c.VolumeMounts {
			mounted[m.Name] = true
		}
	}
	var names []string
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if mounted[v.Name] && (v.ConfigMap != nil || v.Secret != nil || v.Projected != nil || v.DownwardAPI != nil) {
			names = append(names, v.Name)
		}
	}
	return names
}

// volumesMayDiffer tells whether a change of a pod can change what is in its
// volumes.
func volumesMayDiffer(a, b *v1.Pod) bool {
	return !maps.Equal(a.Labels, b.Labels) || !maps.Equal(a.Annotations, b.Annotations)
}

// sum tells files apart.
func sum(files []sandbox.File) [sha256.Size]byte {
	text, err := json.Marshal(files)
	if err != nil { // there is nothing in a File that cannot be marshalled
		panic(err)
	}
	return sha256.Sum256(text)
}
