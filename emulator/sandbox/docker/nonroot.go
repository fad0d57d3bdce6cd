package docker

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox"
)

// verifyNonRoot refuses to start a container as user 0 where that was
// forbidden, in a kubelet's words. The Engine has no such rule.
func (r *Runtime) verifyNonRoot(ctx context.Context, c *sandbox.Container) error {
	if !c.NonRoot {
		return nil
	}
	image := ""
	if c.User == "" || strings.HasPrefix(c.User, ":") {
		i, err := r.daemon.ImageInspect(ctx, c.Image)
		if err != nil {
			return fmt.Errorf("image %s: %w", c.Image, err)
		}
		if i.Config != nil {
			image = i.Config.User
		}
	}
	text := rootText(c.User, image)
	if text == "" {
		return nil
	}
	return &sandbox.StopError{Container: c.Name, Reason: "CannotCreateContainerError: " + text, Trouble: sandbox.TroubleConfig, Text: text}
}

// rootText says why a container might be root; "" when it is not. own is the
// user that was asked for, image the image's.
func rootText(own, image string) string {
	user, _, _ := strings.Cut(own, ":")
	if user == "" {
		name, _, _ := strings.Cut(image, ":")
		uid, err := strconv.Atoi(name)
		switch {
		case name == "" || err == nil && uid == 0:
			return "container has runAsNonRoot and image will run as root"
		case err != nil:
			return fmt.Sprintf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root", name)
		}
		return ""
	}
	uid, err := strconv.Atoi(user)
	switch {
	case err == nil && uid == 0:
		return "container's runAsUser breaks non-root policy"
	case err != nil:
		return fmt.Sprintf("container has runAsNonRoot and a non-numeric user (%s), cannot verify user is non-root", user)
	}
	return ""
}
