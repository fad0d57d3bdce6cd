package eks

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// This file is what is known of add-ons: those that Neargate itself provides,
// with their versions, and what to do about those that AWS has and Neargate
// has not.

// addonKind is an add-on that Neargate provides. There are no Pods of it: what
// AWS's add-on does is done by Neargate's own network, DNS and metrics.
type addonKind struct {
	name, kind       string
	publisher, owner string
	// account is the service account of its Pods on AWS that needs a role, and
	// policy the one that the role needs; "" none does.
	account, policy string
	// provides says what stands behind it.
	provides string
	// lines are its minor versions, newest first, with the Kubernetes minors
	// for which each is the default; see defaultVersion.
	lines []addonLine
	// oldest is the oldest minor version that is taken: "1.8".
	oldest string
	schema []addonProperty
}

// addonLine is one version of an add-on.
type addonLine struct {
	version    string
	from, upTo string // Kubernetes minors that it is the default of; upTo "": and later ones
}

// addonProperty is a member of an add-on's configuration values.
type addonProperty struct{ name, kind string }

const kubeProxy = "kube-proxy"

var addonKinds = []addonKind{
	{
		name: "coredns", kind: "networking", publisher: "eks", owner: "aws", oldest: "1.8",
		provides: "cluster DNS is answered inside each pod's own network, without CoreDNS Pods",
		lines: []addonLine{
			{"v1.13.1-eksbuild.1", "1.35", ""}, {"v1.12.4-eksbuild.1", "1.34", "1.34"},
			{"v1.12.1-eksbuild.2", "1.33", "1.33"}, {"v1.11.4-eksbuild.2", "", "1.32"},
		},
		schema: []addonProperty{
			{"affinity", "object"}, {"autoScaling", "object"}, {"computeType", "string"}, {"corefile", "string"}, {"nodeSelector", "object"},
			{"podAnnotations", "object"}, {"podDisruptionBudget", "object"}, {"podLabels", "object"}, {"replicaCount", "integer"},
			{"resources", "object"}, {"tolerations", "array"}, {"topologySpreadConstraints", "array"},
		},
	},
	{
		name: agentAddon, kind: "security", publisher: "eks", owner: "aws", oldest: "1.0",
		provides: "pods on node groups get the roles of pod identity associations at 169.254.170.23 inside their own network, without agent Pods",
		lines:    []addonLine{{"v1.3.10-eksbuild.2", "", ""}},
		schema: []addonProperty{
			{"affinity", "object"}, {"agent", "object"}, {"daemonsets", "object"}, {"fullnameOverride", "string"}, {"init", "object"},
			{"nameOverride", "string"}, {"nodeSelector", "object"}, {"podAnnotations", "object"}, {"podLabels", "object"},
			{"priorityClassName", "string"}, {"resources", "object"}, {"tolerations", "array"}, {"updateStrategy", "object"},
		},
	},
	{
		name: kubeProxy, kind: "networking", publisher: "eks", owner: "aws", oldest: "1.28",
		provides: "ClusterIPs are translated inside each pod's own network, without kube-proxy Pods",
		schema: []addonProperty{
			{"ipvs", "object"}, {"mode", "string"}, {"podAnnotations", "object"}, {"podLabels", "object"}, {"resources", "object"},
		},
	},
	{
		name: "metrics-server", kind: "observability", publisher: "kubernetes-sigs", owner: "community", oldest: "0.7",
		provides: "metrics.k8s.io is served from the containers' own statistics, without metrics-server Pods",
		lines:    []addonLine{{"v0.8.0-eksbuild.6", "", ""}},
		schema: []addonProperty{
			{"addonResizer", "object"}, {"affinity", "object"}, {"containerPort", "integer"}, {"defaultArgs", "array"}, {"args", "array"},
			{"metrics", "object"}, {"nodeSelector", "object"}, {"podAnnotations", "object"}, {"podDisruptionBudget", "object"}, {"podLabels", "object"},
			{"replicas", "integer"}, {"resources", "object"}, {"service", "object"}, {"tolerations", "array"}, {"topologySpreadConstraints", "array"},
			{"updateStrategy", "object"},
		},
	},
	{
		name: "vpc-cni", kind: "networking", publisher: "eks", owner: "aws", account: "aws-node", policy: "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy", oldest: "1.12",
		provides: "each pod's address is one of its subnet, given by Neargate's own network, without aws-node Pods",
		lines:    []addonLine{{"v1.21.1-eksbuild.1", "1.35", ""}, {"v1.20.4-eksbuild.2", "", "1.34"}},
		schema: []addonProperty{
			{"affinity", "object"}, {"cniConfig", "object"}, {"cri", "object"}, {"enableNetworkPolicy", "string"}, {"enableWindowsIpam", "string"},
			{"enableWindowsPrefixDelegation", "string"}, {"eniConfig", "object"}, {"env", "object"}, {"extraVolumeMounts", "array"}, {"extraVolumes", "array"},
			{"init", "object"}, {"livenessProbe", "object"}, {"nodeAgent", "object"}, {"nodeSelector", "object"}, {"podAnnotations", "object"},
			{"podLabels", "object"}, {"readinessProbe", "object"}, {"resources", "object"}, {"tolerations", "array"},
		},
	},
}

