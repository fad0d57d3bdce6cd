package emulator

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync"

	"github.com/neargate/neargate/emulator/sandbox"
)

// output is what one container has written.
type output struct {
	name  string
	lines iter.Seq2[sandbox.LogLine, error]
}

// lineWriter writes the lines of several containers, each of them whole. An
// error is told in their midst, and ends only the output that it befell.
type lineWriter struct {
	mu     sync.Mutex
	w      http.ResponseWriter
	flush  *http.ResponseController
	prefix bool // say whose line it is
}

// merge writes outputs that end, in the order of time.
func (l *lineWriter) merge(outputs []output) {
	type head struct {
		name string
		line sandbox.LogLine
		next func() (sandbox.LogLine, error, bool)
	}
	var heads []*head
	// advance reads the next line; false at the end.
	advance := func(h *head) bool {
		line, err, more := h.next()
		if more && err != nil {
			more = false
			_ = l.write(h.name, fmt.Sprintf("neargate: %v", err)) // the next line finds out that nobody reads
		}
		h.line = line
		return more
	}
	for _, o := range outputs {
		next, stop := iter.Pull2(o.lines)
		defer stop()
		if h := (&head{name: o.name, next: next}); advance(h) {
			heads = append(heads, h)
		}
	}
	for len(heads) > 0 {
		h := slices.MinFunc(heads, func(a, b *head) int { return a.line.At.Compare(b.line.At) })
		if l.write(h.name, h.line.Text) != nil {
			return
		}
		if !advance(h) {
			heads = slices.DeleteFunc(heads, func(one *head) bool { return one == h })
		}
	}
}

// mix writes outputs as they come, each line at once, until all have ended or
// the reader has gone.
func (l *lineWriter) mix(outputs []output) {
	var all sync.WaitGroup
	for _, o := range outputs {
		all.Go(func() {
			for line, err := range o.lines {
				text := line.Text
				if err != nil {
					text = fmt.Sprintf("neargate: %v", err)
				}
				if l.write(o.name, text) != nil || l.send() != nil || err != nil {
					return
				}
			}
		})
	}
	all.Wait()
}

func (l *lineWriter) write(name, text string) error {
	if l.prefix {
		text = name + " | " + text
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write([]byte(text + "\n"))
	return err
}

func (l *lineWriter) send() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flush.Flush()
}
