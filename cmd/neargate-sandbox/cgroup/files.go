//go:build linux

package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/neargate/neargate/emulator/sandbox/tunnel"
)

// ancestors lists the groups on the way to group, outermost first, group last.
func ancestors(group string) []string {
	var all []string
	for i := 1; i < len(group); i++ {
		if group[i] == '/' {
			all = append(all, group[:i])
		}
	}
	return append(all, group)
}

func mkdir(folder string) error {
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// write never creates a file: one that the kernel has not put there is a
// feature that it lacks.
func write(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("writing %q: %w", value, err)
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Lstat(file)
	return err == nil
}

// number reads a file that holds one number; "max" is tunnel.Unlimited.
func number(file string) (int64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	text := strings.TrimSpace(string(b))
	if text == "max" {
		return tunnel.Unlimited, nil
	}
	u, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file, err)
	}
	return int64(min(u, 1<<63-1)), nil
}

// fields reads a file of lines "name number".
func fields(file string) (map[string]uint64, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	all := map[string]uint64{}
	for line := range strings.Lines(string(b)) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			all[name] = n
		}
	}
	return all, nil
}

// reader collects the first error of several reads. A file that is missing
// leaves 0: its controller is not there.
type reader struct{ err error }

func (r *reader) number(file string) int64 {
	n, err := number(file)
	r.note(err)
	return n
}

func (r *reader) fields(file string) map[string]uint64 {
	f, err := fields(file)
	r.note(err)
	return f
}

func (r *reader) note(err error) {
	if r.err == nil && err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.err = err
	}
}
