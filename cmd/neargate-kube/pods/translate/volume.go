package translate

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Update says what the files of a volume depend on. The names are in the pod's
// namespace; objects that are immutable are left out, since kubelet does not
// look at them again either. What is optional and absent is named: it may come.
type Update struct {
	Volume     string
	ConfigMaps []string
	Secrets    []string
	// Fields: on the pod's own labels or annotations.
	Fields bool
	// RefreshAt is when a token in the volume is due; zero: never.
	RefreshAt time.Time
}

func (u *Update) changes() bool {
	return len(u.ConfigMaps) > 0 || len(u.Secrets) > 0 || u.Fields || !u.RefreshAt.IsZero()
}

// Volume translates one volume of a pod anew, for its files and for when they
// are due again. The error is [Errors] of one.
func Volume(ctx context.Context, pod *v1.Pod, name string, s Source, e Environment) (sandbox.Volume, Update, error) {
	t := newTranslation(pod, s, e)
	for i := range pod.Spec.Volumes {
		if pod.Spec.Volumes[i].Name != name {
			continue
		}
		v, u, err := t.volume(ctx, &pod.Spec.Volumes[i])
		if err != nil {
			return sandbox.Volume{}, Update{}, Errors{badVolume(name, err)}
		}
		return v, u, nil
	}
	return sandbox.Volume{}, Update{}, Errors{badVolume(name, fmt.Errorf("the pod has no volume %q", name))}
}

// openMode is that of the root of every volume that kubelet makes.
const openMode = 0o777

func (t *translation) volume(ctx context.Context, v *v1.Volume) (sandbox.Volume, Update, error) {
	out := sandbox.Volume{Name: v.Name, Mode: openMode, Empty: true}
	if g := t.fsGroup(); g != nil {
		out.GID = int(*g)
	}
	if v.HostPath != nil {
		found, err := t.hostPath(ctx, v)
		return found, Update{}, err
	}
	if v.EmptyDir != nil {
		return out, Update{}, t.emptyDir(v.EmptyDir, &out)
	}
	out.Atomic = true
	p := t.payload()
	p.update.Volume = v.Name
	var err error
	switch {
	case v.ConfigMap != nil:
		p.mode = v.ConfigMap.DefaultMode
		err = p.configMap(ctx, v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.Optional)
	case v.Secret != nil:
		p.mode = v.Secret.DefaultMode
		err = p.secret(ctx, v.Secret.SecretName, v.Secret.Items, v.Secret.Optional)
	case v.DownwardAPI != nil:
		p.mode = v.DownwardAPI.DefaultMode
		err = p.downward(v.DownwardAPI.Items)
	case v.Projected != nil:
		p.mode = v.Projected.DefaultMode
		err = p.projected(ctx, v.Projected.Sources)
	default:
		err = unsupported(&v.VolumeSource)
	}
	if err != nil {
		return sandbox.Volume{}, Update{}, err
	}
	out.Files = p.list()
	return out, p.update, nil
}

// emptyDir: one in memory is never larger than the pod's memory.
func (t *translation) emptyDir(e *v1.EmptyDirVolumeSource, out *sandbox.Volume) error {
	if e.SizeLimit != nil {
		out.Size = e.SizeLimit.Value()
	}
	switch e.Medium {
	case v1.StorageMediumDefault:
	case v1.StorageMediumMemory:
		out.Memory = true
		for _, most := range []int64{t.memoryOfPod(), t.env.Allocatable.Memory().Value()} {
			if most > 0 && (out.Size == 0 || most < out.Size) {
				out.Size = most
			}
		}
	default:
		return fmt.Errorf("emptyDir of medium %s: Neargate has no huge pages", e.Medium)
	}
	return nil
}

// unsupported says which kind of volume it is that there is not.
func unsupported(s *v1.VolumeSource) error {
	switch {
	case s.PersistentVolumeClaim != nil:
		return fmt.Errorf("persistentVolumeClaim %q: Neargate has no persistent volumes; use an emptyDir", s.PersistentVolumeClaim.ClaimName)
	}
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			return fmt.Errorf("%s: Neargate has no volumes of this type; there are emptyDir, configMap, secret, downwardAPI, projected and, on node groups, hostPath", name)
		}
	}
	return fmt.Errorf("the volume has no source")
}