// addonsOfAWS are the add-ons that AWS has and Neargate does not provide, with
// what to do instead.
var addonsOfAWS = map[string]string{
	"adot":                            "install the OpenTelemetry operator with Helm",
	"amazon-cloudwatch-observability": "pods log to CloudWatch Logs by the aws-observability ConfigMap",
	"amazon-sagemaker-hyperpod-taskgovernance": "there is no SageMaker",
	"aws-ebs-csi-driver":                       "there is no Amazon EBS: use emptyDir volumes",
	"aws-efs-csi-driver":                       "there is no Amazon EFS: use emptyDir volumes",
	"aws-fsx-csi-driver":                       "there is no Amazon FSx: use emptyDir volumes",
	"aws-guardduty-agent":                      "there is no GuardDuty",
	"aws-mountpoint-s3-csi-driver":             "there is no Amazon S3: use emptyDir volumes",
	"aws-network-flow-monitoring-agent":        "there is no Network Flow Monitor",
	"aws-privateca-connector-for-kubernetes":   "there is no AWS Private CA",
	"aws-secrets-store-csi-driver-provider":    "there is no Secrets Manager: use Kubernetes Secrets",
	"cert-manager":                             "install cert-manager with Helm",
	"eks-node-monitoring-agent":                "nodes are virtual: there is nothing of them to monitor",
	"external-dns":                             "there is no Route 53",
	"kube-state-metrics":                       "install kube-state-metrics with Helm",
	"prometheus-node-exporter":                 "install it with Helm",
	"snapshot-controller":                      "there are no volume snapshots",
}

func addonOf(name string) (addonKind, bool) {
	for _, k := range addonKinds {
		if k.name == name {
			return k, true
		}
	}
	return addonKind{}, false
}

// checkAddon is whether Neargate provides an add-on for a Kubernetes version.
func (a about) checkAddon(name, kubernetes string) (addonKind, error) {
	if k, ok := addonOf(name); ok {
		return k, nil
	}
	if instead, ok := addonsOfAWS[name]; ok {
		return addonKind{}, a.invalid("Addon %s specified is not supported: Neargate does not provide it, and an add-on with nothing behind it would only seem to work. Leave it out; %s.", name, instead)
	}
	return addonKind{}, a.invalid("Addon %s specified is not supported in %s kubernetes version", name, kubernetes)
}

var addonVersionForm = regexp.MustCompile(`^v(\d+)\.(\d+)\.(\d+)-eksbuild\.\d+$`)

// takes tells whether a version of the add-on goes with a Kubernetes version.
// Neargate's own part is the same for all of them, so that every build of a
// known minor version is taken, not only those that are listed: a pinned
// version that AWS has is no reason to fail. kube-proxy has the cluster's own
// minor version.
func (k addonKind) takes(version, kubernetes string) bool {
	m := addonVersionForm.FindStringSubmatch(version)
	if m == nil {
		return false
	}
	minor := m[1] + "." + m[2]
	if k.name == kubeProxy {
		return minor == kubernetes
	}
	return !minorLess(minor, k.oldest) && !minorLess(minorOf(k.lines[0].version), minor)
}

// defaultVersion is what an add-on is made with when no version is given.
func (k addonKind) defaultVersion(kubernetes string) string {
	if k.name == kubeProxy {
		return "v" + kubernetes + ".0-eksbuild.2"
	}
	for _, l := range k.lines {
		if !minorLess(kubernetes, l.from) && (l.upTo == "" || !minorLess(l.upTo, kubernetes)) {
			return l.version
		}
	}
	return k.lines[0].version
}

// listed are the versions that are shown for a Kubernetes version, newest
// first.
func (k addonKind) listed(kubernetes string) []string {
	if k.name == kubeProxy {
		return []string{k.defaultVersion(kubernetes)}
	}
	list := make([]string, 0, len(k.lines))
	for _, l := range k.lines {
		list = append(list, l.version)
	}
	return list
}

// minorOf is "1.13" of "v1.13.1-eksbuild.1".
func minorOf(version string) string {
	p := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	return p[0] + "." + p[1]
}

// minorLess compares "1.9" and "1.10"; "" is less than all.
func minorLess(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(minor string) []int {
	if minor == "" {
		return nil
	}
	var list []int
	for p := range strings.SplitSeq(minor, ".") {
		n, err := strconv.Atoi(p)
		if err != nil {
			panic(fmt.Sprintf("eks: version %q: %v", minor, err)) // only what matched a form gets here
		}
		list = append(list, n)
	}
	return list
}
