package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator"
)

// This file holds the doctor's checks of what EKS needs. Nothing that is
// missing stands in the way of ECS, so nothing here is bad but a program that
// does not run.

func checkKube(ctx context.Context, p patient) []finding {
	path, err := emulator.FindKube(p.kube)
	if err != nil {
		return []finding{{what: "kube", detail: "neargate-kube is not there: EKS clusters become FAILED; ECS does not need it",
			advice: "make build-kube, and put it beside neargate or into PATH; `neargate serve --eks=records` serves the EKS API alone"}}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, "--version").CombinedOutput()
	said := strings.TrimSpace(string(out))
	if err != nil {
		return []finding{{what: "kube", bad: true, detail: path + " does not run: " + err.Error() + ": " + said, advice: "build it anew: make build-kube"}}
	}
	if !strings.HasPrefix(said, "neargate-kube (Kubernetes ") {
		return []finding{{what: "kube", bad: true, detail: fmt.Sprintf("%s is no neargate-kube: it answers --version with %.200q", path, said), advice: "build it anew: make build-kube"}}
	}
	return []finding{{what: "kube", detail: path + ": " + said}}
}

func checkClients(context.Context, patient) []finding {
	var list []finding
	for _, c := range []struct{ name, without string }{
		{"aws", "the AWS SDKs and Terraform work without it; `aws eks update-kubeconfig` and the tokens of kubectl need it"},
		{"kubectl", "only people who look into EKS clusters need it"},
	} {
		f := finding{what: c.name, detail: "is not in PATH", advice: c.without}
		if path, err := exec.LookPath(c.name); err == nil {
			f.detail, f.advice = path, ""
		}
		list = append(list, f)
	}
	return list
}
