package docker

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/neargate/neargate/emulator/sandbox"
)

// Resource limits that the Engine may not give. One that runs without
// CAP_SYS_RESOURCE (in a container, in some CI) cannot raise a limit above its
// own, and would start no task at all, because Fargate's 65,535 open files are
// asked for by default. Such a limit is left out, and a note says so.

// refused is the least hard limit of each name that the Engine could not set.
type refused struct {
	mu    sync.Mutex
	least map[string]int64
}

// rlimitNames are the kernel's numbers of resource limits on Linux, which runc
// names in its error; crun gives the name.
var rlimitNames = map[int]string{
	0: "cpu", 1: "fsize", 2: "data", 3: "stack", 4: "core", 5: "rss", 6: "nproc", 7: "nofile", 8: "memlock",
	10: "locks", 11: "sigpending", 12: "msgqueue", 13: "nice", 14: "rtprio", 15: "rttime",
}

var rlimitError = regexp.MustCompile("(?i)(?:setting rlimit type (\\d+)|setrlimit `RLIMIT_([A-Z]+)`): operation not permitted")

// refusedName is the limit that an error of a start is about, "" for none.
func refusedName(err error) string {
	m := rlimitError.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	if number, err := strconv.Atoi(m[1]); err == nil {
		return rlimitNames[number]
	}
	return strings.ToLower(m[2])
}

// learn remembers the limit that a start's error is about. It reports false
// when that is none of those that the container was made with. Two containers
// may be made before the first of them is refused: then both learn the same.
func (r *refused) learn(had []*container.Ulimit, err error) bool {
	if err == nil {
		return false
	}
	name := refusedName(err)
	for _, u := range had {
		if u.Name != name {
			continue
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.least == nil {
			r.least = map[string]int64{}
		}
		if least, known := r.least[u.Name]; !known || height(u.Hard) < least {
			r.least[u.Name] = height(u.Hard)
		}
		return true
	}
	return false
}

// height is a limit as a number to compare: below zero there is no limit.
func height(hard int64) int64 {
	if hard < 0 {
		return math.MaxInt64
	}
	return hard
}

// split parts the limits that can be set from those that cannot.
func (r *refused) split(all []sandbox.Ulimit) (can, cannot []sandbox.Ulimit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range all {
		if least, known := r.least[u.Name]; known && height(u.Hard) >= least {
			cannot = append(cannot, u)
		} else {
			can = append(can, u)
		}
	}
	return can, cannot
}

// startWithin runs a container that was made with the limits had. When one of
// them is more than the Engine may give, the container is made once more
// without.
func (r *Runtime) startWithin(ctx context.Context, s *sandbox.Spec, c *sandbox.Container, b *box, attempt int, env []sandbox.EnvVar, id string, had []*container.Ulimit) error {
	err := r.run(ctx, c, id)
	for r.ulimits.learn(had, err) {
		if err := r.removeContainer(ctx, id); err != nil {
			return err
		}
		var o client.ContainerCreateOptions
		if o, err = r.describe(ctx, s, c, b, attempt, env); err != nil {
			return err
		}
		if id, err = r.create(ctx, s, c, o); err != nil {
			return err
		}
		had = o.HostConfig.Ulimits
		err = r.run(ctx, c, id)
	}
	return err
}

// withoutRefused takes the limits out that the Engine cannot give and notes
// them. The container itself is left as it is.
func (r *Runtime) withoutRefused(c *sandbox.Container, b *box) *sandbox.Container {
	can, cannot := r.ulimits.split(c.Ulimits)
	if len(cannot) == 0 {
		return c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, u := range cannot {
		b.note(fmt.Sprintf("container %s: the limit %s=%d:%d is more than this Docker Engine may give; it has the Engine's own", c.Name, u.Name, u.Soft, u.Hard))
	}
	within := *c
	within.Ulimits = can
	return &within
}

// note adds a note unless it is there.
func (b *box) note(text string) {
	for _, n := range b.notes {
		if n == text {
			return
		}
	}
	b.notes = append(b.notes, text)
}
