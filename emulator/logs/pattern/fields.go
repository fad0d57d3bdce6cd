package pattern

import (
	"strconv"
	"strings"
	"unicode"
)

// columns are a pattern for events with fields between spaces. An ellipsis
// stands for any number of fields; without one, the last column takes all that
// is left of the event.
type columns struct {
	list     []column
	ellipsis int // index of the column before which it stands; -1: none
}

// column is one field; its name may be empty, its condition nil.
type column struct {
	name      string
	condition condition
}

// single is one field as an event with parts.
type single string

func (s single) find(selector) []any { return []any{field(s)} }

func (c *columns) match(message string, extract bool) (bool, map[string]string) {
	fields := splitFields(message)
	n := len(c.list)
	if len(fields) < n || len(fields) == 0 {
		return false, nil
	}
	var found map[string]string
	if extract {
		found = map[string]string{}
	}
	head, skipped := c.ellipsis, len(fields)-n
	if head < 0 {
		last := &fields[n-1]
		if skipped > 0 {
			last.text = strings.TrimRightFunc(message[last.at:], unicode.IsSpace)
		}
		head, skipped = n, 0
	}
	for i, col := range c.list {
		at := i
		if i >= head {
			at += skipped
		}
		if col.condition != nil && !col.condition.holds(single(fields[at].text)) {
			return false, nil
		}
		note(found, col.name, at, fields[at].text)
	}
	for at := head; at < head+skipped; at++ {
		note(found, "", at, fields[at].text)
	}
	return true, found
}

// note keeps a field under its name or, without one, its number from 1.
func note(found map[string]string, name string, at int, text string) {
	if name == "" {
		name = strconv.Itoa(at + 1)
	}
	if found != nil {
		found["$"+name] = text
	}
}

// part is a field of an event and where it begins.
type part struct {
	text string
	at   int
}

// splitFields takes an event apart at spaces. What stands in brackets or
// double quotes is one field, without them.
func splitFields(message string) []part {
	var out []part
	for i := 0; i < len(message); {
		if message[i] == ' ' || message[i] == '\t' || message[i] == '\n' || message[i] == '\r' {
			i++
			continue
		}
		text, n := firstField(message[i:])
		out = append(out, part{text, i})
		i += n
	}
	return out
}

// firstField is the field that s begins with, and how long it is with what
// encloses it.
func firstField(s string) (text string, n int) {
	closing := map[byte]byte{'[': ']', '"': '"'}[s[0]]
	if closing != 0 {
		if end := strings.IndexByte(s[1:], closing); end >= 0 {
			return s[1 : end+1], end + 2
		}
	}
	if end := strings.IndexAny(s, " \t\n\r"); end >= 0 {
		return s[:end], end
	}
	return s, len(s)
}

// fields parses [columns].
func (p *parser) fields() (matcher, error) {
	c := &columns{ellipsis: -1}
	p.pos++
	for {
		if p.accept("...") != "" {
			if c.ellipsis >= 0 {
				return nil, wrong("Invalid filter pattern: more than one ellipsis.")
			}
			c.ellipsis = len(c.list)
		} else {
			col, err := p.column()
			if err != nil {
				return nil, err
			}
			c.list = append(c.list, col)
		}
		switch p.accept(",", "]") {
		case ",":
		case "]":
			return c, p.end()
		default:
			if p.pos == len(p.in) {
				return nil, wrong("Invalid filter pattern: a bracket is not closed.")
			}
			return nil, badCharacter(p.next())
		}
	}
}

// column parses a field's name and what is demanded of it.
func (p *parser) column() (column, error) {
	p.space()
	if c := p.peek(); c == ',' || c == ']' {
		return column{}, nil
	}
	start := p.pos
	p.accept("(")
	p.space()
	name := p.run("-")
	if name == "" {
		return column{}, badCharacter(p.next())
	}
	p.space()
	if c := p.peek(); c == ',' || c == ']' || c == 0 {
		return column{name: name}, nil
	}
	p.pos = start
	condition, err := p.conditions(func() (condition, error) {
		p.space()
		if other := p.run("-"); other != name {
			return nil, wrong("Invalid filter pattern: the conditions of field %s name %s.", name, other)
		}
		test, err := p.comparison()
		return is{test: test}, err
	})
	return column{name, condition}, err
}
