package logs

import (
	"time"
	"unicode/utf8"
)

// Line is one line of a container's output, without its newline.
type Line struct {
	At      time.Time
	Text    string
	Partial bool // the line goes on in the next one
}

// maxLine is how long the driver lets an event become, in bytes; a longer line
// makes several events. It is less than what CloudWatch Logs takes today.
const maxLine = 256<<10 - overhead

// piece is text that is being put together.
type piece struct {
	First int64 // ns since 1970: when it began
	Text  string
}

// assembly is what was taken in but is no event yet.
type assembly struct {
	Part  *piece `json:",omitempty"` // the beginning of a line
	Event *piece `json:",omitempty"` // the first lines of an event
}

// take adds lines and returns what became events. It leaves what its receiver
// points to as it is, so that the same lines can be taken again.
func (a assembly) take(m Multiline, lines []Line) (assembly, []line) {
	var out []line
	for _, l := range lines {
		part := piece{First: l.At.UnixNano()}
		if a.Part != nil {
			part = *a.Part
		}
		part.Text += l.Text
		a.Part = nil
		switch {
		case l.Partial && len(part.Text) < maxLine:
			a.Part = &part
		case m.Begin == nil:
			out = part.split(out)
		default:
			out = a.join(m, part, out)
		}
	}
	return a, out
}

// join adds a whole line to the event that it belongs to. The driver keeps a
// newline behind every line of an event of several lines, the last one too.
func (a *assembly) join(m Multiline, l piece, out []line) []line {
	if a.Event != nil && (m.Begin.MatchString(l.Text) || len(a.Event.Text)+len(l.Text) >= maxLine) {
		out = a.Event.split(out)
		a.Event = nil
	}
	event := piece{First: l.First}
	if a.Event != nil {
		event = *a.Event
	}
	event.Text += l.Text + "\n"
	a.Event = &event
	return out
}

// rest makes events of all that is left.
func (a assembly) rest(m Multiline) []line {
	var out []line
	if a.Part != nil {
		if m.Begin == nil {
			return a.Part.split(out)
		}
		out = a.join(m, *a.Part, out)
	}
	if a.Event != nil {
		out = a.Event.split(out)
	}
	return out
}

// extent says how much of what waits is to wait no longer.
type extent int

const (
	theEvent   extent = iota // the lines that are put together; the beginning of a line waits for its end
	everything               // that too, as no more lines come for now
)

// give returns what becomes events though nothing has come behind it, and what
// goes on waiting.
func (a assembly) give(m Multiline, what extent) (assembly, []line) {
	switch {
	case what == everything:
		return assembly{}, a.rest(m)
	case a.Event == nil:
		return a, nil
	}
	return assembly{Part: a.Part}, a.Event.split(nil)
}

// split cuts the text into events, between characters. Empty text makes none.
func (p *piece) split(out []line) []line {
	at := time.Unix(0, p.First).UnixMilli()
	for text := p.Text; text != ""; {
		n := cut(text, maxLine)
		out = append(out, line{at, text[:n]})
		text = text[n:]
	}
	return out
}

// cut is the greatest length, up to limit bytes, that tears no character.
func cut(text string, limit int) int {
	if len(text) <= limit {
		return len(text)
	}
	for n := limit; n > limit-utf8.UTFMax; n-- {
		if utf8.RuneStart(text[n]) {
			return n
		}
	}
	return limit // no UTF-8 at all
}
