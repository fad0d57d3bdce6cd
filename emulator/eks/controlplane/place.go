package controlplane

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/neargate/neargate/emulator/eks/link"
)

// place is where a control plane has its files: a directory of its own, and
// its sockets, which stand elsewhere when their path would be too long.
type place struct {
	arn     string
	dir     string
	sockets string
}

var clusterARN = regexp.MustCompile(`^arn:[a-z-]+:eks:([a-z0-9-]+):([0-9]{12}):cluster/([0-9A-Za-z][0-9A-Za-z_-]*)$`)

// placeOf says where the files of a cluster are, and makes nothing.
func placeOf(home, arn string) (place, error) {
	m := clusterARN.FindStringSubmatch(arn)
	if m == nil {
		return place{}, fmt.Errorf("%q is not the ARN of a cluster: %w", arn, link.ErrInvalid)
	}
	p := place{arn: arn, dir: filepath.Join(home, m[2]+"-"+m[1]+"-"+m[3])}
	p.sockets = p.dir
	if len(filepath.Join(p.dir, longestSocket)) >= link.MaxSocketPath {
		sum := sha256.Sum256([]byte(p.dir))
		p.sockets = filepath.Join(runtimeDir(), "neargate-"+hex.EncodeToString(sum[:8]))
	}
	return p, nil
}

// longestSocket is the name of the sockets that both sides make, with some
// room for the child's own.
const longestSocket = "parent.sock"

func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && len(dir) < 40 {
		return dir
	}
	if dir := os.TempDir(); len(dir) < 40 {
		return dir
	}
	return "/tmp"
}

func (p place) parentSocket() string { return filepath.Join(p.sockets, "parent.sock") }
func (p place) childSocket() string  { return filepath.Join(p.sockets, "child.sock") }
func (p place) log() string          { return filepath.Join(p.dir, "neargate-kube.log") }
func (p place) pid() string          { return filepath.Join(p.dir, "neargate-kube.pid") }
func (p place) memory() string       { return filepath.Join(p.dir, "emulator.json") }

// make makes the directories, which are this user's alone.
func (p place) make() error {
	if err := os.MkdirAll(p.dir, 0o700); err != nil {
		return err
	}
	if p.sockets == p.dir {
		return nil
	}
	// The other one has a name that others could know: it must really be ours.
	if err := os.Mkdir(p.sockets, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	i, err := os.Lstat(p.sockets)
	if err != nil {
		return err
	}
	if s, ok := i.Sys().(*syscall.Stat_t); !ok || !i.IsDir() || i.Mode().Perm() != 0o700 || int(s.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory of this user alone: remove it", p.sockets)
	}
	return nil
}

// remove deletes everything.
func (p place) remove() error { return errors.Join(os.RemoveAll(p.dir), p.tidy()) }

// tidy deletes what is of no use to a later life: sockets that stand elsewhere.
func (p place) tidy() error {
	if p.sockets == p.dir {
		return nil
	}
	return os.RemoveAll(p.sockets)
}

// memory is what this side keeps of a control plane over restarts.
type memory struct {
	ARN, ID string
	Address string `json:",omitempty"` // of its API server
	Ready   bool   `json:",omitempty"` // it has been, at some time
}

func (p place) recall() (memory, error) {
	var m memory
	err := readJSON(p.memory(), &m)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	return m, err
}

func (p place) remember(m memory) error { return writeJSON(p.memory(), m) }

// memories lists the ARNs of the clusters that have a directory.
func memories(home string) (arns []string, err error) {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		m, err := place{dir: filepath.Join(home, e.Name())}.recall()
		if err == nil && m.ARN != "" { // what is not ours to read stays
			arns = append(arns, m.ARN)
		}
	}
	return arns, nil
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// writeJSON replaces a file whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
