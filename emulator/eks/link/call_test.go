package link_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Every call arrives with what it was given, and its answer comes back whole.
func TestCalls(t *testing.T) {
	grace := 3 * time.Second
	spec := sandbox.Spec{ID: "0123456789abcdef0123456789abcdef", Owner: "o", Open: true, Size: sandbox.Size{CPU: 256}}
	container := sandbox.Container{Name: "c", Env: []sandbox.EnvVar{{Name: "A", Value: "<&>\u2028"}}, StopTimeout: grace}
	files := []sandbox.File{{Path: "a", Mode: 0o644, Data: []byte{0, 255, 10}}}
	table := sandbox.ServiceTable{Zones: []string{"cluster.local"}, Services: []sandbox.Service{{
		Addresses: []netip.Addr{netip.MustParseAddr("10.100.0.7")},
		Ports:     []sandbox.ServicePort{{Protocol: "tcp", Port: 80, Endpoints: []netip.AddrPort{netip.MustParseAddrPort("10.0.0.1:8080")}}},
	}}}
	balancers := []link.LoadBalancer{{Name: "a/b", Ports: []link.LoadBalancerPort{{Protocol: "tcp", Port: 80}}}}
	answer := link.Configuration{Attempt: 3, Container: container, Trouble: "CreateContainerConfigError", Text: "why"}
	completion := link.Completion{Containers: []sandbox.Container{container}, Labels: map[string]string{"a": "b"}}
	for _, c := range []struct {
		name string
		args []any
		out  any
		call func(context.Context, *link.ParentClient) (any, error)
	}{
		{"create", []any{spec}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) { return nil, p.CreateSandbox(ctx, spec) }},
		{"complete", []any{spec.ID, completion}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.CompleteSandbox(ctx, spec.ID, completion)
		}},
		{"add", []any{spec.ID, container}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.AddContainer(ctx, spec.ID, container)
		}},
		{"configure", []any{spec.ID, "c", answer}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.ConfigureContainer(ctx, spec.ID, "c", answer)
		}},
		{"resize", []any{spec.ID, "c", sandbox.Resources{CPU: 1, Memory: 2}}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.ResizeContainer(ctx, spec.ID, "c", sandbox.Resources{CPU: 1, Memory: 2})
		}},
		{"restart", []any{spec.ID, "c", 3, "because"}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.RestartContainer(ctx, spec.ID, "c", 3, "because")
		}},
		{"stop", []any{spec.ID, "UserInitiated", "because", &grace}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.StopSandbox(ctx, spec.ID, "UserInitiated", "because", &grace)
		}},
		{"stop", []any{spec.ID, "", "", (*time.Duration)(nil)}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.StopSandbox(ctx, spec.ID, "", "", nil)
		}},
		{"remove", []any{spec.ID}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.RemoveSandbox(ctx, spec.ID)
		}},
		{"files", []any{spec.ID, "v", files}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return nil, p.WriteFiles(ctx, spec.ID, "v", files)
		}},
		{"hostpath", []any{spec.ID, "/var/log", "Directory"}, link.HostPathState{Place: "var/log", Refused: "it is a file"}, func(ctx context.Context, p *link.ParentClient) (any, error) {
			return p.HostPath(ctx, spec.ID, "/var/log", "Directory")
		}},
		{"stats", []any{spec.ID}, sandbox.Stats{RxBytes: 7, Containers: map[string]sandbox.ContainerStats{"c": {CPU: 5}}},
			func(ctx context.Context, p *link.ParentClient) (any, error) { return p.Stats(ctx, spec.ID) }},
		{"authenticate", []any{"k8s-aws-v1.x"}, link.Identity{ARN: "a", SessionName: "s"},
			func(ctx context.Context, p *link.ParentClient) (any, error) {
				return p.Authenticate(ctx, "k8s-aws-v1.x")
			}},
		{"services", []any{table}, nil, func(ctx context.Context, p *link.ParentClient) (any, error) { return nil, p.SetServices(ctx, table) }},
		{"balancers", []any{balancers}, []link.LoadBalancerStatus{{Name: "a/b", Address: "127.64.0.1"}},
			func(ctx context.Context, p *link.ParentClient) (any, error) {
				return p.SetLoadBalancers(ctx, balancers)
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var name string
			var args []any
			p, _ := pair(t, &script{call: func(n string, a ...any) (any, error) {
				name, args = n, a
				return c.out, nil
			}})
			out, err := c.call(within(t), p)
			if err != nil {
				t.Fatal(err)
			}
			if name != c.name || !reflect.DeepEqual(args, c.args) {
				t.Errorf("%s got %s", name, show(args))
			}
			if !reflect.DeepEqual(out, c.out) {
				t.Errorf("answered %s", show(out))
			}
		})
	}
}

func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestLargeBodies(t *testing.T) {
	var got []sandbox.File
	p, _ := pair(t, &script{call: func(_ string, a ...any) (any, error) {
		got = a[2].([]sandbox.File)
		return nil, nil
	}})
	data := bytes.Repeat([]byte{1, 2, 3, 4}, 4<<20)
	if err := p.WriteFiles(within(t), "x", "v", []sandbox.File{{Path: "a", Data: data}}); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !bytes.Equal(got[0].Data, data) {
		t.Error("16 MiB did not arrive as they were")
	}
	got = nil
	err := p.WriteFiles(within(t), "x", "v", []sandbox.File{{Path: "a", Data: make([]byte, 64<<20)}})
	if !errors.Is(err, link.ErrInvalid) && !errors.Is(err, link.ErrAway) || got != nil {
		t.Errorf("beyond the limit: %v, %d files", err, len(got))
	}
}

func TestManyAtOnce(t *testing.T) {
	all := make(chan struct{})
	var mu sync.Mutex
	n := 0
	p, _ := pair(t, &script{call: func(_ string, a ...any) (any, error) {
		mu.Lock()
		if n++; n == 200 {
			close(all)
		}
		mu.Unlock()
		<-all // nobody is answered before everybody has arrived
		return link.Identity{ARN: a[0].(string)}, nil
	}})
	ctx := within(t)
	var calls sync.WaitGroup
	for i := range 200 {
		calls.Go(func() {
			token := fmt.Sprint("token", i)
			if who, err := p.Authenticate(ctx, token); err != nil || who.ARN != token {
				t.Errorf("%s: %v %v", token, who, err)
			}
		})
	}
	calls.Wait()
}
