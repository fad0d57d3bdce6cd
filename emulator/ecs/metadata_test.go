package ecs_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/emulator/sandbox"
)

// inside is the metadata endpoint as the containers of one task reach it.
type inside struct {
	t  *testing.T
	h  http.Handler
	id string // the first container's
}

// inside returns the endpoint of a task's sandbox. Behind it stands an AWS API
// that answers its own path.
func (w *world) inside(t *testing.T, task types.Task) inside {
	next := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, "AWS "+r.URL.Path) })
	var id string
	for _, v := range w.sandbox(idOf(task.TaskArn)).Spec.Containers[0].Env {
		if v.Name == "ECS_AGENT_URI" {
			id = v.Value[strings.LastIndexByte(v.Value, '/')+1:]
		}
	}
	return inside{t, w.Metadata(idOf(task.TaskArn), next), id}
}

func (i inside) do(method, path, body string, headers ...string) (int, string) {
	i.t.Helper()
	r := httptest.NewRequest(method, strings.ReplaceAll(path, "ID", i.id), strings.NewReader(body))
	for h := range len(headers) / 2 {
		r.Header.Set(headers[2*h], headers[2*h+1])
	}
	answer := httptest.NewRecorder()
	i.h.ServeHTTP(answer, r)
	return answer.Code, strings.ReplaceAll(strings.TrimSpace(answer.Body.String()), i.id, "ID")
}

func (i inside) get(path string) (int, string) { i.t.Helper(); return i.do(http.MethodGet, path, "") }

// running is a task of two containers with the engine's stages up to running.
func (w *world) running(change func(in *sdk.RunTaskInput)) types.Task {
	task := w.runOne(twoContainers(), change)
	for _, s := range life[:3] {
		w.becomes(idOf(task.TaskArn), func(box *sandbox.Sandbox) { s.change(box, time.Now().UTC()) })
	}
	return task
}

// TestMetadataDocuments holds every document, byte for byte but for what is
// random.
func TestMetadataDocuments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.running(func(in *sdk.RunTaskInput) { in.Tags = []types.Tag{tag("team", "a")} })
		box := w.inside(t, task)
		w.usage[idOf(task.TaskArn)] = sandbox.Stats{
			At: time.Now().UTC(), RxBytes: 1000, TxBytes: 2000, RxPackets: 10, TxPackets: 20, RxErrors: 1, TxErrors: 2, RxDropped: 3, TxDropped: 4,
			Containers: map[string]sandbox.ContainerStats{"web": {
				CPU: time.Second, OnlineCPUs: 2, SystemCPU: time.Minute, Memory: 1 << 20, MemoryCache: 1 << 10, MemoryLimit: 1 << 28, MemoryMax: 1 << 21,
				PIDs: 3, ReadBytes: 5, WrittenBytes: 6,
			}},
		}
		for _, c := range []struct{ name, path string }{
			{"v4-container", "/v4/ID"}, {"v4-task", "/v4/ID/task"}, {"v4-task-tags", "/v4/ID/taskWithTags"}, {"v4-stats", "/v4/ID/stats"},
			{"v3-container", "/v3/ID"}, {"v3-task", "/v3/ID/task"}, {"v2-task", "/v2/metadata"}, {"v2-container", "/v2/metadata/ID"},
		} {
			status, body := box.get(c.path)
			if status != http.StatusOK {
				t.Errorf("%s: %d %s", c.path, status, body)
			}
			golden(t, "metadata-"+c.name, []byte(strings.ReplaceAll(body, `"ID`, `"`+box.id)))
		}
		for _, same := range [][2]string{
			{"/v2/metadata", "/v2/metadata/"}, {"/v2/metadataWithTags", "/v3/ID/taskWithTags"}, {"/v2/stats", "/v4/ID/task/stats"}, {"/v2/stats/ID", "/v3/ID/stats"},
		} {
			_, one := box.get(same[0])
			status, other := box.get(same[1])
			if one != other || status != http.StatusOK {
				t.Errorf("%s says %s\n%s says %s", same[0], one, same[1], other)
			}
		}
	})
}

