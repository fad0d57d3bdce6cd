package emulator

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/sandbox"
	"github.com/neargate/neargate/emulator/store"
)

// This file answers /_neargate/why: what became of a task, a cluster or any
// other record and who caused it, read out of the change feed.

// Why is the answer: what is waited for or went wrong, what was asked for
// without effect, and the history.
type Why struct {
	Key         string   `json:"key"`
	Summary     []string `json:"summary"`
	Ineffective []string `json:"ineffective"`
	History     []Event  `json:"history"`
}

// Event is one change in words.
type Event struct {
	At       time.Time `json:"at"`
	Revision int64     `json:"revision"`
	Kind     string    `json:"kind"`
	What     []string  `json:"what"`
	By       string    `json:"by"`
}

func (e *Emulator) why(w http.ResponseWriter, r *http.Request) {
	ref := r.URL.Query().Get("of")
	answer, err := e.explain(r.Context(), ref)
	switch {
	case err != nil:
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
	case answer == nil:
		reply(w, http.StatusNotFound, problem{
			Error: "nothing is known of " + ref,
			Hint:  "give a task's id or ARN, a cluster's name or ARN, or family:revision; a stopped task is forgotten after an hour, the history of what was reset is gone",
		})
	default:
		reply(w, http.StatusOK, answer)
	}
}

// explain gathers the changes of every record whose key ends in ref. It
// returns nil when there are none.
func (e *Emulator) explain(ctx context.Context, ref string) (*Why, error) {
	changes, err := e.changesOf(ctx, ref)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	a := &Why{Key: changes[0].Key, Summary: []string{}, Ineffective: []string{}}
	for _, c := range changes {
		a.History = append(a.History, Event{At: c.At, Revision: c.Revision, Kind: c.Kind, What: ecs.Tell(c), By: c.By})
	}
	return a, e.summarize(ctx, a, changes)
}

// changesOf finds the changes of ref and of the sandbox or task that belongs
// to it, oldest first.
func (e *Emulator) changesOf(ctx context.Context, ref string) ([]store.Change, error) {
	if ref == "" {
		return nil, nil
	}
	keys, err := e.keysOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	var all []store.Change
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		list, err := e.store.History(ctx, store.HistoryQuery{Key: key, Limit: maxHistory})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b store.Change) int { return int(a.Revision - b.Revision) })
	return all, nil
}

// maxHistory is how many changes of one record are told.
const maxHistory = 500

// keysOf are the keys that a reference may mean: an ARN, a task's id, a
// cluster's name, family:revision.
func (e *Emulator) keysOf(ctx context.Context, ref string) (keys []string, err error) {
	if strings.HasPrefix(ref, "arn:") && !strings.Contains(ref, ":task/") {
		return []string{ref}, nil
	}
	err = e.store.View(ctx, func(tx *store.Tx) error {
		keys, err = ecs.Keys(tx, e.config.Account, e.config.Region, ref)
		return err
	})
	return append(keys, ref), err
}

// summarize says how things stand now.
func (e *Emulator) summarize(ctx context.Context, a *Why, changes []store.Change) error {
	for _, c := range slices.Backward(changes) {
		switch c.Kind {
		case sandbox.Sandboxes.Kind():
			var s sandbox.Sandbox
			if c.After == nil {
				break
			}
			if err := json.Unmarshal(c.After, &s); err != nil {
				return err
			}
			a.Summary = append(a.Summary, sandbox.Why(&s)...)
			return e.addIneffective(ctx, a, s.Spec.Owner)
		}
	}
	return e.addIneffective(ctx, a, a.Key)
}

// addIneffective names what the task's definition, or the definition itself,
// asks for that has no effect here.
func (e *Emulator) addIneffective(ctx context.Context, a *Why, key string) error {
	return e.store.View(ctx, func(tx *store.Tx) error {
		d, err := ecs.DefinitionOf(tx, key)
		if err != nil || d == nil {
			return err
		}
		a.Ineffective = append(a.Ineffective, ecs.Ineffective(d)...)
		return nil
	})
}
