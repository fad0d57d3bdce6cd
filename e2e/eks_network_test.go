package e2e_test

import (
	"fmt"
	"net"
	"strings"
	"time"
)

const clientManifest = `
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec:
  terminationGracePeriodSeconds: 2
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [listen, "8080", udp, "9000", serve]}]
`

// services: by address and from everywhere that they are reached from.
func services(n *namespace) {
	n.apply(webManifest + "\n---" + clientManifest + `
---
apiVersion: v1
kind: Service
metadata: {name: datagrams}
spec: {selector: {app: client}, ports: [{port: 53, targetPort: 9000, protocol: UDP}]}
---
apiVersion: v1
kind: Service
metadata: {name: self}
spec: {selector: {app: client}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
`)
	n.k("rollout status deployment/web --timeout=240s")
	n.ready("pod/client")
	address := n.k("get service web -o jsonpath={.spec.clusterIP}")
	for _, host := range []string{address, "web", "web.t-services", "web.t-services.svc.cluster.local"} {
		n.holds("web-", "exec client -- probe get http://"+host+"/")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(n.k("exec client -- probe" + strings.Repeat(" get http://web/", 30))) {
		seen[strings.TrimSpace(line)] = true
	}
	if len(seen) != 2 {
		n.t.Errorf("thirty connections went to %v, not to both pods", seen)
	}
	n.holds("hello from client", "exec client -- probe ask datagrams:53")
	n.holds("client", "exec client -- probe get http://self/") // hairpin
	if said := n.fails("exec client -- probe dial nobody:80"); !strings.Contains(said, "refused") {
		n.t.Errorf("a Service without endpoints: %s", said)
	}
	n.comes(20*time.Second, "get service outside -o jsonpath={}", []string{"{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}"}, func(s string) bool { return s != "" }, "an address")
	host := n.k("get service outside -o jsonpath={}", "{.status.loadBalancer.ingress[0].ip}{.status.loadBalancer.ingress[0].hostname}")
	eventually(n.t, "the load balancer answers", 10*time.Second, func() error {
		out, err := fetch("http://" + net.JoinHostPort(host, "80") + "/")
		if err == nil && !strings.HasPrefix(out, "web-") {
			err = fmt.Errorf("it says %q", out)
		}
		return err
	})
	n.k("scale deployment/web --replicas=0")
	n.comes(20*time.Second, "get endpointslices -l kubernetes.io/service-name=web -o jsonpath={.items[*].endpoints[*].addresses}", nil, func(s string) bool { return s == "" }, "none")
	eventually(n.t, "the Service refuses", 10*time.Second, func() error {
		if _, err := n.try("-n {} exec client -- probe dial web:80", n.ns); err == nil || !strings.Contains(err.Error(), "refused") {
			return fmt.Errorf("%v", err)
		}
		return nil
	})
}

// names: what cluster DNS knows and what it passes on.
func names(n *namespace) {
	n.apply(clientManifest + `
---
apiVersion: v1
kind: Service
metadata: {name: headless}
spec: {clusterIP: None, selector: {app: client}, ports: [{name: http, port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: alias}
spec: {type: ExternalName, externalName: headless.t-names.svc.cluster.local}
---
apiVersion: v1
kind: Pod
metadata: {name: named}
spec:
  hostname: given
  subdomain: headless
  terminationGracePeriodSeconds: 2
  hostAliases: [{ip: 10.9.8.7, hostnames: [elsewhere]}]
  containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [read, /etc/resolv.conf, serve]}]
`)
	n.ready("pod/client", "pod/named")
	address := n.k("get pod client -o jsonpath={.status.podIP}")
	n.becomes(address, "exec client -- probe lookup headless")
	n.becomes(address, "exec client -- probe lookup alias")
	n.becomes(n.kubectl(n.t, "-n default get service kubernetes -o jsonpath={.spec.clusterIP}"), "exec client -- probe lookup kubernetes.default")
	n.becomes("10.9.8.7", "exec named -- probe lookup elsewhere")
	n.holds("search t-names.svc.cluster.local svc.cluster.local cluster.local", "logs named")
	n.holds("ndots:5", "logs named")
	if said := n.fails("exec client -- probe lookup missing.t-names.svc.cluster.local"); !strings.Contains(said, "no such host") {
		n.t.Errorf("a name that is not there: %s", said)
	}
}

// insidePods: a pod asks the Kubernetes API as its service account.
func insidePods(n *namespace) {
	n.apply(`
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
subjects: [{kind: ServiceAccount, name: reader}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
---
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec: {serviceAccountName: reader, terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: anyone}
spec: {terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: without}
spec: {automountServiceAccountToken: false, terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]}
`)
	n.ready("pod/reader", "pod/anyone", "pod/without")
	const path = "/api/v1/namespaces/t-inside/pods"
	n.says("200", "exec reader -- probe kube "+path)
	n.says("403", "exec reader -- probe kube /api/v1/namespaces/t-inside/secrets")
	n.says("403", "exec anyone -- probe kube "+path)
	n.says("200", "exec anyone -- probe kube /version")
	if said := n.fails("exec without -- probe kube " + path); !strings.Contains(said, "no such file") {
		n.t.Errorf("without a token: %s", said)
	}
}
