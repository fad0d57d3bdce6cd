package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// taskDefinition is what a tutorial's JSON file holds; %s is the image.
const taskDefinition = `{
  "family": "web", "cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
  "executionRoleArn": "arn:aws:iam::000000000000:role/ecsTaskExecutionRole",
  "containerDefinitions": [{
    "name": "web", "image": "%s", "essential": true, "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
    "logConfiguration": {"logDriver": "awslogs", "options": {
      "awslogs-group": "/ecs/web", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs", "awslogs-create-group": "true"}}
  }]
}`

// writeDefinition writes the file and returns what --cli-input-json takes.
func writeDefinition(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "web.json")
	if err := os.WriteFile(path, fmt.Appendf(nil, taskDefinition, webImage), 0o644); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// TestWalkOfAWSCLI is AWS's tutorial with the AWS CLI, step by step, against a
// server and containers on Docker.
func TestWalkOfAWSCLI(t *testing.T) {
	t.Parallel()
	requireImages(t)
	s := serve(t)
	w := &walk{t: t, cli: s.cli(t)}
	w.prepare()
	w.runTasks()
	for _, task := range w.tasks {
		w.visit(task)
		w.readLogs(task)
	}
	w.list()
	w.stopTasks()
	w.clear()
}

// walk is the state of the tutorial.
type walk struct {
	t             testing.TB
	cli           *cli
	subnet, group string
	tasks         []string // ARNs
}

func (w *walk) is(what, got, want string) {
	w.t.Helper()
	if got != want {
		w.t.Errorf("%s: %q, should be %q", what, got, want)
	}
}

func (w *walk) prepare() {
	w.t.Helper()
	w.is("create-cluster", w.cli.aws("ecs create-cluster --cluster-name fargate-cluster --query cluster.[clusterArn,status]"),
		"arn:aws:ecs:us-east-1:000000000000:cluster/fargate-cluster\tACTIVE")
	w.is("register-task-definition", w.cli.aws("ecs register-task-definition --cli-input-json {} --query taskDefinition.[taskDefinitionArn,status]", writeDefinition(w.t)),
		"arn:aws:ecs:us-east-1:000000000000:task-definition/web:1\tACTIVE")
	w.is("list-task-definitions", w.cli.aws("ecs list-task-definitions --query taskDefinitionArns"), "arn:aws:ecs:us-east-1:000000000000:task-definition/web:1")
	w.subnet = w.cli.aws("ec2 describe-subnets --filters Name=default-for-az,Values=true --query Subnets[0].SubnetId")
	w.group = w.cli.aws("ec2 describe-security-groups --filters Name=group-name,Values=default --query SecurityGroups[0].GroupId")
	if !strings.HasPrefix(w.subnet, "subnet-") || !strings.HasPrefix(w.group, "sg-") {
		w.t.Fatalf("subnet %q, security group %q", w.subnet, w.group)
	}
}

func (w *walk) runTasks() {
	w.t.Helper()
	out := w.cli.aws("ecs run-task --cluster fargate-cluster --task-definition web:1 --count 2 --launch-type FARGATE --started-by tutorial --group walkers "+
		"--network-configuration awsvpcConfiguration={subnets=[{}],securityGroups=[{}],assignPublicIp=ENABLED} --query tasks[].taskArn", w.subnet, w.group)
	w.tasks = strings.Fields(out)
	if len(w.tasks) != 2 {
		w.t.Fatalf("run-task --count 2 started %q", out)
	}
	w.cli.aws("ecs wait tasks-running --cluster fargate-cluster --tasks {} {}", w.tasks...)
	w.is("describe-tasks", w.cli.aws("ecs describe-tasks --cluster fargate-cluster --tasks {} {} --query tasks[].[lastStatus,launchType,containers[0].lastStatus,attachments[0].status]", w.tasks...),
		"RUNNING\tFARGATE\tRUNNING\tATTACHED\nRUNNING\tFARGATE\tRUNNING\tATTACHED")
	w.is("describe-clusters", w.cli.aws("ecs describe-clusters --clusters fargate-cluster --query clusters[0].[runningTasksCount,pendingTasksCount]"), "2\t0")
}

// visit goes from the task to its interface to its addresses, as the
// tutorials do, and asks the web server at both: both tasks serve port 80.
func (w *walk) visit(task string) {
	w.t.Helper()
	eni := w.cli.aws("ecs describe-tasks --cluster fargate-cluster --tasks {} --query {}", task, "tasks[0].attachments[0].details[?name=='networkInterfaceId'].value")
	private, public, _ := strings.Cut(w.cli.aws(
		"ec2 describe-network-interfaces --network-interface-ids {} --query NetworkInterfaces[0].[PrivateIpAddress,Association.PublicIp]", eni), "\t")
	w.is("privateIPv4Address", w.cli.aws("ecs describe-tasks --cluster fargate-cluster --tasks {} --query tasks[0].containers[0].networkInterfaces[0].privateIpv4Address", task), private)
	name := "hello from ip-" + strings.ReplaceAll(private, ".", "-") + ".ec2.internal at "
	for _, address := range []string{private, public} {
		body, err := get("http://" + address + "/")
		if err != nil || !strings.HasPrefix(body, name) {
			w.t.Errorf("GET http://%s/: %q, %v; should begin with %q", address, body, err, name)
		}
	}
}