// TestMetadataPaths: who gets what, and who is sent where.
func TestMetadataPaths(t *testing.T) {
	w := newWorld(t)
	box := w.inside(t, w.running(nil))
	gone := w.Metadata(unknownID, http.NotFoundHandler())
	const noContainer = "unable to get container ID from request: unable to get docker ID from v3 endpoint ID: nobody\""
	const noTask = "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: nobody\""
	for _, c := range []struct {
		path   string
		status int
		body   string
	}{
		{"/v4/nobody", 404, `"V4 container metadata handler: ` + noContainer},
		{"/v3/nobody", 404, `"V3 container metadata handler: ` + noContainer},
		{"/v4/nobody/task", 404, `"V4 task metadata handler: ` + noTask},
		{"/v4/nobody/taskWithTags", 404, `"V4 task metadata handler: ` + noTask},
		{"/v4/nobody/stats", 404, `"V4 container stats handler: ` + noTask},
		{"/v4/nobody/task/stats", 404, `"V4 task stats handler: ` + noTask},
		{"/v2/metadata/nobody", 404, `"V2 container metadata handler: ` + noContainer},
		{"/v4/ID/stats", 500, `"failed to get container stats: it does not run"`},
		{"/v4/ID/associations/elastic-inference", 200, `{"Associations":[]}`},
		{"/v4/ID/associations/elastic-inference/one", 404, `"V4 container association handler: the container has no association one of type elastic-inference"`},
		{"/v4/nobody/associations/elastic-inference", 404, `"V4 container associations handler: ` + noTask},
		{"/v4/ID/nonsense", 404, "404 page not found"},
		{"/v3/", 404, "404 page not found"},
		{"/api/ID/nonsense", 404, "404 page not found"},
		{"/", 200, "AWS /"},
		{"/v2/apis", 200, "AWS /v2/apis"},
		{"/v1/email", 200, "AWS /v1/email"},
		{"/v4/ID?X-Amz-Signature=x", 200, "AWS /v4/ID"},
	} {
		if status, body := box.get(c.path); status != c.status || body != c.body {
			t.Errorf("%s\ngot  %d %s\nwant %d %s", c.path, status, body, c.status, c.body)
		}
	}
	if status, body := box.do(http.MethodPost, "/v4/ID", "", "Authorization", "AWS4-HMAC-SHA256 Credential=x"); status != 200 || body != "AWS /v4/ID" {
		t.Errorf("a signed request: %d %s", status, body)
	}
	answer := httptest.NewRecorder()
	gone.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/v2/metadata", nil))
	if answer.Code != http.StatusNotFound || answer.Header().Get("Content-Type") != "application/json" {
		t.Errorf("a sandbox that is gone: %d %s", answer.Code, answer.Body)
	}
}

// TestMetadataFollowsTheTask: documents change with the container's state.
func TestMetadataFollowsTheTask(t *testing.T) {
	w := newWorld(t)
	d := fargateDefinition("web")
	d.ContainerDefinitions[0].RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true)}
	d.ContainerDefinitions[0].PortMappings = []types.PortMapping{{ContainerPort: aws.Int32(80)}}
	task := w.runOne(d, nil)
	box := w.inside(t, task)
	type document struct {
		KnownStatus, DesiredStatus string
		ExitCode, RestartCount     *int
		Networks                   []struct{ IPv4Addresses []string }
		Ports                      []struct{ ContainerPort, HostPort int }
	}
	read := func() (d document) {
		t.Helper()
		if _, body := box.get("/v4/ID"); json.Unmarshal([]byte(body), &d) != nil {
			t.Fatal(body)
		}
		return d
	}
	if d := read(); d.KnownStatus != "NONE" || d.DesiredStatus != "RUNNING" || len(d.Networks[0].IPv4Addresses) != 0 || len(d.Ports) != 1 || d.Ports[0].HostPort != 80 {
		t.Errorf("before its start: %+v", d)
	}
	w.becomes(idOf(task.TaskArn), func(s *sandbox.Sandbox) {
		s.Status.Containers[0].State, s.Status.Containers[0].Attempt = sandbox.ContainerCreated, 2
	})
	if d := read(); d.KnownStatus != "CREATED" || *d.RestartCount != 2 || d.ExitCode != nil {
		t.Errorf("started again: %+v", d)
	}
	w.becomes(idOf(task.TaskArn), func(s *sandbox.Sandbox) {
		s.Desired.Stopped = true
		s.Status.Containers[0].State, s.Status.Containers[0].ExitCode = sandbox.ContainerStopped, aws.Int(3)
	})
	if d := read(); d.KnownStatus != "STOPPED" || d.DesiredStatus != "STOPPED" || *d.ExitCode != 3 {
		t.Errorf("at its end: %+v", d)
	}
}

