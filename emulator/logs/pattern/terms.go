package pattern

import (
	"regexp"
	"strings"
)

// terms are a pattern for unstructured text: all of include, none of exclude,
// and one of optional, which counts only where it stands alone.
type terms struct{ include, exclude, optional []term }

// term is a text or an expression to be found.
type term struct {
	text string
	re   *regexp.Regexp
}

func (t term) in(message string) bool {
	if t.re != nil {
		return t.re.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

func anyIn(all []term, message string) bool {
	for _, t := range all {
		if t.in(message) {
			return true
		}
	}
	return false
}

func (t *terms) match(message string, _ bool) (bool, map[string]string) {
	if len(t.include) == 0 && len(t.exclude) == 0 && len(t.optional) > 0 {
		return anyIn(t.optional, message), nil
	}
	for _, i := range t.include {
		if !i.in(message) {
			return false, nil
		}
	}
	return !anyIn(t.exclude, message), nil
}

// terms parses what has no bracket at its beginning.
func (p *parser) terms() (matcher, error) {
	t := &terms{}
	for p.space(); p.pos < len(p.in); p.space() {
		list := &t.include
		switch p.peek() {
		case '-':
			list = &t.exclude
			p.pos++
		case '?':
			list = &t.optional
			p.pos++
		}
		next, err := p.term()
		if err != nil {
			return nil, err
		}
		*list = append(*list, next)
	}
	return t, nil
}

func (p *parser) term() (t term, err error) {
	switch p.peek() {
	case '"':
		t.text, err = p.quoted()
	case '%':
		t.re, err = p.regex()
	default:
		if t.text = p.run(""); t.text == "" {
			return t, badCharacter(p.next())
		}
	}
	if c := p.peek(); err == nil && c != 0 && c != '"' && c != '%' && !strings.ContainsRune(" \t\r\n", rune(c)) {
		return t, badCharacter(p.next())
	}
	return t, err
}
