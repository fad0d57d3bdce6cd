package logs

import (
	"strings"
	"time"

	"github.com/neargate/neargate/emulator/store"
)

// event is a log event; its time is its row's.
type event struct {
	Message  string `json:"m"`
	Ingested int64  `json:"i"` // ms since 1970
}

// overhead is what AWS counts for an event beside its message, in bytes.
const overhead = 26

func (e event) size() int64 { return int64(len(e.Message)) + overhead }

// events are keyed by stream.
var events = store.NewSeries[event]("logs/event")

// tally is what changes with every batch of a stream. Times are ms since 1970.
type tally struct {
	Last     int64             `json:",omitempty"` // of the newest event there ever was
	Ingested int64             `json:",omitempty"` // when events came last
	Bytes    int64             `json:",omitempty"` // stored, as AWS counts them
	Cursors  map[string]cursor `json:",omitempty"` // by StreamOptions.Cursor
}

// tallies hold one row per stream. They are a series to stay out of the change
// feed.
var tallies = store.NewSeries[tally]("logs/tally")

func readTally(tx *store.Tx, stream string) (tally, error) {
	for row, err := range tallies.Read(tx, stream, store.SeriesQuery{Limit: 1}) {
		return row.Value, err
	}
	return tally{}, nil
}

func writeTally(tx *store.Tx, stream string, t tally) error {
	if err := tallies.Drop(tx, stream); err != nil {
		return err
	}
	return tallies.Append(tx, stream, store.Row[tally]{Value: t})
}

// line is an event that is yet to be stored.
type line struct {
	at   int64 // ms since 1970
	text string
}

// ingest stores events and counts them; bytes that are no UTF-8 are replaced.
// The tally is the caller's to write.
func (t *tally) ingest(tx *store.Tx, stream string, lines []line) error {
	if len(lines) == 0 {
		return nil
	}
	now := tx.Now().UnixMilli()
	rows := make([]store.Row[event], len(lines))
	for i, l := range lines {
		rows[i] = store.Row[event]{At: time.UnixMilli(l.at), Value: event{Message: strings.ToValidUTF8(l.text, "\uFFFD"), Ingested: now}}
		t.Bytes += rows[i].Value.size()
		t.Last = max(t.Last, l.at)
	}
	t.Ingested = now
	return events.Append(tx, stream, rows...)
}
