package apiwire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/neargate/neargate/apiwire"
)

// Every byte at every place of a word is written as encoding/json reads it.
func TestJSONStringsByteByByte(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte(strings.Repeat("a", 20))
			b[at] = byte(c)
			checkJSONString(t, string(b))
		}
	}
}

func FuzzJSONString(f *testing.F) {
	for _, s := range []string{"", "plain text of some length", "quote \" and \\", "ü ü ü ü ü", "\x00\x1f\x7f\x80\xff", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkJSONString(t, s) })
}

func checkJSONString(t *testing.T, s string) {
	t.Helper()
	text := apiwire.AppendJSONString(nil, s)
	var back string
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%q: %s: %v", s, text, err)
	}
	if want := strings.ToValidUTF8(s, "\ufffd"); utf8.ValidString(s) && back != want {
		t.Fatalf("%q became %q", s, back)
	}
	if !utf8.Valid(text) {
		t.Fatalf("%q: %q is not UTF-8", s, text)
	}
}

func BenchmarkJSONString(b *testing.B) {
	s := "arn:aws:ecs:eu-central-1:000000000000:task/default/0123456789abcdef0123456789abcdef"
	buf := make([]byte, 0, 200)
	b.SetBytes(int64(len(s)))
	for b.Loop() {
		buf = apiwire.AppendJSONString(buf[:0], s)
	}
}
