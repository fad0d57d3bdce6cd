package controlplane_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/k3s-io/kine/pkg/logstructured"
	"github.com/k3s-io/kine/pkg/server"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/neargate/neargate/cmd/neargate-kube/controlplane"
)

// log holds one object, or none, and fails to write as it is told.
type log struct {
	logstructured.Log
	there *server.Event
	fails error
}

func (l *log) Append(context.Context, *server.Event) (int64, error) { return 7, l.fails }

func (l *log) CurrentRevision(context.Context) (int64, error) { return 6, nil }

func (l *log) List(context.Context, string, string, int64, int64, bool, bool) (server.EventBatch, error) {
	b := server.EventBatch{CurrentRev: 6}
	if l.there != nil {
		b.Events = append(b.Events, l.there)
	}
	return b, nil
}

func TestAFailedWriteIsToldAsSuch(t *testing.T) {
	there := &server.Event{KV: &server.KeyValue{Key: "/a", ModRevision: 5}}
	full := errors.New("database or disk is full")
	for name, row := range map[string]struct {
		there *server.Event
		fails error
		want  string // of the failure; "" none
	}{
		"new":                   {},
		"new, on a full disk":   {fails: full, want: "Neargate cannot keep the cluster's state in /d: database or disk is full. Nothing was changed; it goes on as soon as it can."},
		"known":                 {there: there, fails: server.ErrKeyExists},
		"known, on a full disk": {there: there, fails: full, want: "Neargate cannot keep the cluster's state in /d: database or disk is full."},
	} {
		k := controlplane.NewKeeper(&log{there: row.there, fails: row.fails}, "/d", func(string) {})
		check := func(what string, err error) {
			t.Helper()
			if row.want == "" {
				if err != nil && err != server.ErrKeyExists {
					t.Errorf("%s of %s: %v", what, name, err)
				}
				return
			}
			if s, ok := status.FromError(err); !ok || s.Code() != codes.ResourceExhausted || !strings.HasPrefix(s.Message(), row.want) {
				t.Errorf("%s of %s: %v", what, name, err)
			}
		}
		_, err := k.Create(t.Context(), "/a", nil, 0)
		check("Create", err)
		if row.fails == server.ErrKeyExists && err != server.ErrKeyExists {
			t.Errorf("Create of %s: %v", name, err)
		}
		_, _, ok, err := k.Update(t.Context(), "/a", nil, 5, 0)
		check("Update", err)
		if ok != (row.fails == nil) {
			t.Errorf("Update of %s: %t", name, ok)
		}
		_, _, ok, err = k.Delete(t.Context(), "/a", 5)
		check("Delete", err)
		if ok != (row.fails == nil) {
			t.Errorf("Delete of %s: %t", name, ok)
		}
	}
}

// The cluster's health is told when writing begins to fail and when it works
// again, and not with every write.
func TestFailingWritesAreToldOnce(t *testing.T) {
	const why = "Neargate cannot keep the cluster's state in /d: database or disk is full. Nothing was changed; it goes on as soon as it can."
	full := errors.New("database or disk is full")
	l := &log{}
	var told []string
	k := controlplane.NewKeeper(l, "/d", func(why string) { told = append(told, why) })
	for _, fails := range []error{nil, full, full, server.ErrKeyExists, full, nil, nil, full} {
		l.fails = fails
		_, _ = k.Create(t.Context(), "/a", nil, 0) // what it answers is tested above
	}
	if want := []string{why, "", why}; !slices.Equal(told, want) {
		t.Errorf("%q", told)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	told = nil
	l.fails = errors.New("interrupted")
	if _, err := k.Create(ctx, "/a", nil, 0); !errors.Is(err, context.Canceled) || told != nil {
		t.Errorf("a call that was given up: %v, told %q", err, told)
	}
}
