package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
)

// TestEKS is the tutorial, from create-cluster to delete-cluster, with stock
// clients. What pods do in between is told by groups of tests that share the
// cluster, each in a namespace of its own.
func TestEKS(t *testing.T) {
	t.Parallel()
	s := serveEKS(t)
	c := s.prepare(t, "shared")
	cli := s.cli(t).with("KUBECONFIG=" + c.config)
	cli.aws("eks create-cluster --name shared --role-arn {} --resources-vpc-config subnetIds={},{}", c.roles[clusterService], c.subnets[0], c.subnets[1])
	c.active(t)
	cli.aws("eks wait cluster-active --name shared")
	cli.aws("eks create-fargate-profile --cluster-name shared --fargate-profile-name apps --pod-execution-role-arn {} --subnets {} {} --selectors namespace=default namespace=t-*",
		c.roles[podService], c.subnets[0], c.subnets[1])
	c.profileActive(t, "apps")
	cli.aws("eks wait fargate-profile-active --cluster-name shared --fargate-profile-name apps")
	c.point(t)
	if out := c.kubectl(t, "--user cli get namespaces -o name"); !strings.Contains(out, "namespace/kube-system") {
		t.Errorf("with the token that the CLI makes each time: %s", out)
	}
	if out := c.kubectl(t, "get nodes -o name"); out != "" {
		t.Errorf("nodes before there is a pod: %s", out)
	}
	t.Run("cluster", func(t *testing.T) {
		for name, group := range map[string]func(*namespace){
			"first": firstPods, "shell": shell, "logs": podLogs, "rollout": rollout, "jobs": jobs, "stateful": stateful,
			"pending": pending, "trouble": trouble, "probes": probes, "services": services, "names": names, "inside": insidePods,
			"volumes": volumes, "alone": alone, "security": security, "scaling": scaling, "helm": helm,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				group(c.in(t, "t-"+name))
			})
		}
	})
	t.Run("logging", func(t *testing.T) { podsToCloudWatch(c.in(t, "t-logging")) })
	takeDown(t, c, cli)
}

// takeDown is the end of the tutorial: pods go with their profile, and
// everything with the cluster.
func takeDown(t *testing.T, c *eksCluster, cli *cli) {
	n := c.in(t, "t-last")
	n.k("run last --image={} --image-pull-policy=Never -- serve", podImage)
	n.ready("pod/last")
	cli.aws("eks delete-fargate-profile --cluster-name shared --fargate-profile-name apps")
	eventually(t, "the profile is gone", time.Minute, func() error {
		out, err := c.client().ListFargateProfiles(context.Background(), &eks.ListFargateProfilesInput{ClusterName: aws.String(c.name)})
		if err == nil && len(out.FargateProfileNames) > 0 {
			err = fmt.Errorf("there is %v", out.FargateProfileNames)
		}
		return err
	})
	n.becomes("", "get pods -A -l eks.amazonaws.com/fargate-profile=apps,app!=replaced -o name --field-selector status.phase=Running")
	n.becomes("", "get nodes -o name")
	process := c.process(t)
	cli.aws("eks delete-cluster --name shared")
	c.gone(t)
	cli.aws("eks wait cluster-deleted --name shared")
	if _, err := os.Stat(filepath.Join("/proc", process)); err == nil {
		t.Errorf("the control plane's process %s is still there", process)
	}
	for _, thing := range made(t, c.instance) {
		// Those that are ready for the next pod are nobody's yet.
		if strings.HasPrefix(thing, "container ") && !strings.Contains(thing, "-warm-") {
			t.Error("left behind:", thing)
		}
	}
}

// process finds the process id of the cluster's control plane: the child of
// the server whose state is the cluster's.
func (c *eksCluster) process(t testing.TB) string {
	t.Helper()
	for _, id := range children(t, c.cmd.Process.Pid) {
		return id
	}
	t.Fatal("the server has no child")
	return ""
}

