package docker_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/docker"
	"github.com/neargate/neargate/emulator/sandbox/runtimetest"
	"github.com/neargate/neargate/emulator/store"
)

// times collects how long the parts of something take.
type times struct {
	names []string
	all   map[string][]time.Duration
	last  time.Time
}

func (m *times) begin() { m.last = time.Now() }

// took ends a part, which the next one follows.
func (m *times) took(name string) {
	now := time.Now()
	if m.all == nil {
		m.all = map[string][]time.Duration{}
	}
	if _, ok := m.all[name]; !ok {
		m.names = append(m.names, name)
	}
	m.all[name] = append(m.all[name], now.Sub(m.last))
	m.last = now
}

func (m *times) tell(t *testing.T) {
	t.Helper()
	for _, name := range m.names {
		d := m.all[name]
		slices.Sort(d)
		t.Logf("%-12s median %4d ms, %d to %d", name, d[len(d)/2].Milliseconds(), d[0].Milliseconds(), d[len(d)-1].Milliseconds())
	}
}

// TestPodTimes measures what a pod of one container with a projected token, a
// ConfigMap and an emptyDir costs. It is for people who compare.
func TestPodTimes(t *testing.T) {
	if os.Getenv("NEARGATE_MEASURE") == "" {
		t.Skip("NEARGATE_MEASURE is not set")
	}
	b := newBench(t, nil)
	first := b.spec(runtimetest.Program{})
	b.launch(first)
	b.down(first) // network and image are there then
	var m times
	for range 10 {
		whole := b.spec(runtimetest.Program{})
		whole.Steps, whole.Hostname, whole.Patient = 2, "web-7d4b9c-x2x9p", true
		whole.Network.Cluster = &sandbox.ClusterNetwork{Name: "arn:times", ServiceCIDR: "10.100.0.0/16", DNS: "10.100.0.10", API: "10.100.0.1:443"}
		whole.Volumes = []sandbox.Volume{
			{Name: "token", Mode: 0o777, Empty: true, Atomic: true, Files: []sandbox.File{{Path: "token", Mode: 0o644, Data: make([]byte, 1200)}, {Path: "ca.crt", Mode: 0o644, Data: make([]byte, 1100)}}},
			{Name: "config", Mode: 0o777, Empty: true, Atomic: true, Files: []sandbox.File{{Path: "nginx.conf", Mode: 0o644, Data: make([]byte, 4000)}}},
			{Name: "scratch", Mode: 0o777, Empty: true},
		}
		c := &whole.Containers[0]
		c.Restart.Fresh, c.Message = true, &sandbox.Message{Path: "/dev/termination-log"}
		for _, v := range whole.Volumes {
			c.Mounts = append(c.Mounts, sandbox.Mount{Volume: v.Name, Path: "/" + v.Name})
		}
		open := *whole
		open.Open, open.Containers, open.Volumes = true, nil, nil
		m.begin()
		b.up(&open)
		m.took("up, bare")
		b.up(whole)
		m.took("up, whole")
		b.start(whole)
		m.took("start")
		b.inspect(whole)
		m.took("inspect")
		if err := b.rt.Stop(b.ctx, whole, c, 2*time.Second); err != nil {
			t.Fatal(err)
		}
		m.took("stop")
		b.down(whole)
		m.took("down")
	}
	m.tell(t)
}

// TestTaskTimes measures a task without volumes out of the warm pool.
func TestTaskTimes(t *testing.T) {
	if os.Getenv("NEARGATE_MEASURE") == "" {
		t.Skip("NEARGATE_MEASURE is not set")
	}
	b := newBench(t, func(o *docker.Options) { o.Warm = 2 })
	first := b.spec(runtimetest.Program{})
	b.launch(first)
	b.down(first)
	var m times
	for range 10 {
		b.await("a warm sandbox", func() bool { return docker.Warm(b.rt) == 2 })
		s := b.spec(runtimetest.Program{})
		m.begin()
		b.up(s)
		m.took("up, warm")
		b.start(s)
		m.took("start")
		b.down(s)
		m.took("down")
	}
	m.tell(t)
}

// TestPodTimesOfTheEngine measures what an owner of a pod waits for.
func TestPodTimesOfTheEngine(t *testing.T) {
	if os.Getenv("NEARGATE_MEASURE") == "" {
		t.Skip("NEARGATE_MEASURE is not set")
	}
	p := newPods(t)
	p.down(p.spec()) // the Engine's state is known then
	var m times
	for range 10 {
		s := *p.spec()
		s.Steps, s.Patient, s.Open, s.Hostname = 2, true, true, "web-7d4b9c-x2x9p"
		whole := sandbox.Completion{
			Volumes:    []sandbox.Volume{{Name: "v", Mode: 0o777, Empty: true, Atomic: true, Files: []sandbox.File{{Path: "token", Mode: 0o644, Data: make([]byte, 1200)}}}},
			Containers: []sandbox.Container{p.container("web", runtimetest.Program{}, nil)},
		}
		m.begin()
		p.update(func(tx *store.Tx) error { return sandbox.Create(tx, s) })
		p.until(s.ID, "address", func(s *sandbox.Sandbox) bool { return s.Status.Height == 1 })
		m.took("address")
		p.update(func(tx *store.Tx) error { return sandbox.Complete(tx, s.ID, whole) })
		p.until(s.ID, "running", func(s *sandbox.Sandbox) bool {
			return len(s.Status.Containers) == 1 && s.Status.Containers[0].State == sandbox.ContainerRunning
		})
		m.took("running")
		p.update(func(tx *store.Tx) error {
			return sandbox.Stop(tx, s.ID, sandbox.Desired{Code: "x", Reason: "y"})
		})
		p.until(s.ID, "the end", func(s *sandbox.Sandbox) bool { return s.IsStopped() })
		m.took("stopped")
	}
	m.tell(t)
}
