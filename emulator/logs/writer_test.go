package logs_test

import (
	"context"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cwl "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/rs/zerolog"

	"github.com/neargate/neargate/emulator/logs"
	"github.com/neargate/neargate/emulator/store"
)

func options() logs.StreamOptions {
	return logs.StreamOptions{Account: account, Region: region, Group: "g", Stream: "p/web/1", Cursor: "1/web"}
}

func multiline(expr string) logs.StreamOptions {
	o := options()
	o.Multiline.Begin = regexp.MustCompile(expr)
	return o
}

func (w world) open(t *testing.T, o logs.StreamOptions) *logs.Writer {
	t.Helper()
	return must[logs.Writer](t)(w.OpenStream(w.ctx, o))
}

// lines are of consecutive milliseconds; one that ends in "…" goes on in the
// next.
func lines(from time.Time, texts ...string) []logs.Line {
	out := make([]logs.Line, len(texts))
	for i, text := range texts {
		text, partial := strings.CutSuffix(text, "…")
		out[i] = logs.Line{At: from.Add(time.Duration(i) * time.Millisecond), Text: text, Partial: partial}
	}
	return out
}

func write(t *testing.T, w *logs.Writer, l []logs.Line) {
	t.Helper()
	if err := w.Write(t.Context(), l); err != nil {
		t.Fatal(err)
	}
}

func TestOpenStream(t *testing.T) {
	w := newWorld(t)
	o := options()
	_, err := w.OpenStream(w.ctx, o)
	wantError(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
	o.Create = true
	w.open(t, o)
	w.open(t, o) // both are there already
	s := must[cwl.DescribeLogStreamsOutput](t)(w.DescribeLogStreams(w.ctx, &cwl.DescribeLogStreamsInput{LogGroupName: aws.String("g")})).LogStreams
	if len(s) != 1 || *s[0].LogStreamName != "p/web/1" {
		t.Errorf("streams = %+v", s)
	}
	o.Group = "a b"
	_, err = w.OpenStream(w.ctx, o)
	wantError(t, err, "InvalidParameterException",
		`1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`)
	o = options()
	o.Stream = "a:b"
	_, err = w.OpenStream(w.ctx, o)
	wantError(t, err, "InvalidParameterException",
		`1 validation error detected: Value 'a:b' at 'logStreamName' failed to satisfy constraint: Member must satisfy regular expression pattern: [^:*]*`)
}

func TestWriterKeepsLines(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, options())
	if !sink.Resume().IsZero() {
		t.Errorf("resume = %v, want zero", sink.Resume())
	}
	start := time.Now().Add(-time.Minute).Truncate(time.Millisecond).Add(42 * time.Nanosecond)
	long := strings.Repeat("ä", 200_000)
	write(t, sink, lines(start, "one", "", "two …", "halves", long))
	got := w.all(t, "g", "p/web/1")
	if len(got) != 4 || !slices.Equal(got[:2], []string{"one", "two halves"}) || got[2]+got[3] != long || len(got[2]) != 262118 {
		t.Errorf("messages = %d: %.20q", len(got), got)
	}
	if want := start.Add(4 * time.Millisecond); !sink.Resume().Equal(want) {
		t.Errorf("resume = %v, want %v", sink.Resume(), want)
	}
	out := must[cwl.GetLogEventsOutput](t)(w.GetLogEvents(w.ctx, &cwl.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("p/web/1"), StartFromHead: aws.Bool(true)}))
	if *out.Events[1].Timestamp != start.UnixMilli()+2 {
		t.Errorf("a line has the time of its first part: %d, want %d", *out.Events[1].Timestamp, start.UnixMilli()+2)
	}
}

func TestWriterJoinsLines(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, multiline(`^\S`))
	start := time.Now().Add(-time.Minute)
	write(t, sink, lines(start, "panic", " at a", " at …"))
	write(t, sink, lines(start.Add(time.Second), "b", "", "next", " more"))
	wantMessages(t, w.all(t, "g", "p/web/1"), "panic\n at a\n at b\n\n")
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, w.all(t, "g", "p/web/1"), "panic\n at a\n at b\n\n", "next\n more\n")
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, w.all(t, "g", "p/web/1"), "panic\n at a\n at b\n\n", "next\n more\n")
}

func TestWriterDoesNotJoinForEver(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, multiline(`^never$`))
	part := strings.Repeat("x", 100_000)
	write(t, sink, lines(time.Now(), part, part, part))
	if got := w.all(t, "g", "p/web/1"); len(got) != 1 || got[0] != part+"\n"+part+"\n" {
		t.Errorf("%d messages", len(got))
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestWriterFlushesAtAnEnd(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, multiline(`^\S`))
	write(t, sink, lines(time.Now().Add(-time.Minute), "one", " more"))
	for range 2 {
		if err := sink.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantMessages(t, w.all(t, "g", "p/web/1"), "one\n more\n")
	}
	write(t, sink, lines(time.Now(), " of the next attempt"))
	wantMessages(t, w.all(t, "g", "p/web/1"), "one\n more\n")
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, w.all(t, "g", "p/web/1"), "one\n more\n", " of the next attempt\n")
}

func TestWriterFlushesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.group(t, "g")
		sink := w.open(t, multiline(`^\S`))
		write(t, sink, lines(time.Now(), "one", " more"))
		time.Sleep(4 * time.Second)
		write(t, sink, lines(time.Now(), " and more"))
		wantMessages(t, w.all(t, "g", "p/web/1"))
		time.Sleep(1001 * time.Millisecond)
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "p/web/1"), "one\n more\n and more\n")
		write(t, sink, lines(time.Now(), " late"))
		time.Sleep(5001 * time.Millisecond)
		synctest.Wait()
		wantMessages(t, w.all(t, "g", "p/web/1"), "one\n more\n and more\n", " late\n")
	})
}

func TestWriterSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	start := time.Now().Add(-time.Minute)
	restart := func() (world, func()) {
		st, err := store.Open(t.Context(), path, store.Options{Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		return world{logs.New(logs.Config{Store: st}), st, in(t.Context(), account, region)}, func() {
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	w, stop := restart()
	w.group(t, "g")
	o := multiline(`^\S`)
	write(t, w.open(t, o), lines(start, "one", "two", " more…")) // and never closed
	stop()

	w, stop = restart()
	defer stop()
	sink := w.open(t, o)
	if want := start.Add(2 * time.Millisecond); !sink.Resume().Equal(want) {
		t.Errorf("resume = %v, want %v", sink.Resume(), want)
	}
	write(t, sink, lines(start.Add(time.Second), " text", "three"))
	wantMessages(t, w.all(t, "g", "p/web/1"), "one\n", "two\n more text\n")
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestWriterRetries plays both ends of a commit whose answer was lost.
func TestWriterRetries(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	batch := lines(time.Now(), "one", "two")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()

	notKept := w.open(t, options())
	if err := notKept.Write(canceled, batch); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v", err)
	}
	write(t, notKept, batch)
	wantMessages(t, w.all(t, "g", "p/web/1"), "one", "two")

	o := options()
	o.Cursor = "other"
	kept, twin := w.open(t, o), w.open(t, o)
	if err := kept.Write(canceled, batch); !errors.Is(err, context.Canceled) {
		t.Fatalf("error = %v", err)
	}
	write(t, twin, batch) // as if the commit had gone through
	write(t, kept, batch)
	wantMessages(t, w.all(t, "g", "p/web/1"), "one", "one", "two", "two")
	write(t, kept, lines(time.Now().Add(time.Second), "three"))
	if got := w.all(t, "g", "p/web/1"); got[len(got)-1] != "three" {
		t.Errorf("messages = %q", got)
	}
}

func TestWriterOfDeletedStream(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, options())
	must[cwl.DeleteLogGroupOutput](t)(w.DeleteLogGroup(w.ctx, &cwl.DeleteLogGroupInput{LogGroupName: aws.String("g")}))
	write(t, sink, lines(time.Now(), "dropped"))
	w.group(t, "g")
	w.stream(t, "g", "p/web/1")
	write(t, sink, lines(time.Now(), "kept"))
	wantMessages(t, w.all(t, "g", "p/web/1"), "kept")
}

func TestClosedWriterLeavesNoCursor(t *testing.T) {
	w := newWorld(t)
	w.group(t, "g")
	sink := w.open(t, options())
	write(t, sink, lines(time.Now(), "one", "half…"))
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	wantMessages(t, w.all(t, "g", "p/web/1"), "one", "half")
	if again := w.open(t, options()); !again.Resume().IsZero() {
		t.Errorf("resume = %v after Close, want zero", again.Resume())
	}
}

// TestBatchesDoNotMatter: wherever the lines are cut into batches, the events
// are the same.
func TestBatchesDoNotMatter(t *testing.T) {
	start := time.Now()
	all := lines(start, "one", " more", "two…", "halves", "", " x…", "y…", "z", "three", strings.Repeat("w", 300_000))
	var want []string
	for cut := range len(all) + 1 {
		w := newWorld(t)
		w.group(t, "g")
		sink := w.open(t, multiline(`^\S`))
		write(t, sink, all[:cut])
		write(t, sink, all[cut:])
		if err := sink.Close(); err != nil {
			t.Fatal(err)
		}
		got := w.all(t, "g", "p/web/1")
		if cut == 0 {
			want = got
		}
		if len(got) != 5 || !slices.Equal(got, want) {
			t.Errorf("cut at %d: %d messages, want %d", cut, len(got), len(want))
		}
	}
}
