package emulator_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/neargate/neargate/apiwire"
	"github.com/neargate/neargate/emulator/ec2"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not up to date: read the difference, then run the test with -update\n%s", path, difference(string(want), got))
	}
}

// difference shows the lines that only one of two texts has.
func difference(want, got string) string {
	var b strings.Builder
	a, z := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range a {
		if !slices.Contains(z, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	for _, line := range z {
		if !slices.Contains(a, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	return b.String()
}

// TestOperationList keeps the list of all that AWS has in step with the SDK.
// EC2's client is not asked, because it takes gigabytes to compile: of EC2 the
// list holds what Neargate serves.
func TestOperationList(t *testing.T) {
	var b strings.Builder
	for _, s := range []struct {
		name string
		have []string
	}{
		{"ec2", methods(&ec2.API{})},
		{"ecs", apiwire.OperationsOf(&ecs.Client{})},
		{"eks", apiwire.OperationsOf(&eks.Client{})},
		{"iam", apiwire.OperationsOf(&iam.Client{})},
		{"logs", apiwire.OperationsOf(&cloudwatchlogs.Client{})},
		{"sts", apiwire.OperationsOf(&sts.Client{})},
	} {
		for _, op := range s.have {
			fmt.Fprintf(&b, "%s %s\n", s.name, op)
		}
	}
	golden(t, "operations.txt", b.String())
}

// methods names the operations of an API.
func methods(api any) []string {
	var names []string
	typ := reflect.TypeOf(api)
	for i := range typ.NumMethod() {
		if m := typ.Method(i); m.Type.NumIn() == 3 && strings.HasSuffix(m.Type.In(2).String(), m.Name+"Input") {
			names = append(names, m.Name)
		}
	}
	return names
}

// TestCoverage keeps the table of the README, and the list behind it, true.
func TestCoverage(t *testing.T) {
	e := newEmulator(t)
	var list, table strings.Builder
	table.WriteString("| service | operations served | of AWS's |\n|---|---|---|\n")
	for _, c := range e.Coverage() {
		total := fmt.Sprint(len(c.Implemented) + len(c.Missing))
		if c.Service == "ec2" {
			total = "811"
		}
		fmt.Fprintf(&table, "| %s | %d | %s |\n", c.Service, len(c.Implemented), total)
		for _, op := range c.Implemented {
			fmt.Fprintf(&list, "%s %s\n", c.Service, op)
		}
	}
	golden(t, "testdata/coverage.golden", list.String())
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- coverage -->\n", "<!-- /coverage -->"
	head, rest, ok := strings.Cut(string(readme), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("README.md has no place for the coverage table")
	}
	golden(t, "../README.md", head+begin+table.String()+end+tail)
}
