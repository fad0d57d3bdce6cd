package link

import (
	"time"
	"unicode/utf8"

	"github.com/neargate/neargate/emulator/sandbox"
)

// wireLine is a line of a log. JSON holds only Unicode, and programs write
// what they like: text that is none crosses as bytes.
type wireLine struct {
	At      time.Time
	Stderr  bool   `json:",omitempty"`
	Partial bool   `json:",omitempty"`
	Text    string `json:",omitempty"`
	Bytes   []byte `json:",omitempty"`
}

func toWire(l sandbox.LogLine) wireLine {
	w := wireLine{At: l.At, Stderr: l.Stderr, Partial: l.Partial}
	if utf8.ValidString(l.Text) {
		w.Text = l.Text
	} else {
		w.Bytes = []byte(l.Text)
	}
	return w
}

func (w wireLine) line() sandbox.LogLine {
	l := sandbox.LogLine{At: w.At, Stderr: w.Stderr, Partial: w.Partial, Text: w.Text}
	if len(w.Bytes) > 0 {
		l.Text = string(w.Bytes)
	}
	return l
}
