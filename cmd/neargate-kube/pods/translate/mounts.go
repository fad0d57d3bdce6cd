package translate

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

// mounts translates volumeMounts.
func (t *translation) mounts(c *v1.Container, env *variables) ([]sandbox.Mount, error) {
	if len(c.VolumeDevices) > 0 {
		return nil, errors.New("volumeDevices: Neargate has no block devices")
	}
	var all []sandbox.Mount
	for i := range c.VolumeMounts {
		m := &c.VolumeMounts[i]
		at := slices.IndexFunc(t.pod.Spec.Volumes, func(v v1.Volume) bool { return v.Name == m.Name })
		if at < 0 {
			return nil, errMount(m.Name, c.Name)
		}
		sub, err := subPath(m, env)
		if err != nil {
			return nil, err
		}
		t.tellMount(c, m)
		target := m.MountPath
		if !path.IsAbs(target) {
			target = "/" + target
		}
		all = append(all, sandbox.Mount{Volume: m.Name, Path: target, SubPath: sub, ReadOnly: m.ReadOnly || written(&t.pod.Spec.Volumes[at])})
	}
	return all, nil
}

// written tells whether kubelet alone writes into a volume.
func written(v *v1.Volume) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil
}

// subPath computes the part of a volume that is mounted.
func subPath(m *v1.VolumeMount, env *variables) (string, error) {
	sub := m.SubPath
	if m.SubPathExpr != "" {
		absent := sets.New[string]()
		sub = expansion.Expand(m.SubPathExpr, func(name string) string {
			value := env.lookup(name)
			if value == "" {
				absent.Insert(name)
			}
			return value
		})
		if absent.Len() > 0 {
			return "", fmt.Errorf("missing value for %s", strings.Join(sets.List(absent), ", "))
		}
	}
	if path.IsAbs(sub) {
		return "", fmt.Errorf("error SubPath `%s` must not be an absolute path", sub)
	}
	if slices.Contains(strings.Split(sub, "/"), "..") {
		return "", fmt.Errorf("unable to provision SubPath `%s`: must not contain '..'", sub)
	}
	return sub, nil
}

func (t *translation) tellMount(c *v1.Container, m *v1.VolumeMount) {
	if p := ptr.Deref(m.MountPropagation, v1.MountPropagationNone); p != v1.MountPropagationNone {
		t.note("container %s: mountPropagation %s of volume %s has no effect: nothing but the pod's own volumes is ever mounted", c.Name, p, m.Name)
	}
	if r := ptr.Deref(m.RecursiveReadOnly, v1.RecursiveReadOnlyDisabled); r != v1.RecursiveReadOnlyDisabled {
		t.note("container %s: recursiveReadOnly %s of volume %s has no effect: volumes have no mounts inside", c.Name, r, m.Name)
	}
	if len(m.BindMountOptions) > 0 {
		t.note("container %s: bindMountOptions of volume %s have no effect", c.Name, m.Name)
	}
}
