package docker

import (
	"errors"
	"testing"

	"github.com/moby/moby/api/types/container"

	"github.com/neargate/neargate/emulator/sandbox"
)

func TestRefusedUlimits(t *testing.T) {
	had := []*container.Ulimit{{Name: "nproc", Soft: 10, Hard: 10}, {Name: "nofile", Soft: 65535, Hard: 65535}}
	refusal := errors.New("… error setting rlimits for ready process: error setting rlimit type 7: operation not permitted: unknown")
	var r refused
	if r.learn(had, errors.New("exec: not found")) || r.learn(had, nil) {
		t.Error("learned a limit from an error that is about none")
	}
	if !r.learn(had, refusal) {
		t.Fatal("did not learn from runc's error")
	}
	if !r.learn(had, refusal) {
		t.Error("a container that was made at the same time, with the same limit, gets no second try")
	}
	if r.learn(had[:1], refusal) {
		t.Error("would go on trying with a limit that the container was made without")
	}
	var other refused
	if !other.learn(had, errors.New("crun: setrlimit `RLIMIT_NOFILE`: Operation not permitted: OCI permission denied")) {
		t.Error("did not learn from crun's error")
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
