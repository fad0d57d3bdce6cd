package e2e_test

import (
	"strings"
	"time"
)

// jobs: they end as their pods do, and CronJobs make them.
func jobs(n *namespace) {
	n.apply(`
apiVersion: batch/v1
kind: Job
metadata: {name: good}
spec: {completions: 3, parallelism: 2, template: {spec: {restartPolicy: Never, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [say, done]}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: bad}
spec: {backoffLimit: 1, template: {spec: {restartPolicy: Never, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [fail, no way, "4"]}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: slow}
spec: {activeDeadlineSeconds: 3, template: {spec: {restartPolicy: Never, terminationGracePeriodSeconds: 1, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [serve]}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "* * * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: OnFailure, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [say, again]}]}}}}
`)
	n.k("wait --for=condition=complete --timeout=240s job/good")
	n.says("3", "get job good -o jsonpath={.status.succeeded}")
	n.k("create job --from=cronjob/often now")
	n.k("wait --for=condition=complete --timeout=240s job/now")
	n.becomes("again", "logs job/now")
	n.k("wait --for=condition=failed --timeout=240s job/bad")
	n.says("BackoffLimitExceeded 2", "get job bad -o jsonpath={}", "{.status.conditions[?(@.type=='Failed')].reason} {.status.failed}")
	n.says("4 Error no way", "get pods -l job-name=bad -o jsonpath={}", "{.items[0].status.containerStatuses[0].state.terminated.exitCode} {.items[0].status.containerStatuses[0].state.terminated.reason} {.items[0].status.containerStatuses[0].state.terminated.message}")
	n.k("wait --for=condition=failed --timeout=240s job/slow")
	n.says("DeadlineExceeded", "get job slow -o jsonpath={}", "{.status.conditions[?(@.type=='Failed')].reason}")
}

// stateful: one after the other, each with its own name, which stays.
func stateful(n *namespace) {
	n.apply(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 2
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {terminationGracePeriodSeconds: 2, containers: [{name: c, image: IMAGE, imagePullPolicy: Never, args: [listen, "8080", serve]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{port: 8080, name: http}]}
`)
	n.k("rollout status statefulset/db --timeout=240s")
	first := n.k("get pod db-0 -o jsonpath={.status.podIP}")
	n.becomes(first, "exec db-1 -- probe lookup db-0.db")
	n.becomes("db-0", "exec db-1 -- probe get http://db-0.db.t-stateful.svc.cluster.local:8080/")
	uid := n.k("get pod db-0 -o jsonpath={.metadata.uid}")
	n.k("delete pod db-0")
	n.comes(30*time.Second, "get pod db-0 -o jsonpath={}", []string{"{.metadata.uid} {.status.conditions[?(@.type=='Ready')].status}"},
		func(s string) bool { return !strings.HasPrefix(s, uid) && strings.HasSuffix(s, "True") }, "another pod")
	n.becomes("db-0", "exec db-1 -- probe get http://db-0.db:8080/")
}
