package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Volumes whose files change all at once. New content is copied into a folder
// of its own, where nobody looks yet; then the program of the sandbox image,
// which has the volume mounted, makes ..data lead there with one rename.

// Labels of volumes that can be written to later.
const (
	labelAtomic = "dev.neargate.atomic"
	labelGroup  = "dev.neargate.group" // the volume's group, 0 left out
)

// volumeLabels say what WriteFiles, which is not told the specification, has
// to know of a volume.
func (r *Runtime) volumeLabels(id string, v sandbox.Volume) map[string]string {
	labels := map[string]string{labelInstance: r.options.Instance, labelSandbox: id}
	if v.Atomic {
		labels[labelAtomic] = "1"
	}
	if v.GID != 0 {
		labels[labelGroup] = strconv.Itoa(v.GID)
	}
	return labels
}

// writeAtomic replaces all files of an atomic volume.
func (r *Runtime) writeAtomic(ctx context.Context, id, volume string, gid int, files []sandbox.File) error {
	folder, moved := generation(time.Now(), ownedBy(gid, files))
	content, err := pack(moved, nil, gid, nil)
	if err != nil {
		return err
	}
	helper, err := r.filesContainer(ctx, id, volume, "publish", filesTarget, folder)
	if err != nil {
		return err
	}
	err = r.unpack(ctx, helper, filesTarget, content)
	if err == nil {
		err = r.runToEnd(ctx, helper)
	}
	ctx, cancel := cleanup(ctx)
	defer cancel()
	return errors.Join(err, r.removeContainer(ctx, helper))
}

// runToEnd starts a helper and waits until it has done its work.
func (r *Runtime) runToEnd(ctx context.Context, helper string) error {
	w := r.daemon.ContainerWait(ctx, helper, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	if _, err := r.daemon.ContainerStart(ctx, helper, client.ContainerStartOptions{}); err != nil {
		return err
	}
	select {
	case err := <-w.Error:
		return err
	case out := <-w.Result:
		if out.StatusCode == 0 {
			return nil
		}
		return fmt.Errorf("exit code %d: %s", out.StatusCode, r.said(ctx, helper))
	}
}

// said is what a helper has written.
func (r *Runtime) said(ctx context.Context, helper string) string {
	body, err := r.daemon.ContainerLogs(ctx, helper, client.ContainerLogsOptions{ShowStderr: true, Tail: "5"})
	if err != nil {
		return err.Error()
	}
	defer body.Close()
	var text strings.Builder
	if err := output(newFrames(body, false), sandbox.Streams{ErrOut: &text}); err != nil && !errors.Is(err, io.EOF) {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}

// current tells where in an atomic volume its content is at the moment; "" in
// one that is not atomic.
func (r *Runtime) current(ctx context.Context, helper string) (string, error) {
	s, err := r.daemon.ContainerStatPath(ctx, helper, client.ContainerStatPathOptions{Path: path.Join(filesTarget, currentLink)})
	if err != nil {
		return "", err
	}
	if s.Stat.Mode&os.ModeSymlink == 0 {
		return "", fmt.Errorf("%s is no link", currentLink)
	}
	return path.Base(s.Stat.LinkTarget), nil
}
