package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/neargate/neargate/fixtures"
)

// This file runs Terraform; what is tested with it is in terraform_ecs_test.go
// and terraform_eks_test.go.

// terraform is a stack of fixtures/terraform in a folder of its own, whose
// provider is pointed at a server.
type terraform struct {
	t            testing.TB
	program, dir string
	env          []string
	vars         []string // name=value
}

// terraform copies a stack and initialises it.
func (s *server) terraform(t testing.TB, stack string) *terraform {
	t.Helper()
	tf := requireTerraform(t)
	tf.vars = []string{"endpoint=" + s.endpoint}
	tf.copy(filepath.Join("..", "fixtures", "terraform", stack))
	if _, err := tf.run("init"); err != nil {
		if strings.Contains(err.Error(), "Failed to query available provider packages") {
			fixtures.Skip(t, "NEARGATE_REQUIRE_TERRAFORM", "Terraform does not find its AWS provider: "+err.Error())
		}
		t.Fatal(err)
	}
	return tf
}

// copy copies a stack, without the state of whoever has applied it there.
func (tf *terraform) copy(stack string) {
	tf.t.Helper()
	files, err := filepath.Glob(filepath.Join(stack, "*.tf"))
	if err != nil || len(files) == 0 {
		tf.t.Fatalf("there is no stack %s: %v", stack, err)
	}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(tf.dir, filepath.Base(f)), body, 0o600)
		}
		if err != nil {
			tf.t.Fatal(err)
		}
	}
}

// requireTerraform finds Terraform and its AWS provider, which is 700 MB large
// and so is never fetched: NEARGATE_TERRAFORM_PLUGINS names a folder laid out as
// a mirror, or the user's own configuration leads to one. Without them the test
// is skipped, and fails when NEARGATE_REQUIRE_TERRAFORM=1.
func requireTerraform(t testing.TB) *terraform {
	t.Helper()
	program, err := exec.LookPath("terraform")
	if err != nil {
		fixtures.Skip(t, "NEARGATE_REQUIRE_TERRAFORM", "terraform is not installed")
	}
	tf := &terraform{t: t, program: program, dir: t.TempDir()}
	config, err := terraformConfig(t)
	if err != nil {
		fixtures.Skip(t, "NEARGATE_REQUIRE_TERRAFORM", err.Error())
	}
	// Programs that live for seconds need not collect much garbage: the
	// provider's schemas alone are work enough.
	tf.env = []string{
		"TF_CLI_CONFIG_FILE=" + config, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1", "GOGC=400", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
	}
	return tf
}

// terraformConfig returns a CLI configuration that leads to the provider: the
// user's own, or one for the first mirror that has it.
func terraformConfig(t testing.TB) (string, error) {
	const named, provider = "NEARGATE_TERRAFORM_PLUGINS", "registry.terraform.io/hashicorp/aws"
	mirrors := []string{os.Getenv(named)}
	if mirrors[0] == "" {
		if own := os.Getenv("TF_CLI_CONFIG_FILE"); own != "" {
			if _, err := os.Stat(own); err == nil {
				return own, nil
			}
		}
		mirrors = impliedMirrors()
	}
	for _, mirror := range mirrors {
		if _, err := os.Stat(filepath.Join(mirror, provider)); err != nil {
			continue
		}
		path := filepath.Join(t.TempDir(), "terraform.rc")
		body := fmt.Sprintf("provider_installation {\n  filesystem_mirror {\n    path = %q\n  }\n}\n", mirror)
		return path, os.WriteFile(path, []byte(body), 0o600)
	}
	return "", fmt.Errorf("no folder has Terraform's AWS provider: %s names one that holds %s", named, provider)
}

// impliedMirrors are the folders in which Terraform looks by itself.
func impliedMirrors() (dirs []string) {
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".terraform.d", "plugins"), filepath.Join(home, ".local", "share", "terraform", "plugins"))
	}
	for _, d := range append(filepath.SplitList(os.Getenv("XDG_DATA_DIRS")), os.Getenv("XDG_DATA_HOME"), "/usr/local/share", "/usr/share") {
		if d != "" {
			dirs = append(dirs, filepath.Join(d, "terraform", "plugins"))
		}
	}
	return dirs
}

// run runs a command, such as "state rm", in the stack's folder.
func (tf *terraform) run(what string, args ...string) (string, error) {
	words := slices.Concat([]string{"-chdir=" + tf.dir}, strings.Fields(what), []string{"-no-color"}, args)
	return command(tf.env, tf.program, words...)
}

// with is run for commands that know the stack's variables.
func (tf *terraform) with(what string, args ...string) (string, error) {
	var vars []string
	for _, v := range tf.vars {
		vars = append(vars, "-var="+v)
	}
	return tf.run(what, append(vars, args...)...)
}

// apply makes the stack so, with these variables from now on, and then there
// must be nothing left to plan.
func (tf *terraform) apply(vars ...string) {
	tf.t.Helper()
	tf.vars = append(tf.vars[:1:1], vars...)
	if out, err := tf.with("apply", "-auto-approve"); err != nil {
		tf.t.Fatalf("%v\n%s", err, out)
	}
	tf.settled()
}

// settled checks that the configuration and what is there agree.
func (tf *terraform) settled() {
	tf.t.Helper()
	out, err := tf.with("plan", "-detailed-exitcode")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		tf.t.Errorf("there is something left to plan:\n%s", out)
	} else if err != nil {
		tf.t.Fatalf("%v\n%s", err, out)
	}
}

// adopt forgets a resource and imports it again, by its id.
func (tf *terraform) adopt(address, id string) {
	tf.t.Helper()
	if _, err := tf.run("state rm", address); err != nil {
		tf.t.Fatal(err)
	}
	if out, err := tf.with("import", address, id); err != nil {
		tf.t.Fatalf("%v\n%s", err, out)
	}
}

func (tf *terraform) destroy() {
	tf.t.Helper()
	if out, err := tf.with("destroy", "-auto-approve"); err != nil {
		tf.t.Fatalf("%v\n%s", err, out)
	}
}

// output reads an output of the stack.
func (tf *terraform) output(name string, value any) {
	tf.t.Helper()
	out, err := tf.run("output", "-json", name)
	if err != nil {
		tf.t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), value); err != nil {
		tf.t.Fatalf("output %s: %v", name, err)
	}
}

// attribute reads one of a resource or data source of the root module, as the
// last command that wrote the state found it; sensitive ones too.
func (tf *terraform) attribute(address, name string) string {
	tf.t.Helper()
	out, err := tf.run("show", "-json")
	if err != nil {
		tf.t.Fatal(err)
	}
	var state struct {
		Values struct {
			Root struct {
				Resources []struct {
					Address string
					Values  map[string]any
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(out), &state); err != nil {
		tf.t.Fatal(err)
	}
	for _, r := range state.Values.Root.Resources {
		if text, ok := r.Values[name].(string); ok && r.Address == address {
			return text
		}
	}
	tf.t.Fatalf("the state has no %s.%s", address, name)
	return ""
}
