package emulator

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
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
	if ref == "" {
		reply(w, http.StatusBadRequest, problem{
			Error: "of what?", Hint: "/_neargate/why?of=REF: " + whatCanBeAsked,
		})
		return
	}
	answer, err := e.explain(r.Context(), ref)
	switch {
	case errors.Is(err, errTwoClusters):
		reply(w, http.StatusConflict, problem{Error: err.Error(), Hint: "give the cluster's ARN"})
	case errors.Is(err, ecs.ErrAmbiguous):
		reply(w, http.StatusConflict, problem{Error: err.Error(), Hint: "give more of the id"})
	case err != nil:
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
	case answer == nil:
		reply(w, http.StatusNotFound, problem{
			Error: "nothing is known of " + ref,
			Hint: "give " + whatCanBeAsked + "; a name is looked for in account " +
				e.config.Account + " and region " + e.config.Region + ", an ARN everywhere; the history of long ago is forgotten",
		})
	default:
		reply(w, http.StatusOK, answer)
	}
}

// whatCanBeAsked is what a person can refer to.
const whatCanBeAsked = "a task's id or ARN, a cluster's name or ARN, family:revision, or of EKS CLUSTER/NAMESPACE/POD, " +
	"CLUSTER/NAME or an ARN of what belongs to a cluster"

// explain tells what is known of a reference; nil when that is nothing.
func (e *Emulator) explain(ctx context.Context, ref string) (*Why, error) {
	if of, found, err := e.eksOf(ctx, ref); found || err != nil {
		if err == nil && ref == nameOf(of) {
			err = e.noOther(ctx, ref)
		}
		if err != nil {
			return nil, err
		}
		return e.explainEKS(ctx, of)
	}
	changes, err := e.changesOf(ctx, ref)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	a := &Why{Key: changes[0].Key, Summary: []string{}, Ineffective: []string{}}
	for _, c := range changes {
		a.History = append(a.History, event(c, ecs.Tell(c)))
	}
	return a, e.summarize(ctx, a, changes)
}

func event(c store.Change, what []string) Event {
	return Event{At: c.At, Revision: c.Revision, Kind: c.Kind, What: what, By: c.By}
}

// noOther makes sure that ECS has no cluster of a name that EKS has one of.
func (e *Emulator) noOther(ctx context.Context, name string) error {
	return e.store.View(ctx, func(tx *store.Tx) error {
		keys, err := ecs.Keys(tx, e.config.Account, e.config.Region, name)
		if err == nil && len(keys) == 1 && strings.HasSuffix(keys[0], ":cluster/"+name) {
			err = fmt.Errorf("%w: %s", errTwoClusters, name)
		}
		return err
	})
}

// maxHistory is how many changes of one record are told: the newest.
const maxHistory = 500

// changesOf finds the changes of what ref means and, of a task, of its
// sandbox, oldest first.
func (e *Emulator) changesOf(ctx context.Context, ref string) ([]store.Change, error) {
	keys, err := e.keysOf(ctx, ref)
	if err != nil {
		return nil, err
	}
	var all []store.Change
	for _, key := range slices.Compact(slices.Sorted(slices.Values(keys))) {
		list, err := e.store.History(ctx, store.HistoryQuery{Key: key, Limit: maxHistory, Reverse: true})
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b store.Change) int { return cmp.Compare(a.Revision, b.Revision) })
	return all, nil
}

// keysOf are the keys that a reference may mean: an ARN, a task's id or the
// beginning of one, a cluster's name, family:revision. What is no record any
// more is looked for in the history.
func (e *Emulator) keysOf(ctx context.Context, ref string) (keys []string, err error) {
	if strings.HasPrefix(ref, "arn:") && !strings.Contains(ref, ":task/") {
		return []string{ref}, nil
	}
	err = e.store.View(ctx, func(tx *store.Tx) error {
		keys, err = ecs.Keys(tx, e.config.Account, e.config.Region, ref)
		return err
	})
	if err == nil && len(keys) == 0 {
		keys, err = e.forgottenTask(ctx, ref[strings.LastIndexByte(ref, '/')+1:])
	}
	return append(keys, ref), err
}

var idBeginning = regexp.MustCompile(`^[0-9a-f]{4,32}$`)

// forgottenTask finds the keys of a task, and of its sandbox, that is history.
func (e *Emulator) forgottenTask(ctx context.Context, id string) ([]string, error) {
	if !idBeginning.MatchString(id) {
		return nil, nil
	}
	last, err := e.store.History(ctx, store.HistoryQuery{Kind: sandbox.Sandboxes.Kind(), KeyPrefix: id, Limit: 1, Reverse: true})
	if err != nil || len(last) == 0 {
		return nil, err
	}
	s, err := sandboxOf(last[0])
	return []string{s.Spec.Owner, last[0].Key}, err
}

// sandboxOf is a sandbox as a change left it, or as it was when the change
// removed it.
func sandboxOf(c store.Change) (*sandbox.Sandbox, error) {
	body := c.After
	if body == nil {
		body = c.Before
	}
	s := new(sandbox.Sandbox)
	if err := json.Unmarshal(body, s); err != nil {
		return s, fmt.Errorf("%s %s: %w", c.Kind, c.Key, err)
	}
	return s, nil
}

// summarize says how things stand now.
func (e *Emulator) summarize(ctx context.Context, a *Why, changes []store.Change) error {
	key := a.Key
	for _, c := range slices.Backward(changes) {
		if c.Kind != sandbox.Sandboxes.Kind() {
			continue
		}
		s, err := sandboxOf(c)
		if err != nil {
			return err
		}
		if c.After != nil || s.IsStopped() {
			a.Summary = append(a.Summary, sandbox.Why(s)...)
		} else {
			a.Summary = append(a.Summary, fmt.Sprintf("It was %s when it was removed.", sandbox.LastStatus(s)))
		}
		key = s.Spec.Owner
		break
	}
	if last := changes[len(changes)-1]; last.After == nil {
		a.Summary = append(a.Summary, fmt.Sprintf("Its record was removed at %s by %s.", last.At.Format(time.RFC3339), last.By))
	}
	return e.addIneffective(ctx, a, key)
}

// addIneffective names what was accepted without effect in what a key names.
func (e *Emulator) addIneffective(ctx context.Context, a *Why, key string) error {
	return e.store.View(ctx, func(tx *store.Tx) error {
		list, err := ecs.IneffectiveOf(tx, key)
		a.Ineffective = append(a.Ineffective, list...)
		return err
	})
}
