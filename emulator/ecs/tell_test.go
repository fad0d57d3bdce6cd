package ecs_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

func TestTellSandbox(t *testing.T) {
	status := func(change func(*sandbox.Status)) *sandbox.Sandbox {
		s := &sandbox.Sandbox{Spec: sandbox.Spec{Steps: 3}}
		change(&s.Status)
		return s
	}
	calm := status(func(*sandbox.Status) {})
	away := status(func(s *sandbox.Status) { s.Trouble, s.Tries = "away", 1 })
	for _, row := range []struct {
		name          string
		before, after *sandbox.Sandbox
		want          []string
	}{
		{"new", nil, calm, []string{"PROVISIONING"}},
		{"a step", calm, status(func(s *sandbox.Status) { s.Height = 1 }), []string{"PENDING"}},
		{"addresses", calm, status(func(s *sandbox.Status) { s.Address = &sandbox.Address{IP: "10.0.0.4", Public: "127.64.0.1"} }), []string{"address 10.0.0.4", "public address 127.64.0.1"}},
		{"trouble", calm, away, []string{"trouble: away"}},
		{"the same again", away, status(func(s *sandbox.Status) { s.Trouble, s.Tries = "away", 4 }), []string{"the same trouble at try 4"}},
		{"over", away, calm, []string{"no trouble any more"}},
		{"a note", status(func(s *sandbox.Status) { s.Notes = []string{"first"} }), status(func(s *sandbox.Status) { s.Notes = []string{"first", "second"} }), []string{"note: second"}},
		{"what it has no words for", calm, status(func(s *sandbox.Status) { s.OOMKills = 1 }), []string{"changed Status"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := store.Change{Kind: sandbox.Sandboxes.Kind(), After: encode(t, row.after)}
			if row.before != nil {
				c.Before = encode(t, row.before)
			}
			if d := cmp.Diff(row.want, ecs.Tell(c)); d != "" {
				t.Error(d)
			}
		})
	}
}

func encode(t *testing.T, s *sandbox.Sandbox) []byte {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
