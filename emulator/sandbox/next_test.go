package sandbox

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// row is a record in few words. Containers are "name state[!][flags]", of
// which the first is essential.
type row struct {
	height     int
	falling    bool
	stopped    bool // desired
	containers []ContainerStatus
	change     func(*Sandbox)
}

func (r row) sandbox() *Sandbox {
	s := &Sandbox{Spec: Spec{ID: "x", Steps: 3}, CreatedAt: t0}
	s.Status.Height, s.Status.Falling, s.Status.StepAt = r.height, r.falling, t0
	if r.stopped {
		s.want("UserInitiated", "Task stopped by user", t0)
	}
	for i, cs := range r.containers {
		cs.Name = string(rune('a' + i))
		if cs.Health == "" {
			cs.Health = HealthUnknown
		}
		s.Spec.Containers = append(s.Spec.Containers, Container{Name: cs.Name, Essential: i == 0})
		cs.assess(&s.Spec.Containers[i])
		s.Status.Containers = append(s.Status.Containers, cs)
	}
	if r.height > 0 && !r.falling {
		s.Status.PullStartedAt, s.Status.PullStoppedAt = t0, t0
	}
	if r.change != nil {
		r.change(s)
	}
	return s
}

func is(state ContainerState) ContainerStatus { return ContainerStatus{State: state} }

func runningSince(d time.Duration) ContainerStatus {
	return ContainerStatus{State: ContainerRunning, StartedAt: t0.Add(-d)}
}

func ended(code int) ContainerStatus {
	return ContainerStatus{State: ContainerStopped, StartedAt: t0.Add(-time.Minute), FinishedAt: t0, ExitCode: &code}
}

// sees is a view in which all that the record says is there.
func sees(s *Sandbox, change func(*view)) view {
	v := view{known: true, targets: true}
	v.Up = s.Status.Height > 0
	v.Containers = map[string]ObservedContainer{}
	for _, cs := range s.Status.Containers {
		if cs.State == ContainerRunning || cs.State == ContainerStopped && !cs.StartedAt.IsZero() || cs.State == ContainerCreated {
			o := ObservedContainer{State: cs.State, Attempt: cs.Attempt, StartedAt: cs.StartedAt, FinishedAt: cs.FinishedAt}
			if cs.ExitCode != nil {
				o.ExitCode = *cs.ExitCode
			}
			v.Containers[cs.Name] = o
		}
	}
	if change != nil {
		change(&v)
	}
	return v
}

func exits(name string, code int) func(*view) {
	return func(v *view) {
		v.Containers[name] = ObservedContainer{State: ContainerStopped, StartedAt: t0.Add(-time.Minute), FinishedAt: t0, ExitCode: code}
	}
}

// say tells an action in a line: the verb, its containers, when to look
// again; for record what the record then is.
func say(a action) string {
	parts := []string{string(a.verb)}
	if a.verb == rest {
		parts[0] = "rest"
	}
	parts = append(parts, a.containers...)
	if a.after != nil {
		parts = append(parts, LastStatus(a.after))
		if a.after.Desired.Stopped {
			parts = append(parts, a.after.Desired.Code)
		}
		for _, cs := range a.after.Status.Containers {
			parts = append(parts, string(cs.State))
		}
	}
	if a.again > 0 {
		parts = append(parts, "again "+a.again.String())
	}
	return strings.Join(parts, " ")
}

