package e2e_test

import (
	"strings"
	"time"
)

// volumes: everything that Fargate can mount.
func volumes(n *namespace) {
	n.apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: config}
data: {a: "first", b: "second"}
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
stringData: {word: geheim}
---
apiVersion: v1
kind: Pod
metadata: {name: box, labels: {tier: back}, annotations: {note: "of the pod"}}
spec:
  terminationGracePeriodSeconds: 2
  volumes:
  - {name: config, configMap: {name: config}}
  - {name: some, configMap: {name: config, items: [{key: a, path: deep/renamed, mode: 0440}]}}
  - {name: secret, secret: {secretName: secret, defaultMode: 0400}}
  - {name: optional, secret: {secretName: not-there, optional: true}}
  - {name: shared, emptyDir: {}}
  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi}}
  - {name: down, downwardAPI: {items: [{path: labels, fieldRef: {fieldPath: metadata.labels}}, {path: cpu, resourceFieldRef: {containerName: a, resource: limits.memory}}]}}
  - name: all
    projected: {sources: [{configMap: {name: config}}, {secret: {name: secret}}, {serviceAccountToken: {path: token, audience: vault, expirationSeconds: 600}}]}
  containers:
  - name: a
    image: IMAGE
    imagePullPolicy: Never
    args: [write, /shared/x, "from a", serve]
    env: [{name: NOTE, valueFrom: {fieldRef: {fieldPath: "metadata.annotations['note']"}}}, {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory}}}]
    resources: {limits: {memory: 64Mi}}
    volumeMounts:
    - {name: config, mountPath: /config}
    - {name: some, mountPath: /some}
    - {name: secret, mountPath: /secret}
    - {name: optional, mountPath: /optional}
    - {name: shared, mountPath: /shared}
    - {name: memory, mountPath: /memory}
    - {name: down, mountPath: /down}
    - {name: all, mountPath: /all}
    - {name: config, mountPath: /etc/one, subPath: b}
  - {name: b, image: IMAGE, imagePullPolicy: Never, args: [await, /here/sub/y, serve], volumeMounts: [{name: shared, mountPath: /here}]}
`)
	n.k("wait --for=jsonpath={} --timeout=240s pod/box", "{.status.phase}=Running")
	n.says("from a", "exec box -c b -- probe read /here/x")
	n.says("first", "exec box -c a -- probe read /config/a")
	n.says("first", "exec box -c a -- probe read /some/deep/renamed")
	n.says("0440 0 0", "exec box -c a -- probe mode /some/deep/renamed")
	n.says("0400 0 0", "exec box -c a -- probe mode /secret/word")
	n.says("geheim", "exec box -c a -- probe read /all/word")
	n.says("second", "exec box -c a -- probe read /etc/one")
	n.holds(`tier="back"`, "exec box -c a -- probe read /down/labels")
	n.says("67108864", "exec box -c a -- probe read /down/cpu")
	n.says("NOTE=of the pod\nLIMIT=67108864", "exec box -c a -- probe env NOTE env LIMIT")
	if out := n.k("exec box -c a -- probe read /all/token"); strings.Count(out, ".") != 2 {
		n.t.Errorf("the projected token: %q", out)
	}
	if said := n.fails("exec box -c a -- probe write /config/a changed"); !strings.Contains(said, "read-only") {
		n.t.Errorf("a ConfigMap could be written: %s", said)
	}
	n.k("exec box -c a -- probe write /memory/m x")
	n.k("patch configmap config -p {}", `{"data":{"a":"changed"}}`)
	n.k("label pod box tier=front --overwrite")
	n.comes(90*time.Second, "exec box -c a -- probe read /config/a", nil, func(s string) bool { return s == "changed" }, "changed")
	n.comes(90*time.Second, "exec box -c a -- probe read /down/labels", nil, func(s string) bool { return strings.Contains(s, `tier="front"`) }, "front")
	n.says("second", "exec box -c a -- probe read /etc/one")
}

// security: users, groups and what they may not.
func security(n *namespace) {
	n.apply(`
apiVersion: v1
kind: Pod
metadata: {name: user}
spec:
  terminationGracePeriodSeconds: 2
  securityContext: {runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, supplementalGroups: [4000], runAsNonRoot: true}
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: c, image: IMAGE, imagePullPolicy: Never, args: [whoami, write, /v/x, mine, mode, /v/x, serve], volumeMounts: [{name: v, mountPath: /v}], securityContext: {readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: root}
spec: {securityContext: {runAsNonRoot: true}, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: together}
spec:
  shareProcessNamespace: true
  terminationGracePeriodSeconds: 2
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]
`)
	n.ready("pod/user")
	n.becomes("uid=1000 gid=2000 groups=[2000 3000 4000]\n0644 1000 3000\nserving", "logs user")
	if said := n.fails("exec user -- probe write /tmp/x y"); !strings.Contains(said, "read-only file system") {
		n.t.Errorf("the root file system could be written: %s", said)
	}
	n.becomes("CreateContainerConfigError", "get pod root -o jsonpath={}", "{.status.containerStatuses[0].state.waiting.reason}")
	n.holds("container has runAsNonRoot and image will run as root", "get pod root -o jsonpath={}", "{.status.containerStatuses[0].state.waiting.message}")
}
