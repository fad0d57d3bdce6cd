package sandbox_test

import (
	"slices"
	"testing"

	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// TestStoppedBy writes sandboxes at every height, in both directions, and
// holds what the feed says of them against the record itself. Labels and
// reasons that look like a stopped sandbox's body change nothing.
func TestStoppedBy(t *testing.T) {
	st, err := store.Open(t.Context(), "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	const id = "00000000000000000000000000000001"
	spec := sandbox.Spec{ID: id, Group: "g", Steps: 3, Containers: []sandbox.Container{{
		Name: "web", Labels: map[string]string{"Status": `{"Height":0,"Falling":true`, "StoppedAt": "now", "Height": "0", "Falling": "true"},
	}}}
	update := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := st.Update(t.Context(), "test", fn); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *store.Tx) error { return sandbox.Create(tx, spec) })
	type place struct {
		height  int
		falling bool
	}
	lives := []place{{1, false}, {2, false}, {3, false}, {3, true}, {2, true}, {1, true}, {0, true}, {0, true}}
	for i, p := range lives {
		update(func(tx *store.Tx) error {
			r, err := sandbox.Sandboxes.Get(tx, id)
			if err != nil {
				return err
			}
			r.Value.Status.Height, r.Value.Status.Falling, r.Value.Status.Version = p.height, p.falling, int64(i+2)
			r.Value.Desired.Reason = `"Status":{"Height":0,"Falling":true`
			return sandbox.Sandboxes.Replace(tx, r)
		})
	}
	changes, err := st.History(t.Context(), store.HistoryQuery{Key: id})
	if err != nil || len(changes) != len(lives)+1 {
		t.Fatalf("%d changes: %v", len(changes), err)
	}
	for i, c := range changes {
		if got, want := sandbox.StoppedBy(c), i == 7; got != want {
			t.Errorf("change %d (%s): StoppedBy is %v", i, c.After, got)
		}
	}
	update(func(tx *store.Tx) error { return sandbox.Remove(tx, id) })
	gone, err := st.History(t.Context(), store.HistoryQuery{Key: id, Reverse: true, Limit: 1})
	if err != nil || sandbox.StoppedBy(gone[0]) {
		t.Errorf("the end of a record is not the end of a sandbox: %+v, %v", gone, err)
	}
}

// TestStoppedOnes tells those that have stopped from the live ones.
func TestStoppedOnes(t *testing.T) {
	st, err := store.Open(t.Context(), "memory", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	ids := []string{"00000000000000000000000000000001", "00000000000000000000000000000002", "00000000000000000000000000000003"}
	var got []string
	err = st.Update(t.Context(), "test", func(tx *store.Tx) error {
		for _, id := range ids {
			spec := sandbox.Spec{ID: id, Steps: 3, Containers: []sandbox.Container{{Name: "web"}}}
			if err := sandbox.Create(tx, spec); err != nil {
				return err
			}
		}
		r, err := sandbox.Sandboxes.Get(tx, ids[1])
		if err != nil {
			return err
		}
		r.Value.Status.Falling = true
		if err := sandbox.Sandboxes.Replace(tx, r); err != nil {
			return err
		}
		for id, err := range sandbox.StoppedOnes(tx) {
			if err != nil {
				return err
			}
			got = append(got, id)
		}
		return nil
	})
	if err != nil || !slices.Equal(got, ids[1:2]) {
		t.Errorf("got %v, %v", got, err)
	}
}