func TestNext(t *testing.T) {
	need := func(condition Condition) func(*Sandbox) {
		return func(s *Sandbox) {
			s.Spec.Containers[1].Needs = []Need{{Container: "a", Condition: condition}}
			s.Spec.Containers[0].Essential = false
			s.Spec.Containers[1].Essential = true
		}
	}
	for name, c := range map[string]struct {
		row  row
		sees func(*view)
		want string
	}{
		"new":                         {row{0, false, false, []ContainerStatus{is(ContainerPending)}, nil}, nil, "up"},
		"new and to stop":             {row{0, false, true, []ContainerStatus{is(ContainerPending)}, nil}, nil, "record DEPROVISIONING UserInitiated PENDING"},
		"network up":                  {row{1, false, false, []ContainerStatus{is(ContainerPending)}, nil}, nil, "record PENDING PULLING"},
		"pulling":                     {row{1, false, false, []ContainerStatus{is(ContainerPulling), is(ContainerPulled)}, nil}, nil, "pull a"},
		"pulled":                      {row{1, false, false, []ContainerStatus{is(ContainerPulled), is(ContainerPulled)}, nil}, nil, "start a b"},
		"created, not started":        {row{1, false, false, []ContainerStatus{is(ContainerCreated), runningSince(0)}, nil}, nil, "start a"},
		"waits for a start":           {row{1, false, false, []ContainerStatus{is(ContainerPulled), is(ContainerPulled)}, need(Start)}, nil, "start a"},
		"start reached":               {row{1, false, false, []ContainerStatus{runningSince(0), is(ContainerPulled)}, need(Start)}, nil, "start b"},
		"start was, and ended":        {row{1, false, false, []ContainerStatus{ended(1), is(ContainerPulled)}, need(Start)}, nil, "start b"},
		"success not yet":             {row{1, false, false, []ContainerStatus{runningSince(0), is(ContainerPulled)}, need(Success)}, nil, "rest"},
		"success":                     {row{1, false, false, []ContainerStatus{ended(0), is(ContainerPulled)}, need(Success)}, nil, "start b"},
		"complete with any code":      {row{1, false, false, []ContainerStatus{ended(7), is(ContainerPulled)}, need(Exited)}, nil, "start b"},
		"success never":               {row{1, false, false, []ContainerStatus{ended(7), is(ContainerPulled)}, need(Success)}, nil, "record STOPPING TaskFailedToStart STOPPED PULLED"},
		"essential gone while others": {row{1, false, false, []ContainerStatus{ended(7), is(ContainerPulled)}, nil}, nil, "record STOPPING EssentialContainerExited STOPPED PULLED"},
		"all run":                     {row{1, false, false, []ContainerStatus{runningSince(0)}, nil}, nil, "record ACTIVATING RUNNING"},
		"all ran":                     {row{1, false, false, []ContainerStatus{ended(0)}, nil}, nil, "record ACTIVATING STOPPED"},
		"activating":                  {row{2, false, false, []ContainerStatus{runningSince(0)}, nil}, nil, "raise"},
		"activating what is over":     {row{2, false, false, []ContainerStatus{ended(0)}, nil}, nil, "record RUNNING STOPPED"},
		"activating without targets":  {row{2, false, false, []ContainerStatus{runningSince(0)}, nil}, func(v *view) { v.targets = false }, "record RUNNING RUNNING"},
		"running":                     {row{3, false, false, []ContainerStatus{runningSince(0)}, nil}, nil, "rest"},
		"running, exit seen":          {row{3, false, false, []ContainerStatus{runningSince(0)}, nil}, exits("a", 3), "record DEACTIVATING EssentialContainerExited STOPPED"},
		"running, other exit seen":    {row{3, false, false, []ContainerStatus{runningSince(0), runningSince(0)}, nil}, exits("b", 3), "record RUNNING RUNNING STOPPED"},
		"running, container gone":     {row{3, false, false, []ContainerStatus{runningSince(0)}, nil}, func(v *view) { v.Containers = nil }, "record DEACTIVATING EssentialContainerExited STOPPED"},
		"running, namespace gone":     {row{3, false, false, []ContainerStatus{runningSince(0)}, nil}, func(v *view) { v.Up, v.Containers = false, nil }, "record DEACTIVATING TerminationNotice STOPPED"},
		"starting, namespace gone":    {row{1, false, false, []ContainerStatus{is(ContainerPulled)}, nil}, func(v *view) { v.Up = false }, "record STOPPING TaskFailedToStart PULLED"},
		"an older attempt is seen": {row{3, false, false, []ContainerStatus{{State: ContainerRunning, Attempt: 2, StartedAt: t0}}, nil}, func(v *view) {
			v.Containers["a"] = ObservedContainer{State: ContainerStopped, Attempt: 1}
		}, "rest"},
		"stopped seen running again":  {row{3, false, false, []ContainerStatus{runningSince(0), ended(0)}, nil}, func(v *view) { v.Containers["b"] = ObservedContainer{State: ContainerRunning, StartedAt: t0} }, "rest"},
		"to stop":                     {row{3, false, true, []ContainerStatus{runningSince(0)}, nil}, nil, "record DEACTIVATING UserInitiated RUNNING"},
		"deactivating":                {row{3, true, true, []ContainerStatus{runningSince(0)}, nil}, nil, "lower"},
		"stopping":                    {row{2, true, true, []ContainerStatus{runningSince(0), runningSince(0)}, nil}, nil, "stop a b"},
		"stopping in order":           {row{2, true, true, []ContainerStatus{runningSince(0), runningSince(0)}, need(Start)}, nil, "stop b"},
		"stopping, logs not read yet": {row{2, true, true, []ContainerStatus{ended(0)}, nil}, func(v *view) { v.undrained = map[string]time.Duration{"a": time.Second} }, "rest again 1s"},
		"all ended":                   {row{2, true, true, []ContainerStatus{ended(0), is(ContainerPulled)}, nil}, nil, "record DEPROVISIONING UserInitiated STOPPED STOPPED"},
		"deprovisioning":              {row{1, true, true, []ContainerStatus{ended(0)}, nil}, nil, "down"},
		"stopped":                     {row{0, true, true, []ContainerStatus{ended(0)}, nil}, func(v *view) { v.Up = false }, "rest"},
		"restart due": {row{3, false, false, []ContainerStatus{runningSince(0), ended(1)}, func(s *Sandbox) {
			s.Status.Containers[1].RestartAt = t0
		}}, nil, "start b"},
		"restart later": {row{3, false, false, []ContainerStatus{runningSince(0), ended(1)}, func(s *Sandbox) {
			s.Status.Containers[1].RestartAt = t0.Add(5 * time.Second)
		}}, nil, "rest again 5s"},
		"restart after the logs": {row{3, false, false, []ContainerStatus{runningSince(0), ended(1)}, func(s *Sandbox) {
			s.Status.Containers[1].RestartAt = t0
		}}, func(v *view) { v.undrained = map[string]time.Duration{"b": time.Second} }, "rest again 1s"},
		"start timeout ahead": {row{1, false, false, []ContainerStatus{runningSince(20 * time.Second), is(ContainerPulled)}, func(s *Sandbox) {
			need(Exited)(s)
			s.Spec.Containers[0].StartTimeout = time.Minute
		}}, nil, "rest again 40s"},
		"start timeout over": {row{1, false, false, []ContainerStatus{runningSince(time.Minute), is(ContainerPulled)}, func(s *Sandbox) {
			need(Exited)(s)
			s.Spec.Containers[0].StartTimeout = time.Minute
		}}, nil, "record STOPPING TaskFailedToStart RUNNING PULLED"},
		"liveness": {row{3, false, false, []ContainerStatus{{State: ContainerRunning, StartedAt: t0, Reason: "dead"}}, nil}, func(v *view) {
			v.probes = map[string]*probed{"a": {kill: "dead"}}
		}, "stop a"},
		"liveness of an attempt before": {row{3, false, false, []ContainerStatus{{State: ContainerRunning, StartedAt: t0, Attempt: 1}}, nil}, func(v *view) {
			v.probes = map[string]*probed{"a": {kill: "dead"}}
		}, "rest"},
		"post start": {row{1, false, false, []ContainerStatus{runningSince(0)}, func(s *Sandbox) {
			s.Spec.Containers[0].PostStart = &Action{Exec: []string{"x"}}
			cs := &s.Status.Containers[0]
			cs.Started, cs.Ready, cs.Satisfied = false, false, nil // they wait for it
			s.Status.Containers[0].Satisfied = nil
		}}, nil, "post-start a"},
		"delay": {row{0, false, false, []ContainerStatus{is(ContainerPending)}, nil}, func(v *view) {
			v.delay = func(int, bool) time.Duration { return time.Minute }
		}, "rest again 1m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.row.sandbox()
			before := fmt.Sprint(s)
			if got := say(next(s, sees(s, c.sees), t0)); got != c.want {
				t.Errorf("next: %s\nwant: %s", got, c.want)
			}
			if fmt.Sprint(s) != before {
				t.Error("next changed the record that it was given")
			}
		})
	}
}

