package pattern

import (
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// object is a pattern for events that are JSON as a whole.
type object struct {
	condition condition
	selectors []selector
}

func (o *object) match(message string, extract bool) (bool, map[string]string) {
	doc, ok := parseJSON(message)
	if !ok || !o.condition.holds(doc) {
		return false, nil
	}
	if !extract {
		return true, nil
	}
	found := map[string]string{}
	for _, s := range o.selectors {
		for _, v := range doc.find(s) {
			if text, ok := textOf(v); ok {
				found[s.text] = text
				break
			}
		}
	}
	return true, found
}

// document is an event that is JSON.
type document struct{ root any }

func parseJSON(message string) (document, bool) {
	text := strings.TrimSpace(message)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return document{}, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var doc document
	if d.Decode(&doc.root) != nil {
		return document{}, false
	}
	_, err := d.Token()
	return doc, err == io.EOF
}

func (d document) find(s selector) []any {
	at := []any{d.root}
	for _, st := range s.steps {
		var next []any
		for _, v := range at {
			next = st.from(v, next)
		}
		at = next
	}
	return at
}

// from adds the values that the step leads to from v.
func (s step) from(v any, out []any) []any {
	switch v := v.(type) {
	case map[string]any:
		if s.any {
			for _, member := range v {
				out = append(out, member)
			}
		} else if member, ok := v[s.name]; ok && s.name != "" {
			out = append(out, member)
		}
	case []any:
		if s.any {
			return append(out, v...)
		}
		if s.name == "" && s.index < len(v) {
			return append(out, v[s.index])
		}
	}
	return out
}

// object parses { conditions }.
func (p *parser) object() (matcher, error) {
	o := &object{}
	p.pos++
	var err error
	o.condition, err = p.conditions(func() (condition, error) {
		s, err := p.selector()
		if err != nil {
			return nil, err
		}
		o.selectors = append(o.selectors, s)
		return p.property(s)
	})
	switch {
	case err != nil:
		return nil, err
	case p.accept("}") != "":
		return o, p.end()
	case p.pos == len(p.in):
		return nil, wrong("Invalid filter pattern: a brace is not closed.")
	}
	return nil, badCharacter(p.next())
}

// property parses what is demanded of a property.
func (p *parser) property(s selector) (condition, error) {
	switch {
	case p.word("NOT"):
		if p.word("EXISTS") {
			return missing{s}, nil
		}
		return nil, wrong("Invalid filter pattern: EXISTS is missing behind NOT.")
	case p.word("EXISTS"):
		return is{s, func(any) bool { return true }}, nil
	case p.word("IS"):
		for word, want := range map[string]any{"NULL": nil, "TRUE": true, "FALSE": false} {
			if p.word(word) {
				return is{s, func(v any) bool { return v == want }}, nil
			}
		}
		return nil, wrong("Invalid filter pattern: IS is followed by NULL, TRUE or FALSE.")
	}
	test, err := p.comparison()
	return is{s, test}, err
}

// selector parses $.member[0].* and the like.
func (p *parser) selector() (selector, error) {
	p.space()
	start := p.pos
	if p.peek() != '$' {
		return selector{}, badCharacter(p.next())
	}
	p.pos++
	var steps []step
	for {
		var st step
		var err error
		switch p.peek() {
		case '.':
			st, err = p.member()
		case '[':
			st, err = p.element()
		default:
			if len(steps) == 0 {
				err = badCharacter(p.in[start:p.pos] + p.next())
			}
			return selector{p.in[start:p.pos], steps}, err
		}
		if err != nil {
			return selector{}, err
		}
		steps = append(steps, st)
	}
}

func (p *parser) member() (step, error) {
	p.pos++
	if p.peek() == '*' {
		p.pos++
		return step{any: true}, nil
	}
	name := p.run("-")
	if name == "" {
		return step{}, badCharacter("$." + p.next())
	}
	return step{name: name}, nil
}

func (p *parser) element() (step, error) {
	text, _, closed := strings.Cut(p.rest()[1:], "]")
	p.pos += len(text) + 2
	if !closed {
		return step{}, wrong("Invalid filter pattern: a bracket is not closed.")
	}
	if text == "*" {
		return step{any: true}, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return step{}, badCharacter(text)
	}
	return step{index: n}, nil
}
