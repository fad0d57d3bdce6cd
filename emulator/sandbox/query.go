package sandbox

import (
	"bytes"
	"iter"

	"github.com/neargate/neargate/emulator/store"
)

// This file answers owners' questions about many sandboxes, out of indexes
// that make the stopped ones cost nothing.

var statuses = []string{
	"PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", stoppedStatus,
}

const stoppedStatus = "STOPPED"

func groupStatus(group, status string) string { return group + " " + status }

func groupDesired(group string, stopped bool) string {
	if stopped {
		return groupStatus(group, stoppedStatus)
	}
	return groupStatus(group, "RUNNING")
}

// CountByStatus counts a group's sandboxes by lastStatus. The counts are kept,
// so it costs the same however many there are.
func CountByStatus(tx *store.Tx, group string) (map[string]int, error) {
	counts := make(map[string]int, len(statuses))
	for _, status := range statuses {
		n, err := Sandboxes.Count(tx, "group", groupStatus(group, status))
		if err != nil {
			return nil, err
		}
		if n > 0 {
			counts[status] = n
		}
	}
	return counts, nil
}

// CountLive counts the sandboxes that have not stopped, and all.
func CountLive(tx *store.Tx) (alive, all int, err error) {
	if alive, err = Sandboxes.Count(tx, live, live); err != nil {
		return 0, 0, err
	}
	all, err = Sandboxes.Count(tx, "", "")
	return alive, all, err
}

// Desiring lists, by id, the sandboxes of a group that should be stopped, or
// that should run, behind the id after.
func Desiring(tx *store.Tx, group string, stopped bool, after string) iter.Seq2[string, error] {
	return Sandboxes.Keys(tx, "desired", groupDesired(group, stopped), store.Range{After: after})
}

// Live lists the sandboxes that have not stopped, by id. All readers share
// them: nobody may write into them.
func Live(tx *store.Tx) iter.Seq2[*Sandbox, error] {
	return Sandboxes.PeekBy(tx, live, live, store.Range{})
}

// StoppedOnes lists the ids of the sandboxes that have stopped: all that are
// not live. No body is read.
func StoppedOnes(tx *store.Tx) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		alive := map[string]bool{}
		for id, err := range Sandboxes.Keys(tx, live, live, store.Range{}) {
			if err != nil {
				yield("", err)
				return
			}
			alive[id] = true
		}
		for id, err := range Sandboxes.Keys(tx, "", "", store.Range{}) {
			if !alive[id] && !yield(id, err) || err != nil {
				return
			}
		}
	}
}

// atTheEnd is what the body of a sandbox that has stopped holds and no other
// body does: the first members of its status. Bodies are looked at, not
// decoded, because the feed carries many changes of every sandbox. Nothing that
// an owner puts into a sandbox can look like this, as quotation marks within
// strings are escaped and labels are strings.
var atTheEnd = []byte(`"Status":{"Height":0,"Falling":true`)

// StoppedBy tells whether a change brought a sandbox to its end.
func StoppedBy(c store.Change) bool {
	return c.Kind == Sandboxes.Kind() && bytes.Contains(c.After, atTheEnd) && !bytes.Contains(c.Before, atTheEnd)
}