// TestRates: two readings make rates, within ten minutes of each other; the
// same reading twice is one.
func TestRates(t *testing.T) {
	w := newWorld(t)
	task := w.running(nil)
	id, box := idOf(task.TaskArn), w.inside(t, task)
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name   string
		at     time.Duration
		rx, tx uint64
		want   string
	}{
		{"the first", 0, 1000, 0, ""},
		{"the same again", 0, 1000, 0, ""},
		{"two seconds later", 2 * time.Second, 3000, 100, `{"rx_bytes_per_sec":1000,"tx_bytes_per_sec":50}`},
		{"the same again has the same rates", 2 * time.Second, 3000, 100, `{"rx_bytes_per_sec":1000,"tx_bytes_per_sec":50}`},
		{"counted anew", 3 * time.Second, 0, 200, `{"rx_bytes_per_sec":0,"tx_bytes_per_sec":100}`},
		{"much later", 20 * time.Minute, 5000, 200, ""},
	} {
		w.usage[id] = sandbox.Stats{At: start.Add(c.at), RxBytes: c.rx, TxBytes: c.tx, Containers: map[string]sandbox.ContainerStats{"web": {CPU: c.at, OnlineCPUs: 1, MemoryLimit: 1 << 40}}}
		status, body := box.get("/v4/ID/stats")
		var got struct {
			Read    time.Time       `json:"read"`
			PreRead time.Time       `json:"preread"`
			Rates   json.RawMessage `json:"network_rate_stats"`
			CPU     cpuUsage        `json:"cpu_stats"`
			PreCPU  cpuUsage        `json:"precpu_stats"`
			Memory  struct {
				Limit int64 `json:"limit"`
			} `json:"memory_stats"`
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %s", c.name, status, body)
		}
		if string(got.Rates) != c.want || got.CPU.Usage.Total != c.at || (got.PreRead.IsZero() != (c.want == "")) || got.PreCPU.Usage.Total > got.CPU.Usage.Total || got.Memory.Limit != 512<<20 {
			t.Errorf("%s: %s", c.name, body)
		}
	}
	if _, body := box.get("/v4/ID/task/stats"); !strings.Contains(body, ":null") {
		t.Errorf("the container that does not run has null: %s", body)
	}
}

type cpuUsage struct {
	Usage struct {
		Total time.Duration `json:"total_usage"`
	} `json:"cpu_usage"`
}

// TestCredentials: a task's containers find the credentials of its role, the
// same ones until they are about to expire.
func TestCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		task := w.running(nil)
		box := w.inside(t, task)
		path := ""
		for _, v := range w.sandbox(idOf(task.TaskArn)).Spec.Containers[1].Env {
			if v.Name == "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" {
				path = v.Value
			}
		}
		want := `{"RoleArn":"arn:aws:iam::` + testAccount + `:role/app","AccessKeyId":"ASIA1","SecretAccessKey":"arn:aws:iam::` + testAccount +
			`:role/app","Token":"` + testAccount + "/" + testRegion + " " + idOf(task.TaskArn) + `","Expiration":"2000-01-01T01:00:00Z"}`
		v1 := "/v1/credentials?id=" + strings.TrimPrefix(path, "/v2/credentials/")
		for _, p := range []string{path, path, v1} {
			if status, body := box.get(p); status != http.StatusOK || body != want {
				t.Errorf("%s\ngot  %d %s\nwant %s", p, status, body, want)
			}
		}
		time.Sleep(45*time.Minute + time.Second)
		if _, body := box.get(path); !strings.Contains(body, `"ASIA2"`) || !strings.Contains(body, "01:45:01Z") {
			t.Errorf("a quarter of an hour before their end there are new ones, not %s", body)
		}
		w.roles.err = errors.New("STS is away")
		time.Sleep(time.Hour)
		plain := w.inside(t, w.runOne(fargateDefinition("plain"), nil))
		for _, c := range []struct {
			who    inside
			path   string
			status int
			body   string
		}{
			{box, "/v2/credentials/", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
			{box, "/v2/credentials", 400, `{"code":"NoIdInRequest","message":"CredentialsV2Request: No Credential ID in the request","HTTPErrorCode":400}`},
			{box, "/v1/credentials", 400, `{"code":"NoIdInRequest","message":"CredentialsV1Request: No Credential ID in the request","HTTPErrorCode":400}`},
			{box, "/v2/credentials/guess", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
			{box, "/v1/credentials?id=guess", 400, `{"code":"InvalidIdInRequest","message":"CredentialsV1Request: Credentials not found","HTTPErrorCode":400}`},
			{plain, path, 400, `{"code":"InvalidIdInRequest","message":"CredentialsV2Request: Credentials not found","HTTPErrorCode":400}`},
			{box, path, 500, `{"code":"InternalServerError","message":"CredentialsV2Request: Internal server error: STS is away","HTTPErrorCode":500}`},
		} {
			if status, body := c.who.get(c.path); status != c.status || body != c.body {
				t.Errorf("%s\ngot  %d %s\nwant %d %s", c.path, status, body, c.status, c.body)
			}
		}
	})
}

