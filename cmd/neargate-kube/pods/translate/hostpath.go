package translate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

// hostpath.go is about paths of the node. A node group's node has a disk of its
// own, with nothing on it but what its pods have put there: never the files of
// the machine that Neargate runs on.

// noDisk are folders of a node that are views of its kernel.
var noDisk = []string{"/proc", "/sys", "/dev"}

func (t *translation) hostPath(ctx context.Context, v *v1.Volume) (sandbox.Volume, error) {
	path, kind := v.HostPath.Path, ptr.Deref(v.HostPath.Type, v1.HostPathUnset)
	if t.env.Node == "" {
		return sandbox.Volume{}, fmt.Errorf("hostPath %q: the pod's node has no disk", path)
	}
	device := kind == v1.HostPathCharDev || kind == v1.HostPathBlockDev
	if !device && slices.ContainsFunc(noDisk, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") }) {
		return sandbox.Volume{}, fmt.Errorf("hostPath %q: Neargate's nodes have neither processes nor devices of their own that pods could see", path)
	}
	s, err := t.source.HostPath(ctx, t.env.Node, path, string(kind))
	if err != nil {
		return sandbox.Volume{}, err
	}
	if s.Refused != "" {
		return sandbox.Volume{}, errors.New(s.Refused)
	}
	t.note("hostPath %s is on the virtual node's own disk, which has nothing on it but what pods of that node have put there", path)
	return sandbox.Volume{Name: v.Name, Node: t.env.Node, Path: s.Place}, nil
}