// children lists the processes of name neargate-kube that a process has.
func children(t testing.TB, parent int) (ids []string) {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		if strings.HasPrefix(string(text), "Name:\tneargate-kube\n") && strings.Contains(string(text), fmt.Sprintf("\nPPid:\t%d\n", parent)) {
			ids = append(ids, filepath.Base(filepath.Dir(path)))
		}
	}
	return ids
}

const webManifest = `
apiVersion: v1
kind: ConfigMap
metadata: {name: page}
data: {text: "from a ConfigMap"}
---
apiVersion: v1
kind: Secret
metadata: {name: pass}
stringData: {word: geheim}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 2
      containers:
      - name: web
        image: IMAGE
        imagePullPolicy: Never
        args: [listen, "8080", env, TEXT, env, WORD, env, ADDRESS, serve]
        ports: [{name: http, containerPort: 8080}]
        readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 1, failureThreshold: 1}
        env:
        - {name: TEXT, valueFrom: {configMapKeyRef: {name: page, key: text}}}
        - {name: WORD, valueFrom: {secretKeyRef: {name: pass, key: word}}}
        - {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        resources: {requests: {cpu: 100m, memory: 64Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
`

// firstPods: pods of a Deployment have a Fargate node each, whose address is
// theirs, and what Fargate adds to them is what AWS adds.
func firstPods(n *namespace) {
	n.apply(webManifest)
	n.k("rollout status deployment/web --timeout=240s")
	for line := range strings.Lines(n.k("get pods -l app=web -o jsonpath={}", `{range .items[*]}{.metadata.uid} {.status.podIP} {.status.hostIP} {.spec.nodeName}{"\n"}{end}`)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[1] != f[2] || f[3] != "fargate-ip-"+strings.ReplaceAll(f[1], ".", "-")+".ec2.internal" {
			n.t.Errorf("uid, address, host address, node: %q", f)
			continue
		}
		box := docker(n.t, "ps", "-q", "--filter", "label=dev.neargate.sandbox="+strings.ReplaceAll(f[0], "-", ""), "--filter", "label=dev.neargate.role=container")
		network := n.networkOf(box)
		if real := docker(n.t, "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", network); real != f[1] {
			n.t.Errorf("the container's address is %s, the pod's %s", real, f[1])
		}
		if out := n.kubectl(n.t, "describe node {}", f[3]); !strings.Contains(out, "eks.amazonaws.com/compute-type=fargate:NoSchedule") || !strings.Contains(out, "KubeletReady") {
			n.t.Errorf("the node:\n%s", out)
		}
	}
	said := n.k("describe pod -l app=web")
	for _, part := range []string{
		"CapacityProvisioned: 0.25vCPU 0.5GB", "Logging: LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND", "eks.amazonaws.com/fargate-profile=apps",
		"Priority:             2000001000", "Priority Class Name:  system-node-critical", "fargate-scheduler  Successfully assigned t-first/web-",
		"Started    ",
	} {
		if !strings.Contains(said, part) {
			n.t.Errorf("describe pod does not say %q", part)
		}
	}
	if n.t.Failed() {
		n.t.Log(said)
	}
	if out := n.k("logs deployment/web"); !strings.HasPrefix(out, "listening\nTEXT=from a ConfigMap\nWORD=geheim\nADDRESS=10.") {
		n.t.Errorf("logs: %q", out)
	}
}

// networkOf finds the container that has the network of a pod's container: the
// one that it joins, or whose processes that one shares.
func (n *namespace) networkOf(box string) string {
	n.t.Helper()
	_, joined, _ := strings.Cut(docker(n.t, "inspect", "--format", "{{.HostConfig.NetworkMode}}", box), ":")
	if _, shared, ok := strings.Cut(docker(n.t, "inspect", "--format", "{{.HostConfig.PidMode}}", joined), ":"); ok {
		return shared
	}
	return joined
}