// TestAgentAPI: task protection and faults for tasks that can have neither.
func TestAgentAPI(t *testing.T) {
	w := newWorld(t)
	d := fargateDefinition("roleless")
	roleless := w.runOne(d, nil)
	faulty := fargateDefinition("faulty")
	faulty.EnableFaultInjection = aws.Bool(true)
	task := w.running(nil)
	box, plain, broken := w.inside(t, task), w.inside(t, roleless), w.inside(t, w.runOne(faulty, nil))
	const state, fault = "/api/ID/task-protection/v1/state", "/api/ID/fault/v1/network-latency/start"
	standalone := `{"failure":{"Arn":"` + *task.TaskArn + `","Detail":"The task does not belong to a service.","Reason":"TASK_NOT_VALID"}}`
	noRole := `{"error":{"Arn":"` + *roleless.TaskArn + `","Code":"AccessDeniedException","Message":"Invalid Request: no task IAM role credentials available for task"}}`
	undecoded := `{"error":{"Code":"InvalidParameterException","Message":"UpdateTaskProtection: failed to decode request"}}`
	nobody := `{"error":{"Code":"ResourceNotFoundException","Message":"Failed to find a task for the request"}}`
	for _, c := range []struct {
		who                inside
		method, path, body string
		status             int
		want               string
	}{
		{box, "GET", state, "", 200, standalone},
		{box, "PUT", state, `{"ProtectionEnabled":true,"ExpiresInMinutes":60}`, 200, standalone},
		{box, "PUT", state, `{"ProtectionEnabled":true,"Forever":true}`, 400, undecoded},
		{box, "PUT", state, `no JSON`, 400, undecoded},
		{box, "PUT", state, `{}`, 400, `{"error":{"Arn":"` + *task.TaskArn + `","Code":"InvalidParameterException","Message":"Invalid request: does not contain 'ProtectionEnabled' field"}}`},
		{box, "PUT", state, `{"ProtectionEnabled":true,"ExpiresInMinutes":2881}`, 400,
			`{"error":{"Arn":"` + *task.TaskArn + `","Code":"InvalidParameterException","Message":"expiresInMinutes should be between 1 and 2880"}}`},
		{plain, "GET", state, "", 403, noRole},
		{plain, "PUT", state, `{"ProtectionEnabled":false}`, 403, noRole},
		{box, "GET", strings.Replace(state, "ID", "nobody", 1), "", 404, nobody},
		{box, "PUT", strings.Replace(state, "ID", "nobody", 1), `{"ProtectionEnabled":true}`, 404, nobody},
		{box, "POST", fault, `{}`, 400, `{"Error":"enableFaultInjection is not enabled for task: ` + *task.TaskArn + `"}`},
		{broken, "POST", fault, `{}`, 500, `{"Error":"fault injection is not available in Neargate"}`},
		{broken, "POST", strings.Replace(fault, "ID", "nobody", 1), `{}`, 404, `{"Error":"unable to lookup container: nobody"}`},
		{broken, "POST", "/api/ID/fault/v1/disk-full/start", `{}`, 404, "404 page not found"},
		{broken, "GET", fault, "", 404, "404 page not found"},
	} {
		if status, body := c.who.do(c.method, c.path, c.body); status != c.status || body != c.want {
			t.Errorf("%s %s %s\ngot  %d %s\nwant %d %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
}
