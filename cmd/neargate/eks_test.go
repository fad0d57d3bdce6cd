package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/neargate/neargate/fixtures"
)

func TestStatusOfEKS(t *testing.T) {
	e := fixtures.Start(t)
	c := e.EKSCluster(t, "demo")
	code, out, errOut := neargate(t, "status", "--endpoint", e.URL)
	if code != 0 || errOut != "" {
		t.Fatalf("%d %s", code, errOut)
	}
	_, out, _ = strings.Cut(out, "\n\n")
	matches(t, out, `EKS cluster demo \(000000000000, us-east-1\)
  ACTIVE, Kubernetes 1\.35, `+regexp.QuoteMeta(*c.Endpoint)+`
  problem   Neargate keeps records only of this cluster[^\n]+
  no pods
`)
}

func TestWhyOfEKS(t *testing.T) {
	e := fixtures.Start(t)
	e.EKSCluster(t, "demo")
	code, out, errOut := neargate(t, "why", "demo", "--endpoint", e.URL)
	if code != 0 || errOut != "" {
		t.Fatalf("%d %s", code, errOut)
	}
	matches(t, out, `arn:aws:eks:us-east-1:000000000000:cluster/demo
  It is ACTIVE since [^\n]+\.
(  [^\n]+\n)+
Accepted without effect
(  [^\n]+: [^\n]+\n)+
History
(  \d\d:\d\d:\d\d\.\d{3} [^\n]+   by [^\n]+\n)+`)
	code, out, _ = neargate(t, "why", "demo/default/web", "--endpoint", e.URL)
	if code != 0 {
		t.Fatal(out)
	}
	matches(t, out, `arn:aws:eks:us-east-1:000000000000:cluster/demo/default/web
  This emulator keeps records only of EKS \(--eks=records\): no pod ever runs\.
  It has no sandbox, and the history knows of none\.
`)
}

func TestLogsOfEKS(t *testing.T) {
	e := fixtures.Start(t)
	e.EKSCluster(t, "demo")
	for ref, want := range map[string]string{
		"demo":             "neargate: the cluster has no control plane\n  this emulator keeps records only of EKS (--eks=records)\n",
		"demo/default/web": "neargate: the pod default/web has no sandbox\n  `neargate why` tells what it waits for\n",
	} {
		if code, _, errOut := neargate(t, "logs", ref, "--endpoint", e.URL); code != 1 || errOut != want {
			t.Errorf("%s: %d %s\nwant %s", ref, code, errOut, want)
		}
	}
}

func program(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDoctorOfEKS(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	kubectl := program(t, dir, "kubectl", "")
	for _, row := range []struct {
		kube string
		code int
		want string
	}{
		{"", 0, `ok   kube         neargate-kube is not there: [^\n]+\n +→ make build-kube[^\n]+\n`},
		{program(t, dir, "kube", `echo "neargate-kube (Kubernetes of $1)"`), 0, `ok   kube         ` + dir + `/kube: neargate-kube \(Kubernetes of --version\)\n`},
		{program(t, dir, "other", "echo nonsense"), 1, `BAD  kube         ` + dir + `/other is no neargate-kube: it answers --version with "nonsense"\n +→ build it anew: make build-kube\n`},
		{program(t, dir, "broken", "echo no library; exit 127"), 1, `BAD  kube         ` + dir + `/broken does not run: exit status 127: no library\n +→ build it anew: make build-kube\n`},
	} {
		code, out, _ := neargate(t, "doctor", "--only", "kube", "--kube", row.kube)
		if code != row.code {
			t.Errorf("%q: exit code %d", row.kube, code)
		}
		matches(t, out, row.want)
	}
	code, out, _ := neargate(t, "doctor", "--only", "clients")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	matches(t, out, `ok   aws          is not in PATH\n +→ [^\n]+\nok   kubectl      `+kubectl+`\n`)
}
