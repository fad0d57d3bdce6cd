package emulator_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/neargate/neargate/"

// rules are the import rules of the house. A package is named by its path in
// the module, "…/" standing for everything below it.
var rules = []struct {
	who    string   // whom the rule is about
	except []string // who may
	not    string   // an import path, or a beginning of one that ends with "/"
	reason string
}{
	{"apiwire/", nil, module + "emulator/", "apiwire is a library: it must be of use without the emulator"},
	{"", []string{"emulator/store"}, "github.com/mattn/go-sqlite3", "the store is the one door to SQLite"},
	{"", []string{"emulator/sandbox/docker"}, "github.com/moby/moby/client", "sandbox/docker is the one door to Docker"},
	{"", []string{"fixtures", "e2e/"}, "github.com/testcontainers/", "the server must not carry a test library"},
	{"", nil, "k8s.io/", "Kubernetes has a module of its own: its build costs minutes and it has process-wide state"},
	{"", nil, "github.com/aws/aws-sdk-go-v2/service/ec2", "its root package takes gigabytes to compile; service/ec2/types does not"},
	{"emulator/sandbox", nil, module + "emulator/sandbox/docker/", "the engine knows no runtime"},
	{"emulator/sandbox", nil, module + "emulator/sandbox/fake/", "the engine knows no runtime"},
	{"emulator/store/", nil, module + "apiwire/", "the store knows nothing of AWS"},
	{"emulator/sandbox/", nil, module + "apiwire/", "tasks and pods share sandboxes: nothing in them is of AWS's wire"},
	{"emulator/", []string{"emulator"}, module + "emulator", "the parts do not know the whole"},
	{"emulator/ec2/", nil, module + "emulator/sandbox/", "only ecs and eks know sandboxes; all others see tasks through records and changes"},
	{"emulator/iam/", nil, module + "emulator/sandbox/", "only ecs and eks know sandboxes"},
	{"emulator/sts/", nil, module + "emulator/sandbox/", "only ecs and eks know sandboxes"},
	{"emulator/eksauth/", nil, module + "emulator/sandbox/", "only ecs and eks know sandboxes"},
	{"emulator/logs/", nil, module + "emulator/sandbox/", "only ecs and eks know sandboxes"},
	{"", []string{"emulator"}, module + "emulator/eks/controlplane/", "the API of EKS knows control planes by an interface; emulator hands it the provider"},
	{"", []string{"emulator/eks/"}, module + "emulator/eks/link/", "what emulator and control plane say to each other is those two's business"},
	{"cmd/neargate-sandbox/", nil, module + "emulator/store", "PID 1 of every sandbox has to stay small"},
	{"cmd/neargate-sandbox/", nil, "github.com/aws/", "PID 1 of every sandbox has to stay small"},
}

// services never import each other, since AWS's form cycles, and nobody but
// emulator imports them.
var services = []string{"ecs", "eks", "eksauth", "ec2", "iam", "logs", "sts"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestImportRules(t *testing.T) {
	for _, broken := range brokenRules(packages(t)) {
		t.Error(broken)
	}
}

// TestImportRulesCanFail breaks each rule once, at the place it is about and
// below it where that counts too.
func TestImportRulesCanFail(t *testing.T) {
	breaks := func(reason, who, imported string) {
		t.Helper()
		got := brokenRules([]goPackage{{ImportPath: module + who, Imports: []string{"fmt", imported}}})
		if !slices.ContainsFunc(got, func(s string) bool {
			return strings.HasSuffix(s, reason) && strings.HasPrefix(s, who+" imports "+imported)
		}) {
			t.Errorf("%s may import %s: %v", who, imported, got)
		}
	}
	for _, r := range rules {
		who := r.who
		if who == "" {
			who = "cmd/somebody"
		}
		if who = strings.TrimSuffix(who, "/"); strings.HasSuffix(r.who, "/") {
			breaks(r.reason, who+"/part", r.not)
		}
		if among(who, r.except) {
			continue
		}
		breaks(r.reason, who, r.not)
		if strings.HasSuffix(r.not, "/") {
			breaks(r.reason, who, r.not+"part")
		}
		for _, may := range r.except {
			if got := brokenRules([]goPackage{{ImportPath: module + strings.TrimSuffix(may, "/"), Imports: []string{r.not}}}); len(got) != 0 {
				t.Errorf("%s may import %s, but: %v", may, r.not, got)
			}
		}
	}
	breaks(betweenServices, "emulator/ecs", module+"emulator/logs")
	breaks(betweenServices, "emulator/logs/pattern", module+"emulator/iam")
	breaks(betweenServices, "emulator/sts", module+"emulator/logs/pattern")
	breaks(besideServices, "cmd/neargate", module+"emulator/ecs")
	breaks(besideServices, "fixtures", module+"emulator/logs/pattern")
	if got := brokenRules([]goPackage{{ImportPath: module + "emulator", Imports: []string{module + "emulator/ecs", module + "emulator/logs"}}}); len(got) != 0 {
		t.Errorf("emulator puts services together, but: %v", got)
	}
	if got := brokenRules([]goPackage{{ImportPath: module + "emulator/logs", Imports: []string{module + "emulator/logs/pattern", "fmt"}}}); len(got) != 0 {
		t.Errorf("a service may be of several packages, but: %v", got)
	}
}

const (
	betweenServices = "a service declares an interface for what it needs of another"
	besideServices  = "only emulator puts services together"
)

// brokenRules tells which imports break which rule.
func brokenRules(all []goPackage) (broken []string) {
	for _, p := range all {
		who := strings.TrimPrefix(p.ImportPath, module)
		for _, i := range p.Imports {
			for _, reason := range reasonsAgainst(who, i) {
				broken = append(broken, who+" imports "+i+": "+reason)
			}
		}
	}
	return broken
}

func reasonsAgainst(who, imported string) (reasons []string) {
	for _, r := range rules {
		if within(who, r.who) && !among(who, r.except) && within(imported, r.not) {
			reasons = append(reasons, r.reason)
		}
	}
	for _, one := range services {
		inside := func(service string) bool { return within(who, "emulator/"+service+"/") }
		switch {
		case who == "emulator" || inside(one) || !within(imported, module+"emulator/"+one+"/"):
		case slices.ContainsFunc(services, inside):
			reasons = append(reasons, betweenServices)
		default:
			reasons = append(reasons, besideServices)
		}
	}
	return reasons
}

// within tells whether a path is the place or, where that ends with a slash,
// below it; "" is everywhere.
func within(path, place string) bool {
	return place == "" || path == place || path+"/" == place || (strings.HasSuffix(place, "/") && strings.HasPrefix(path, place))
}

func among(path string, places []string) bool {
	for _, p := range places {
		if within(path, p) {
			return true
		}
	}
	return false
}

// packages lists the module's packages with what they import outside tests.
func packages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 10 {
		t.Fatalf("go list found only %d packages", len(list))
	}
	return list
}
