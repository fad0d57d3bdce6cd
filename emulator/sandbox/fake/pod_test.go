package fake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/sandbox/fake"
	"github.com/neargate/neargate/emulator/store"
)

func TestServices(t *testing.T) {
	rt := fake.New(fake.Options{})
	if _, set := rt.Services("arn"); set {
		t.Error("there are some before any was set")
	}
	for _, zone := range []string{"one", "cluster.local"} {
		if err := rt.SetServices(t.Context(), "arn", sandbox.ServiceTable{Zones: []string{zone}}); err != nil {
			t.Fatal(err)
		}
	}
	if table, set := rt.Services("arn"); !set || len(table.Zones) != 1 || table.Zones[0] != "cluster.local" {
		t.Errorf("%+v", table)
	}
	broken := errors.New("broken")
	rt.Fail("SetServices", broken)
	if err := rt.SetServices(t.Context(), "arn", sandbox.ServiceTable{}); !errors.Is(err, broken) {
		t.Errorf("with a fault: %v", err)
	}
}

func TestFiles(t *testing.T) {
	rt := fake.New(fake.Options{})
	s := &sandbox.Spec{ID: "1", Network: sandbox.Network{SubnetCIDR: "10.0.0.0/24"}, Volumes: []sandbox.Volume{
		{Name: "plain", Files: []sandbox.File{{Path: "a"}, {Path: "b"}}}, {Name: "atomic", Atomic: true, Files: []sandbox.File{{Path: "a"}, {Path: "b"}}},
	}}
	if _, err := rt.Up(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"plain": {"b=", "a=2"}, "atomic": {"a=2"}} {
		if err := rt.WriteFiles(t.Context(), "1", name, []sandbox.File{{Path: "a", Data: []byte("2")}}); err != nil {
			t.Error(err)
		}
		var got []string
		for _, f := range rt.Files("1", name) {
			got = append(got, f.Path+"="+string(f.Data))
		}
		if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != want[len(want)-1] {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	if rt.WriteFiles(t.Context(), "1", "plain", []sandbox.File{{Path: "../x"}}) == nil || rt.WriteFiles(t.Context(), "2", "plain", nil) == nil {
		t.Error("no error")
	}
}

// A gRPC probe is answered as the script's health is.
func TestGRPCProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(t.Context(), "memory", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		rt := fake.New(fake.Options{})
		e := sandbox.New(sandbox.Config{Store: st, Runtime: rt, Log: zerolog.Nop()})
		done := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { done <- e.Run(ctx) }()
		const id = "00000000000000000000000000000001"
		c := sandbox.Container{Name: "a", Image: "i", Env: []sandbox.EnvVar{{Name: "FAKE_HEALTHY_AFTER", Value: "7s"}}}
		c.Health = &sandbox.Probe{Action: sandbox.Action{GRPC: &sandbox.GRPC{Port: 50051}}, Interval: 2 * time.Second, Timeout: time.Second, Failures: 1}
		s := sandbox.Spec{ID: id, Steps: 2, Network: sandbox.Network{SubnetCIDR: "10.0.0.0/24"}, Containers: []sandbox.Container{c}}
		if err := st.Update(ctx, "test", func(tx *store.Tx) error { return sandbox.Create(tx, s) }); err != nil {
			t.Fatal(err)
		}
		ill, err := e.Wait(ctx, id, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Health == sandbox.HealthUnhealthy })
		if err != nil || ill.Status.Containers[0].HealthOutput != `service unhealthy (responded with "NOT_SERVING")` {
			t.Errorf("%+v, %v", ill, err)
		}
		well, err := e.Wait(ctx, id, func(s *sandbox.Sandbox) bool { return s.Status.Containers[0].Ready })
		if err != nil || well.Status.Containers[0].HealthSince.Sub(well.CreatedAt) != 8*time.Second {
			t.Errorf("%+v, %v", well, err)
		}
		cancel()
		<-done
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
}
