package e2e_test

import (
	"fmt"
	"strings"
	"time"
)

// pending: pods that no profile matches or that Fargate cannot run say so in
// AWS's words.
func pending(n *namespace) {
	n.kubectl(n.t, "create namespace nowhere")
	n.kubectl(n.t, "-n nowhere run lost --image={}", podImage)
	for name, spec := range map[string]string{
		"network":    `hostNetwork: true, containers: [{name: c, image: IMAGE}]`,
		"privileged": `containers: [{name: c, image: IMAGE, securityContext: {privileged: true}}]`,
		"port":       `containers: [{name: c, image: IMAGE, ports: [{containerPort: 80, hostPort: 80}]}]`,
		"path":       `containers: [{name: c, image: IMAGE}], volumes: [{name: root, hostPath: {path: /}}]`,
		"gpu":        `containers: [{name: c, image: IMAGE, resources: {limits: {nvidia.com/gpu: 1}}}]`,
		"large":      `containers: [{name: c, image: IMAGE, resources: {requests: {cpu: 17}}}]`,
		"claim":      `containers: [{name: c, image: IMAGE}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]`,
	} {
		n.apply(fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec: {%s}", name, spec))
	}
	n.apply(`
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: everywhere}
spec: {selector: {matchLabels: {app: d}}, template: {metadata: {labels: {app: d}}, spec: {containers: [{name: c, image: IMAGE}]}}}
`)
	const events = "get events --field-selector reason=FailedScheduling,involvedObject.name=%s -o jsonpath={}"
	const source = "{.items[0].reportingComponent}: {.items[0].message}"
	for name, text := range map[string]string{
		"network":    "fargate-scheduler: Pod not supported on Fargate: fields not supported: HostNetwork",
		"privileged": "fargate-scheduler: Pod not supported on Fargate: invalid SecurityContext fields: Privileged",
		"port":       "fargate-scheduler: Pod not supported on Fargate: port contains HostIP or HostPort",
		"path":       "fargate-scheduler: Pod not supported on Fargate: volumes not supported: root is of an unsupported volume Type",
		"gpu":        "fargate-scheduler: Pod not supported on Fargate: resources not supported: nvidia.com/gpu",
		"large":      "fargate-scheduler: Your pod's cpu/memory requirements exceed the max Fargate configuration",
		"claim":      `fargate-scheduler: Pod not supported on Fargate: volumes not supported: data not supported because: persistentvolumeclaim "data" not found`,
	} {
		n.becomes(text, fmt.Sprintf(events, name), source)
		n.says("Pending", "get pod "+name+" -o jsonpath={.status.phase}")
	}
	n.comes(30*time.Second, "get events -n nowhere -o jsonpath={}", []string{source},
		func(s string) bool {
			return s == "default-scheduler: no nodes available to schedule pods" || strings.Contains(s, "nodes are available: ")
		}, "default-scheduler: …")
	if out := n.k("get daemonset everywhere -o jsonpath={.status.desiredNumberScheduled}"); out != "0" {
		n.t.Errorf("a DaemonSet wants %s pods on Fargate nodes", out)
	}
}

// trouble: what becomes of pods whose containers do not do well.
func trouble(n *namespace) {
	n.apply(`
apiVersion: v1
kind: Pod
metadata: {name: crash}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [exit, "3"]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: noimage}
spec: {containers: [{name: c, image: "nowhere.invalid/image:1"}]}
---
apiVersion: v1
kind: Pod
metadata: {name: never}
spec: {containers: [{name: c, image: "nowhere.invalid/image:1", imagePullPolicy: Never}]}
---
apiVersion: v1
kind: Pod
metadata: {name: noconfig}
spec: {containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve], env: [{name: A, valueFrom: {configMapKeyRef: {name: late, key: a}}}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: nocommand}
spec: {restartPolicy: Never, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, command: [/not/there]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: oom}
spec: {restartPolicy: Never, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [eat, "200"], resources: {limits: {memory: 48Mi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: badinit}
spec:
  restartPolicy: Never
  initContainers: [{name: first, image: IMAGE, imagePullPolicy: Never, args: [exit, "0"]}, {name: second, image: IMAGE, imagePullPolicy: Never, args: [exit, "5"]}]
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]
---
apiVersion: v1
kind: Pod
metadata: {name: goodinit}
spec:
  terminationGracePeriodSeconds: 2
  volumes: [{name: v, emptyDir: {}}]
  initContainers:
  - {name: first, image: IMAGE, imagePullPolicy: Never, args: [write, /v/a, "from the first"], volumeMounts: [{name: v, mountPath: /v}]}
  - {name: beside, image: IMAGE, imagePullPolicy: Never, restartPolicy: Always, args: [listen, "9000", serve], startupProbe: {tcpSocket: {port: 9000}, periodSeconds: 1}}
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [read, /v/a, get, "http://localhost:9000/", serve], volumeMounts: [{name: v, mountPath: /v}]}]
`)
	const waiting = "{.status.containerStatuses[0].state.waiting.reason}"
	n.becomes("CrashLoopBackOff", "get pod crash -o jsonpath={}", waiting)
	n.holds("Back-off restarting failed container c in pod crash_t-trouble(", "get events --field-selector involvedObject.name=crash -o jsonpath={}", "{.items[*].message}")
	n.becomes("3", "get pod crash -o jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}")
	n.becomes("ErrImageNeverPull", "get pod never -o jsonpath={}", waiting)
	n.becomes("CreateContainerConfigError", "get pod noconfig -o jsonpath={}", waiting)
	n.k("create configmap late --from-literal=a=b")
	n.ready("pod/noconfig")
	n.becomes("OOMKilled 137 Failed", "get pod oom -o jsonpath={}", "{.status.containerStatuses[0].state.terminated.reason} {.status.containerStatuses[0].state.terminated.exitCode} {.status.phase}")
	n.becomes("Failed 128", "get pod nocommand -o jsonpath={}", "{.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}")
	n.becomes("Failed Completed Error PodInitializing", "get pod badinit -o jsonpath={}",
		"{.status.phase} {.status.initContainerStatuses[0].state.terminated.reason} {.status.initContainerStatuses[1].state.terminated.reason} {.status.containerStatuses[0].state.waiting.reason}")
	if out := n.k("get pod badinit --no-headers"); !strings.Contains(out, "Init:Error") {
		n.t.Errorf("get pod badinit: %s", out)
	}
	n.ready("pod/goodinit")
	n.becomes("from the first\ngoodinit\nserving", "logs goodinit -c c")
	n.becomes("ImagePullBackOff", "get pod noimage -o jsonpath={}", waiting)
	n.holds(`Back-off pulling image "nowhere.invalid/image:1"`, "get events --field-selector involvedObject.name=noimage -o jsonpath={}", "{.items[*].message}")
}

// probes: readiness takes a pod out of its Service, liveness restarts it, and
// hooks run.
func probes(n *namespace) {
	n.apply(webManifest)
	n.apply(`
apiVersion: v1
kind: Pod
metadata: {name: alive}
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: c
    image: IMAGE
    imagePullPolicy: Never
    args: [listen, "8080", serve]
    livenessProbe: {exec: {command: [probe, exists, /bin/probe]}, periodSeconds: 1, timeoutSeconds: 60}
    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
    lifecycle: {postStart: {exec: {command: [probe, write, /tmp/hook, started]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: dead}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve], livenessProbe: {exec: {command: [probe, exists, /not/there]}, periodSeconds: 1, timeoutSeconds: 60, failureThreshold: 2}}]
`)
	n.k("rollout status deployment/web --timeout=240s")
	n.ready("pod/alive")
	n.says("started", "exec alive -- probe read /tmp/hook")
	pod := n.k("get pods -l app=web -o jsonpath={.items[0].metadata.name}")
	n.k("exec {} -- probe write /tmp/unready x", pod)
	n.becomes("False", "get pod {} -o jsonpath={}", pod, "{.status.conditions[?(@.type=='Ready')].status}")
	n.becomes("false", "get endpointslices -l kubernetes.io/service-name=web -o jsonpath={}", fmt.Sprintf("{.items[0].endpoints[?(@.targetRef.name=='%s')].conditions.ready}", pod))
	n.comes(15*time.Second, "exec alive -- probe"+strings.Repeat(" get http://web/", 12), nil, func(s string) bool { return !strings.Contains(s, pod) }, "none from "+pod)
	n.comes(30*time.Second, "get pod dead -o jsonpath={.status.containerStatuses[0].restartCount}", nil, func(s string) bool { return s != "0" && s != "" }, "more than 0")
	n.holds("failed liveness probe, will be restarted", "get events --field-selector involvedObject.name=dead,reason=Killing -o jsonpath={.items[*].message}")
	n.says("0", "get pod alive -o jsonpath={.status.containerStatuses[0].restartCount}")
}
