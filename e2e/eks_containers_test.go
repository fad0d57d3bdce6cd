package e2e_test

import (
	"strings"
	"time"
)

// alone: containers wait one by one for what they lack, and each run takes what
// is there then.
func alone(n *namespace) {
	n.apply(`
apiVersion: v1
kind: ConfigMap
metadata: {name: words}
data: {word: first}
---
apiVersion: v1
kind: Pod
metadata: {name: some}
spec:
  terminationGracePeriodSeconds: 2
  volumes: [{name: v, emptyDir: {}}]
  containers:
  - {name: whole, image: IMAGE, imagePullPolicy: Never, args: [serve]}
  - {name: nomap, image: IMAGE, imagePullPolicy: Never, args: [env, A, serve], env: [{name: A, valueFrom: {configMapKeyRef: {name: late, key: a}}}]}
  - {name: nosecret, image: IMAGE, imagePullPolicy: Never, args: [serve], envFrom: [{secretRef: {name: late}}]}
  - {name: nokey, image: IMAGE, imagePullPolicy: Never, args: [serve], env: [{name: A, valueFrom: {configMapKeyRef: {name: words, key: a}}}]}
  - {name: nopath, image: IMAGE, imagePullPolicy: Never, args: [serve], volumeMounts: [{name: v, mountPath: /v, subPathExpr: $(NOBODY)}]}
  - {name: noname, image: "not/A/name", imagePullPolicy: Never}
  - {name: noroot, image: IMAGE, imagePullPolicy: Never, args: [serve], securityContext: {runAsNonRoot: true, runAsUser: 0}}
---
apiVersion: v1
kind: Pod
metadata: {name: chain}
spec:
  terminationGracePeriodSeconds: 2
  initContainers:
  - {name: one, image: IMAGE, imagePullPolicy: Never, args: [exit, "0"]}
  - {name: two, image: IMAGE, imagePullPolicy: Never, args: [env, A, exit, "0"], envFrom: [{configMapRef: {name: chain}}]}
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]
---
apiVersion: v1
kind: Pod
metadata: {name: anew, labels: {tier: back}}
spec:
  terminationGracePeriodSeconds: 300
  containers:
  - name: c
    image: IMAGE
    imagePullPolicy: Always
    args: [env, WORD, env, TIER, stubborn, listen, "8080", forever]
    env: [{name: WORD, valueFrom: {configMapKeyRef: {name: words, key: word}}}, {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"}}}]
    livenessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 10, terminationGracePeriodSeconds: 1}
    startupProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1, failureThreshold: 60}
---
apiVersion: v1
kind: Pod
metadata: {name: novolume}
spec:
  volumes: [{name: v, configMap: {name: late}}]
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve], volumeMounts: [{name: v, mountPath: /v}]}]
`)
	const waiting = "{range .status.containerStatuses[*]}{.name} {.state.waiting.reason} {.state.waiting.message}{'\\n'}{end}"
	n.comes(30*time.Second, "get pod some -o jsonpath={}", []string{waiting}, func(s string) bool { return strings.Count(s, "Error")+strings.Count(s, "Invalid") == 6 }, "six that wait")
	const since = "get pod some -o jsonpath={.status.containerStatuses[?(@.name=='whole')].state.running.startedAt}"
	n.holds("T", since)
	states := n.k("get pod some -o jsonpath={}", waiting)
	for _, want := range []string{
		"\nwhole\n", `nomap CreateContainerConfigError configmap "late" not found`, `nosecret CreateContainerConfigError secret "late" not found`,
		"nokey CreateContainerConfigError couldn't find key a in ConfigMap t-alone/words", "nopath CreateContainerConfigError missing value for NOBODY",
		"noname InvalidImageName ", "noroot CreateContainerConfigError container's runAsUser breaks non-root policy",
	} {
		if !strings.Contains(strings.ReplaceAll(states, " \n", "\n")+"\n", want) {
			n.t.Errorf("no %q in\n%s", want, states)
		}
	}
	n.becomes(`Error: configmap "late" not found`, "get events --field-selector involvedObject.name=some,involvedObject.fieldPath=spec.containers{nomap},reason=Failed -o jsonpath={.items[0].message}")
	n.holds(`configmap "late" not found`, "get events --field-selector involvedObject.name=novolume,reason=FailedMount -o jsonpath={.items[*].message}")
	n.becomes("ContainerCreating", "get pod novolume -o jsonpath={.status.containerStatuses[0].state.waiting.reason}")
	began := n.k(since)
	n.k("create configmap late --from-literal=a=there")
	n.comes(30*time.Second, "logs some -c nomap", nil, func(s string) bool { return s == "A=there\nserving" }, "A=there")
	n.ready("pod/novolume")
	n.says(began, since)

	n.becomes(`Init:CreateContainerConfigError PodInitializing`, "get pod chain -o jsonpath={}",
		"Init:{.status.initContainerStatuses[1].state.waiting.reason} {.status.containerStatuses[0].state.waiting.reason}")
	n.k("create configmap chain --from-literal=A=b")
	n.ready("pod/chain")
	n.says("A=b", "logs chain -c two")

	n.anew()
}

// anew: a restart takes what ConfigMaps and labels say then, and what went
// meanwhile holds it.
func (n *namespace) anew() {
	const reason = "get pod anew -o jsonpath={.status.containerStatuses[0].restartCount}{.status.containerStatuses[0].state.waiting.reason}"
	n.ready("pod/anew")
	n.begins("WORD=first\nTIER=back", "logs anew")
	n.holds("already present on machine and taken as it is, as it could not be pulled", "get events --field-selector involvedObject.name=anew,reason=Pulled -o jsonpath={.items[*].message}")
	if why := n.neargate(n.t, "why", n.name+"/"+n.ns+"/anew"); !strings.Contains(why, "has the image that was on this machine already") {
		n.t.Errorf("why: %s", why)
	}
	n.k("patch configmap words -p {}", `{"data":{"word":"second"}}`)
	n.k("label pod anew tier=front --overwrite")
	n.begins("WORD=first\nTIER=back", "logs anew")
	n.k("exec anew -- probe write /tmp/unready x")
	n.becomes("1", reason)
	n.begins("WORD=second\nTIER=front", "logs anew")
	n.begins("WORD=first\nTIER=back", "logs anew --previous")
	n.k("delete configmap words")
	n.k("exec anew -- probe write /tmp/unready x")
	n.becomes("1CreateContainerConfigError", reason)
	n.k("create configmap words --from-literal=word=third")
	n.becomes("2", reason)
	n.begins("WORD=third\nTIER=front", "logs anew")
	n.k("delete pod anew --grace-period=1 --wait=false")
}

// begins waits until a command's output begins so.
func (n *namespace) begins(want, line string) {
	n.t.Helper()
	n.comes(30*time.Second, line, nil, func(s string) bool { return strings.HasPrefix(s, want) }, want+"…")
}
