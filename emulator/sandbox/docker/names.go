package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// Labels of everything that this package makes.
const (
	labelInstance = "dev.neargate.instance"
	labelRole     = "dev.neargate.role"
	labelSandbox  = "dev.neargate.sandbox" // on workload containers, holders and volumes

	labelVPC     = "dev.neargate.vpc"     // networks, sandbox containers
	labelCIDR    = "dev.neargate.cidr"    // networks: what was wished for
	labelSubnet  = "dev.neargate.subnet"  // sandbox containers
	labelAddress = "dev.neargate.address" // sandbox containers: 172.31.16.5/20
	labelHost    = "dev.neargate.host"    // sandbox containers: the host name they were asked to have

	labelContainer = "dev.neargate.container" // workload containers: the name in the definition
	labelPublic    = "dev.neargate.public"    // workload containers: see publicLabel
)

// Roles of containers.
const (
	roleSandbox  = "sandbox"
	roleWorkload = "container"
	roleHolder   = "volumes" // keeps memory volumes mounted
	roleErrand   = "errand"  // see errand.go
	rolePause    = "pause"   // see pause.go
)

// names makes the names of one emulator's things.
type names struct{ prefix string }

var plainInstance = regexp.MustCompile(`^[a-z0-9]{1,8}$`)

// newNames takes the instance itself when it is short enough, else a digest
// of it: the first characters of two long ids may well be the same.
func newNames(instance string) names {
	if !plainInstance.MatchString(instance) {
		sum := sha256.Sum256([]byte(instance))
		instance = hex.EncodeToString(sum[:4])
	}
	return names{"neargate-" + instance}
}

func (n names) network(vpc string) string { return n.prefix + "-" + safeName(vpc) }
func (n names) sandbox(id string) string  { return n.prefix + "-" + id }
func (n names) warm(unique string) string { return n.prefix + "-warm-" + unique }

// A dot cannot be part of a container's or a volume's name in a definition, so
// that these clash with none.
func (n names) holder(id string) string { return n.sandbox(id) + ".volumes" }

func (n names) errand(id, unique string) string { return n.sandbox(id) + ".errand-" + unique }

func (n names) pause(id string) string { return n.sandbox(id) + ".pause" }

// kept is the volume with the volumes that PID 1 keeps, of the sandbox
// container that is made under a name.
func (n names) kept(container string) string { return container + ".kept" }

// isSpare tells the volume of a sandbox container that was made for the warm
// pool.
func (n names) isSpare(volume string) bool { return strings.HasPrefix(volume, n.warm("")) }

func (n names) volume(id, volume string) string { return n.sandbox(id) + "-" + safeName(volume) }

// workload names one attempt of a container. The first has no number.
func (n names) workload(id, container string, attempt int) string {
	name := n.sandbox(id) + "-" + safeName(container)
	if attempt > 0 {
		name += "." + strconv.Itoa(attempt)
	}
	return name
}

// attempt reads the number back.
func (n names) attempt(id, container, name string) (int, bool) {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "/"), n.workload(id, container, 0))
	if !ok {
		return 0, false
	}
	if rest == "" {
		return 0, true
	}
	number, ok := strings.CutPrefix(rest, ".")
	if !ok {
		return 0, false
	}
	attempt, err := strconv.Atoi(number)
	return attempt, err == nil && attempt > 0
}

var sandboxID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// sandboxOf reads the sandbox's id out of its container's name; "" for a warm
// one.
func (n names) sandboxOf(name string) string {
	id, ok := strings.CutPrefix(strings.TrimPrefix(name, "/"), n.prefix+"-")
	if !ok || !sandboxID.MatchString(id) {
		return ""
	}
	return id
}

// pattern is a regular expression for the names of all containers of a
// sandbox, as the Engine's name filter takes it.
func (n names) pattern(id string) string {
	return "^/" + regexp.QuoteMeta(n.sandbox(id)) + "([.-].*)?$"
}

var unsafe = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// safeName makes s usable inside a Docker name. What had to change is told
// apart by a digest.
func safeName(s string) string {
	safe := unsafe.ReplaceAllString(s, "_")
	if safe == s && len(s) <= 128 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return safe[:min(len(safe), 100)] + "-" + hex.EncodeToString(sum[:4])
}
