package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/neargate/neargate/emulator/ecs"
	"github.com/neargate/neargate/emulator/eks"
	"github.com/neargate/neargate/emulator/store"
)

// This file serves the change feed as server-sent events.

// changes sends one event a change, its id the revision, from which a reader
// that comes back with Last-Event-ID goes on. ?since=0 begins with the oldest
// that is kept; without it the stream begins now: nothing that is caused after
// the answer's headers were read is missed. ?kind=sandbox, repeated, chooses
// kinds.
func (e *Emulator) changes(w http.ResponseWriter, r *http.Request) {
	since, err := sinceOf(r)
	if err != nil {
		reply(w, http.StatusBadRequest, problem{Error: err.Error(), Hint: "since and Last-Event-ID are revisions; since=0 begins with the oldest"})
		return
	}
	commits, err := e.changesSince(r.Context(), since, kindsOf(r))
	switch {
	case errors.Is(err, store.ErrCompacted):
		// Not a stream: a browser would come back for it again and again.
		reply(w, http.StatusGone, problem{Error: fmt.Sprintf("revision %d is not in the history", since), Hint: "since=0 begins with the oldest that is"})
	case err != nil:
		reply(w, http.StatusInternalServerError, problem{Error: err.Error()})
	default:
		stream(r.Context(), w, commits)
	}
}

// sinceOf reads from where on changes are asked for; store.Now when that is
// not said. A reader that comes back says so in a header.
func sinceOf(r *http.Request) (int64, error) {
	for _, s := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")} {
		if s == "" {
			continue
		}
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 0 {
			return 0, fmt.Errorf("%q is no revision", s)
		}
		return n, nil
	}
	return store.Now, nil
}

func kindsOf(r *http.Request) []string {
	return slices.DeleteFunc(r.URL.Query()["kind"], func(kind string) bool { return kind == "" })
}

// changesSince follows the changes behind a revision, which may stand amid a
// commit; store.ErrCompacted when it is not one of the history's.
func (e *Emulator) changesSince(ctx context.Context, since int64, kinds []string) (iter.Seq2[[]store.Change, error], error) {
	if since == store.Now {
		return e.store.Watch(ctx, store.Now, kinds...), nil
	}
	q := store.HistoryQuery{Limit: 1}
	if since > 0 {
		q.Since, q.Until = since-1, since
	}
	found, err := e.store.History(ctx, q)
	if err != nil {
		return nil, err
	}
	from := int64(0)
	switch {
	case since > 0 && len(found) == 0:
		return nil, store.ErrCompacted
	case since > 0:
		from = found[0].Commit - 1
	case len(found) > 0:
		from = found[0].Revision - 1
	}
	return behind(e.store.Watch(ctx, from, kinds...), since), nil
}

// behind leaves out what a reader has seen of the first commit.
func behind(commits iter.Seq2[[]store.Change, error], since int64) iter.Seq2[[]store.Change, error] {
	return func(yield func([]store.Change, error) bool) {
		for commit, err := range commits {
			for len(commit) > 0 && commit[0].Revision <= since {
				commit = commit[1:]
			}
			if (len(commit) > 0 || err != nil) && !yield(commit, err) {
				return
			}
		}
	}
}

// stream sends commits until the reader goes away or there can be no more.
func stream(ctx context.Context, w http.ResponseWriter, commits iter.Seq2[[]store.Change, error]) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	flush := http.NewResponseController(w)
	if flush.Flush() != nil { // the reader learns now that it is connected
		return
	}
	for commit, err := range commits {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			writeEvent(w, "event: error", problem{Error: err.Error(), Hint: "begin again: since=0 is the oldest change that is kept"})
			return
		}
		for _, c := range commit {
			if writeEvent(w, fmt.Sprintf("id: %d\nevent: change", c.Revision), told(c)) != nil {
				return
			}
		}
		if flush.Flush() != nil {
			return
		}
	}
}

// toldChange is a change as the stream tells it.
type toldChange struct {
	Revision int64           `json:"revision"`
	Commit   int64           `json:"commit"`
	Kind     string          `json:"kind"`
	Key      string          `json:"key"`
	At       time.Time       `json:"at"`
	By       string          `json:"by"`
	What     []string        `json:"what"`
	Before   json.RawMessage `json:"before,omitempty"`
	After    json.RawMessage `json:"after,omitempty"`
}

func told(c store.Change) toldChange {
	return toldChange{c.Revision, c.Commit, c.Kind, c.Key, c.At, c.By, tell(c), c.Before, c.After}
}

// tell puts a change into words: EKS's where it has some.
func tell(c store.Change) []string {
	if words := eks.Tell(c); len(words) > 0 {
		return words
	}
	return ecs.Tell(c)
}

func writeEvent(w http.ResponseWriter, head string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\ndata: %s\n\n", head, body)
	return err
}