// readLogs finds the two requests of visit.
func (w *walk) readLogs(task string) {
	w.t.Helper()
	stream := "ecs/web/" + task[strings.LastIndexByte(task, '/')+1:]
	lines := w.cli.aws("logs get-log-events --log-group-name /ecs/web --log-stream-name {} --start-from-head --query events[].[message]", stream)
	eventually(w.t, "both requests are logged", 10*time.Second, func() error {
		if strings.HasPrefix(lines, "listening on :80\n") && strings.Count(lines, "GET / for ") == 2 {
			return nil
		}
		lines = w.cli.aws("logs get-log-events --log-group-name /ecs/web --log-stream-name {} --start-from-head --query events[].[message]", stream)
		return fmt.Errorf("log events: %q", lines)
	})
	tail := "logs filter-log-events --log-group-name /ecs/web --log-stream-names {} --query events[].[message]" // what `logs tail` asks for
	if w.cli.isVersion2() {
		tail = "logs tail /ecs/web --log-stream-names {} --format short"
	}
	if got := w.cli.aws(tail, stream); strings.Count(got, "GET / for ") != 2 || !strings.Contains(got, "listening on :80") {
		w.t.Errorf("logs tail: %q", got)
	}
	w.is("filter pattern", w.cli.aws("logs filter-log-events --log-group-name /ecs/web --log-stream-names {} --filter-pattern listening --query length(events)", stream), "1")
}

// list tries every filter of list-tasks.
func (w *walk) list() {
	w.t.Helper()
	for _, row := range []struct {
		filter string
		want   int
	}{
		{"", 2}, {"--family web", 2}, {"--family other", 0}, {"--started-by tutorial", 2}, {"--started-by other", 0},
		{"--desired-status RUNNING", 2}, {"--desired-status STOPPED", 0}, {"--desired-status PENDING", 0},
		{"--launch-type FARGATE", 2}, {"--launch-type EC2", 0}, {"--family web --launch-type FARGATE --desired-status RUNNING", 2}, {"--no-paginate --max-results 1", 1},
	} {
		w.is("list-tasks "+row.filter, w.cli.aws("ecs list-tasks --cluster fargate-cluster "+row.filter+" --query length(taskArns)"), fmt.Sprint(row.want))
	}
	refused := w.cli.fails("ecs list-tasks --cluster fargate-cluster --service-name web")
	if !strings.Contains(refused, "(ServiceNotFoundException) when calling the ListTasks operation: Service not found.") {
		w.t.Errorf("list-tasks --service-name: %s", refused)
	}
	refused = w.cli.fails("ecs list-tasks --cluster nowhere")
	if !strings.Contains(refused, "(ClusterNotFoundException) when calling the ListTasks operation: Cluster not found.") {
		w.t.Errorf("list-tasks --cluster nowhere: %s", refused)
	}
}

func (w *walk) stopTasks() {
	w.t.Helper()
	refused := w.cli.fails("ecs delete-cluster --cluster fargate-cluster")
	if !strings.Contains(refused, "(ClusterContainsTasksException) when calling the DeleteCluster operation: The Cluster cannot be deleted while Tasks are active.") {
		w.t.Errorf("delete-cluster with tasks: %s", refused)
	}
	for _, task := range w.tasks {
		w.is("stop-task", w.cli.aws("ecs stop-task --cluster fargate-cluster --task {} --reason {} --query task.desiredStatus", task, "the walk is over"), "STOPPED")
	}
	w.cli.aws("ecs wait tasks-stopped --cluster fargate-cluster --tasks {} {}", w.tasks...)
	for _, task := range w.tasks {
		w.is("describe-tasks", w.cli.aws("ecs describe-tasks --cluster fargate-cluster --tasks {} --query tasks[0].[lastStatus,stopCode,stoppedReason,containers[0].exitCode,attachments[0].status]", task),
			"STOPPED\tUserInitiated\tthe walk is over\t0\tDELETED")
	}
	w.is("list-tasks", w.cli.aws("ecs list-tasks --cluster fargate-cluster --desired-status STOPPED --query length(taskArns)"), "2")
}

func (w *walk) clear() {
	w.t.Helper()
	w.is("deregister-task-definition", w.cli.aws("ecs deregister-task-definition --task-definition web:1 --query taskDefinition.status"), "INACTIVE")
	w.is("delete-task-definitions", w.cli.aws("ecs delete-task-definitions --task-definitions web:1 --query [taskDefinitions[0].status,length(failures)]"), "DELETE_IN_PROGRESS\t0")
	w.is("delete-cluster", w.cli.aws("ecs delete-cluster --cluster fargate-cluster --query cluster.status"), "INACTIVE")
	w.is("list-clusters", w.cli.aws("ecs list-clusters --query length(clusterArns)"), "0")
}

func get(url string) (string, error) {
	client := &http.Client{Timeout: time.Minute}
	answer, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return string(body), err
}
