package e2e_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// runs starts a pod of one container that does the probe's steps.
func (n *namespace) runs(pod, flags string, steps ...string) {
	n.t.Helper()
	n.k("run "+pod+" --image={} --image-pull-policy=Never "+flags+" -- "+strings.Repeat("{} ", len(steps)), append([]string{podImage}, steps...)...)
}

// shell: into a pod and out of it.
func shell(n *namespace) {
	n.runs("box", "--port=8080", "listen", "8080", "serve")
	n.ready("pod/box")
	n.says("hello", "exec box -- probe say hello")
	if _, err := n.try("-n {} exec box -- probe exit 7", n.ns); codeOf(err) != 7 {
		n.t.Errorf("exec of what ends with 7: %v", err)
	}
	if out, err := n.feed("one\ntwo\n", "-n {} exec -i box -- probe cat", n.ns); err != nil || out != "one\ntwo" {
		n.t.Errorf("exec -i: %q %v", out, err)
	}
	if out, err := n.feed("through\n", "-n {} run -i --rm --restart=Never once --image={} --image-pull-policy=Never -- cat", n.ns, podImage); err != nil || !strings.Contains(out, "through") || !strings.Contains(out, `pod "once" deleted`) {
		n.t.Errorf("run -i --rm: %q %v", out, err)
	}
	n.runs("waiter", "-i --restart=Never --attach=false", "say", "ready", "cat")
	n.ready("pod/waiter")
	if out, err := n.feed("attached\n", "-n {} attach -i waiter", n.ns); err != nil || !strings.Contains(out, "attached") {
		n.t.Errorf("attach -i: %q %v", out, err)
	}
	copies(n)
	forward(n)
	terminal(n)
	debug(n)
	began := time.Now()
	n.k("delete pod box --grace-period=300")
	if took := time.Since(began); took > 2*time.Minute {
		n.t.Errorf("a pod that ends when it is told was deleted in %s", took)
	}
	top(n)
}

func codeOf(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}

func copies(n *namespace) {
	there, back := filepath.Join(n.t.TempDir(), "there"), filepath.Join(n.t.TempDir(), "back")
	text := strings.Repeat("0123456789abcdef", 1<<16)
	if err := os.WriteFile(there, []byte(text), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.k("cp {} box:/tmp/copied", there)
	n.k("cp box:/tmp/copied {}", back)
	if got, err := os.ReadFile(back); err != nil || string(got) != text {
		n.t.Errorf("after cp there and back: %d bytes, %v", len(got), err)
	}
}

func forward(n *namespace) {
	p := n.start("port-forward pod/box :8080")
	port := regexp.MustCompile(`127\.0\.0\.1:(\d+)`).FindStringSubmatch(p.until("Forwarding from 127.0.0.1"))
	for range 3 {
		if out, err := fetch("http://127.0.0.1:" + port[1] + "/"); err != nil || out != "box" {
			n.t.Errorf("port-forward: %q %v", out, err)
		}
	}
	p.kill()
}

func fetch(url string) (string, error) {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(body)), err
}

// debug: an ephemeral container shares the pod's network.
func debug(n *namespace) {
	n.k("debug box --image={} --image-pull-policy=Never -c helper -- probe get http://127.0.0.1:8080/ serve", podImage)
	n.holds("serving", "logs box -c helper")
	if out := n.k("logs box -c helper"); !strings.HasPrefix(out, "box\n") {
		n.t.Errorf("the debugger says %q", out)
	}
	n.comes(10*time.Second, "get pod box -o jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt}", nil,
		func(s string) bool { return s != "" }, "a time")
}

func top(n *namespace) {
	n.runs("eater", "--restart=Never", "eat", "40", "serve")
	n.ready("pod/eater")
	n.comes(30*time.Second, "top pod eater --no-headers", nil, func(out string) bool {
		f := strings.Fields(out)
		return len(f) == 3 && regexp.MustCompile(`^\d+m$`).MatchString(f[1]) && regexp.MustCompile(`^(4|5)\dMi$`).MatchString(f[2])
	}, "eater …m 4…Mi")
	node := n.k("get pod eater -o jsonpath={.spec.nodeName}")
	n.holds(node, "top node {} --no-headers", node)
}

// podLogs: following, the run before, many containers, tails.
func podLogs(n *namespace) {
	n.runs("talker", "--restart=Never", "count", "30", "exit", "0")
	n.comes(30*time.Second, "get pod talker -o jsonpath={.status.phase}", nil, func(s string) bool { return s != "Pending" }, "Running")
	follow := n.start("logs -f talker")
	follow.until("line 30")
	if code := follow.wait(); code != 0 {
		n.t.Errorf("logs -f ended with %d: %s", code, follow.err)
	}
	n.becomes("line 29\nline 30", "logs talker --tail=2")
	if out := n.k("logs talker --timestamps --tail=1"); !regexp.MustCompile(`^20\d\d-\d\d-\d\dT[0-9:.]+Z line 30$`).MatchString(out) {
		n.t.Errorf("with --timestamps: %q", out)
	}
	n.becomes("Succeeded Completed", "get pod talker -o jsonpath={}", "{.status.phase} {.status.containerStatuses[0].state.terminated.reason}")
	n.apply(`
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  terminationGracePeriodSeconds: 1
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: a, image: IMAGE, imagePullPolicy: Never, args: [say, run of a, crash, /v/runs, "1", 100ms, serve], volumeMounts: [{name: v, mountPath: /v}]}
  - {name: b, image: IMAGE, imagePullPolicy: Never, args: [say, from b, serve]}
`)
	n.becomes("1", "get pod again -o jsonpath={}", `{.status.containerStatuses[?(@.name=="a")].restartCount}`)
	n.ready("pod/again")
	n.becomes("run of a", "logs again -c a -p")
	n.says("9 Error", "get pod again -o jsonpath={}", `{.status.containerStatuses[?(@.name=="a")].lastState.terminated.exitCode} {.status.containerStatuses[?(@.name=="a")].lastState.terminated.reason}`)
	if out := n.k("logs again --all-containers --prefix"); !strings.Contains(out, "[pod/again/b] from b") || !strings.Contains(out, "[pod/again/a] serving") {
		n.t.Errorf("logs of all containers: %q", out)
	}
	if said := n.fails("logs again -c nobody"); !strings.Contains(said, "container nobody is not valid for pod again") {
		n.t.Errorf("logs of a container that is not there: %s", said)
	}
}

// rollout: a change, one that fails, and back; scaling both ways; a restart.
func rollout(n *namespace) {
	n.apply(webManifest)
	n.k("rollout status deployment/web --timeout=240s")
	n.k("set env deployment/web TEXT=second")
	n.k("rollout status deployment/web --timeout=240s")
	n.holds("TEXT=second", "logs deployment/web")
	n.k("rollout undo deployment/web")
	n.k("rollout status deployment/web --timeout=240s")
	n.holds("TEXT=from a ConfigMap", "logs deployment/web")
	n.k("rollout restart deployment/web")
	n.k("rollout status deployment/web --timeout=240s")
	n.k("scale deployment/web --replicas=4")
	n.becomes("4", "get deployment web -o jsonpath={.status.readyReplicas}")
	n.k("scale deployment/web --replicas=0")
	n.becomes("", "get pods -o name")
}
