package docker

import (
	"errors"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestRefusedUlimits(t *testing.T) {
	c := &sandbox.Container{Ulimits: []sandbox.Ulimit{{Name: "nofile", Soft: 65535, Hard: 65535}, {Name: "nproc", Soft: 10, Hard: 10}}}
	refusal := errors.New("… error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown")
	var r refused
	if r.learn(c, errors.New("exec: not found")) || r.learn(c, nil) {
		t.Error("learned a limit from an error that is about none")
	}
	if !r.learn(c, refusal) {
		t.Fatal("did not learn from runc's error")
	}
	if r.learn(c, refusal) {
		t.Error("would go on trying with a limit that is left out already")
	}
	for _, u := range []struct {
		limit sandbox.Ulimit
		can   bool
	}{
		{sandbox.Ulimit{Name: "nofile", Hard: 65535}, false},
		{sandbox.Ulimit{Name: "nofile", Hard: 100000}, false},
		{sandbox.Ulimit{Name: "nofile", Hard: -1}, false},
		{sandbox.Ulimit{Name: "nofile", Hard: 1024}, true},
		{sandbox.Ulimit{Name: "nproc", Hard: 65535}, true},
	} {
		if can, _ := r.split([]sandbox.Ulimit{u.limit}); (len(can) == 1) != u.can {
			t.Errorf("%+v can be had: %v, want %v", u.limit, len(can) == 1, u.can)
		}
	}
}
