package e2e_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/neargate/neargate/fixtures"
)

// scaling: the HorizontalPodAutoscaler sees what a pod really uses.
func scaling(n *namespace) {
	n.apply(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: busy}
spec:
  replicas: 1
  selector: {matchLabels: {app: busy}}
  template:
    metadata: {labels: {app: busy}}
    spec:
      terminationGracePeriodSeconds: 1
      containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [spin, "600", serve], resources: {requests: {cpu: 50m}, limits: {cpu: 150m}}}]
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: busy}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: busy}
  maxReplicas: 2
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
`)
	n.comes(100*time.Second, "get hpa busy -o jsonpath={.status.desiredReplicas}", nil, func(s string) bool { return s == "2" }, "2")
	n.becomes("2", "get deployment busy -o jsonpath={.spec.replicas}")
	n.k("delete hpa,deployment busy")
}

// podsToCloudWatch: the ConfigMap aws-logging sends what pods write to
// CloudWatch Logs.
func podsToCloudWatch(n *namespace) {
	_, err := n.feed(`
apiVersion: v1
kind: Namespace
metadata: {name: aws-observability, labels: {aws-observability: enabled}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-logging, namespace: aws-observability}
data:
  output.conf: |
    [OUTPUT]
        Name cloudwatch_logs
        Match   *
        region us-east-1
        log_group_name /eks/e2e
        log_stream_prefix pods-
        auto_create_group true
`, "apply -f -")
	if err != nil {
		n.t.Fatal(err)
	}
	eventually(n.t, "a pod's Logging annotation says LoggingEnabled", 20*time.Second, func() error {
		if _, err := n.try("-n {} run writer --image={} --image-pull-policy=Never --restart=Never -- say {} serve", n.ns, podImage, "to CloudWatch"); err != nil {
			return err
		}
		out, err := n.try("-n {} get pod writer -o jsonpath={.metadata.annotations.Logging}", n.ns)
		if err != nil || out == "LoggingEnabled" {
			return err
		}
		_, err = n.try("-n {} delete pod writer --force", n.ns)
		return fmt.Errorf("it says %q %w", out, err)
	})
	n.ready("pod/writer")
	logs := cloudwatchlogs.NewFromConfig(n.server.config())
	eventually(n.t, "the line is in CloudWatch Logs", 20*time.Second, func() error {
		out, err := logs.FilterLogEvents(context.Background(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/eks/e2e"), LogStreamNamePrefix: aws.String("pods-")})
		if err != nil {
			return err
		}
		for _, e := range out.Events {
			if strings.Contains(aws.ToString(e.Message), "to CloudWatch") {
				return nil
			}
		}
		return fmt.Errorf("it is not among %d events", len(out.Events))
	})
	n.k("delete pod writer --grace-period=1")
}

// helm: a chart with hooks, up, forward, back and away.
func helm(n *namespace) {
	fixtures.RequireCommand(n.t, "helm")
	run := func(args ...string) string {
		n.t.Helper()
		cmd := exec.Command("helm", append([]string{"--kubeconfig", n.config, "-n", n.ns}, args...)...)
		cmd.Env = append(environment(), append(n.env(), "HELM_CACHE_HOME="+n.dir, "HELM_CONFIG_HOME="+n.dir, "HELM_DATA_HOME="+n.dir)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			n.t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	image := "image=" + podImage
	if out := run("install", "web", "testdata/chart", "--set", image, "--wait", "--timeout", "90s"); !strings.Contains(out, "STATUS: deployed") {
		n.t.Errorf("helm install: %s", out)
	}
	n.says("before-install after-install", "get jobs -o jsonpath={.items[*].metadata.labels.when} --sort-by=.metadata.creationTimestamp")
	run("test", "web", "--timeout", "60s")
	run("upgrade", "web", "testdata/chart", "--set", image, "--set", "text=second", "--set", "replicas=2", "--wait", "--timeout", "90s")
	n.holds("TEXT=second", "logs deployment/web")
	n.says("2", "get deployment web -o jsonpath={.status.readyReplicas}")
	run("rollback", "web", "1", "--wait", "--timeout", "90s")
	n.holds("TEXT=first", "logs deployment/web")
	if out := run("list", "-o", "json"); !strings.Contains(out, `"revision":"3"`) || !strings.Contains(out, `"status":"deployed"`) {
		n.t.Errorf("helm list: %s", out)
	}
	run("uninstall", "web", "--wait", "--timeout", "60s")
	n.becomes("", "get deployments,services,configmaps,pods -l app=web -o name")
}
