package emulator

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox/fake"
)

// Config says what an emulator is to be. Start from Defaults; cmd/neargate
// fills it from flags and NEARGATE_* variables.
type Config struct {
	Account string   // of callers whose access key id is not an account; 000000000000
	Region  string   // of requests that are not signed; us-east-1
	DataDir string   // "" is DefaultDataDir, "memory" keeps nothing
	Runtime string   // "docker" or "fake"
	Timing  string   // "real", "aws" or "instant"
	Auth    string   // "any" takes any credentials, "verify" checks signatures
	Hosts   []string // names that requests may be made to, beside localhost
	Warm    int      // at most so many sandboxes are kept ready per subnet, 0 or more
	Docker  string   // DOCKER_HOST; "" is the environment's
	EKS     string   // "kubernetes" runs a control plane for each cluster, "records" keeps records only
	Kube    string   // the program neargate-kube; "" finds it beside this one, else in PATH
	// Fake is what the runtime "fake" works on; nil makes an empty one. Tests
	// give one to break things in it.
	Fake    *fake.State
	Version string // told by health
	Log     zerolog.Logger
}

// Values that Config's fields can have.
const (
	Memory        = "memory"
	RuntimeDocker = "docker"
	RuntimeFake   = "fake"
	TimingReal    = "real"
	TimingAWS     = "aws"
	TimingInstant = "instant"
	AuthAny       = "any"
	AuthVerify    = "verify"
	EKSKubernetes = "kubernetes"
	EKSRecords    = "records"
)

// Defaults returns the configuration of `neargate serve` without flags.
func Defaults() Config {
	return Config{
		Account: "000000000000", Region: "us-east-1", DataDir: DefaultDataDir(),
		Runtime: RuntimeDocker, Timing: TimingReal, Auth: AuthAny, EKS: EKSKubernetes, Warm: 10, Version: "dev", Log: zerolog.Nop(),
	}
}

// DefaultDataDir is where state is kept when nothing else is said:
// $XDG_STATE_HOME/neargate, else ~/.local/state/neargate.
func DefaultDataDir() string {
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "neargate")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	return filepath.Join(home, ".local", "state", "neargate")
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
)

// check names the first setting that is not one of its values.
func (c *Config) check() error {
	if !accountPattern.MatchString(c.Account) {
		return fmt.Errorf("account id %q is not 12 digits", c.Account)
	}
	if !regionPattern.MatchString(c.Region) {
		return fmt.Errorf("region %q is not the name of a region, such as us-east-1", c.Region)
	}
	for _, one := range []struct {
		what, value string
		known       []string
	}{
		{"runtime", c.Runtime, []string{RuntimeDocker, RuntimeFake}},
		{"timing", c.Timing, []string{TimingReal, TimingAWS, TimingInstant}},
		{"auth", c.Auth, []string{AuthAny, AuthVerify}},
		{"eks", c.EKS, []string{EKSKubernetes, EKSRecords}},
	} {
		if !slices.Contains(one.known, one.value) {
			return fmt.Errorf("%s %q is not one of %s", one.what, one.value, strings.Join(one.known, ", "))
		}
	}
	if c.Warm < 0 {
		return fmt.Errorf("%d warm sandboxes: their number is 0 or more", c.Warm)
	}
	return nil
}

// database is the path of the store, whose folder it makes.
func (c *Config) database() (string, error) {
	if c.DataDir == Memory {
		return Memory, nil
	}
	if c.DataDir == "" {
		c.DataDir = DefaultDataDir()
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return filepath.Join(c.DataDir, "neargate.db"), nil
}