func TestKillForTheWholeSandboxsMemory(t *testing.T) {
	for _, c := range []struct {
		known, seen, code int
		want              bool
	}{{0, 0, 137, false}, {0, 1, 137, true}, {1, 1, 137, false}, {0, 1, 1, false}} {
		s := row{3, false, false, []ContainerStatus{runningSince(0)}, nil}.sandbox()
		s.Status.OOMKills = c.known
		v := sees(s, exits("a", c.code))
		v.OOMKills = c.seen
		a := next(s, v, t0)
		if cs := a.after.Status.Containers[0]; cs.OOMKilled != c.want || c.want != (cs.Reason == reasonOOM) {
			t.Errorf("%+v: %+v", c, cs)
		}
	}
}

func TestBackoff(t *testing.T) {
	r := Restart{Backoff: 10 * time.Second, MaxBackoff: 5 * time.Minute}
	var got []string
	for n := range 8 {
		got = append(got, r.wait(n).String())
	}
	if s := strings.Join(got, " "); s != "0s 10s 20s 40s 1m20s 2m40s 5m0s 5m0s" {
		t.Error(s)
	}
	r.ResetBackoff = 10 * time.Minute
	cs := ContainerStatus{StartedAt: t0, FinishedAt: t0.Add(11 * time.Minute), Streak: 6}
	if cs.restart(&r); !cs.RestartAt.Equal(cs.FinishedAt) || cs.Streak != 1 {
		t.Errorf("after a long run: %+v", cs)
	}
}

func TestTaskHealth(t *testing.T) {
	const u, h, x = HealthUnknown, HealthHealthy, HealthUnhealthy
	type one struct {
		essential, check bool
		health           Health
	}
	for i, c := range []struct {
		all  []one
		want Health
	}{
		{nil, u},
		{[]one{{true, false, u}}, u},
		{[]one{{true, true, h}}, h},
		{[]one{{true, true, h}, {true, false, u}}, h},
		{[]one{{true, true, h}, {true, true, u}}, u},
		{[]one{{true, true, u}, {true, true, x}}, x},
		{[]one{{true, true, h}, {false, true, x}}, h},
	} {
		s := &Sandbox{}
		for _, o := range c.all {
			k := Container{Essential: o.essential}
			if o.check {
				k.Health = &Probe{}
			}
			s.Spec.Containers = append(s.Spec.Containers, k)
			s.Status.Containers = append(s.Status.Containers, ContainerStatus{Health: o.health})
		}
		if got := TaskHealth(s); got != c.want {
			t.Errorf("row %d: %s, want %s", i, got, c.want)
		}
	}
}
