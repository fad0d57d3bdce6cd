// Package pattern is the language of CloudWatch Logs' filter patterns, as
// FilterLogEvents and TestMetricFilter take them.
//
// There are four kinds, told apart by how they begin:
//
//	ERROR "not found" -retry ?a ?b     terms in unstructured text
//	%4[0-9]{2}%                        a regular expression
//	{ $.code >= 400 && $.user != "x" } conditions on an event that is JSON
//	[ip, ..., code=4*, bytes>1000]     conditions on fields between spaces
//
// Terms are found anywhere in the text, within words too; case counts.
// Patterns hold no state once they are parsed.
package pattern

import "fmt"

// Pattern is a parsed filter pattern.
type Pattern struct{ m matcher }

// matcher decides about one message. The second result names what a metric
// filter could use of it; it is nil when nobody asked.
type matcher interface {
	match(message string, extract bool) (bool, map[string]string)
}

// SyntaxError says what is wrong with a pattern, in AWS's words where they are
// known.
type SyntaxError struct{ Message string }

func (e *SyntaxError) Error() string { return e.Message }

func wrong(format string, args ...any) error {
	return &SyntaxError{fmt.Sprintf(format, args...)}
}

// badCharacter is AWS's sentence for a character that would have to be quoted.
func badCharacter(text string) error { return wrong("Invalid character(s) in term '%s'", text) }

// Parse reads a pattern; the error is a *SyntaxError. An empty pattern matches
// everything.
func Parse(text string) (*Pattern, error) {
	p := &parser{in: text}
	p.space()
	var m matcher
	var err error
	switch p.peek() {
	case '{':
		m, err = p.object()
	case '[':
		m, err = p.fields()
	default:
		m, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{m}, nil
}

// Match tells whether a message matches.
func (p *Pattern) Match(message string) bool {
	ok, _ := p.m.match(message, false)
	return ok
}

// Extract is Match, with the values that the pattern names: fields as "$name"
// or "$1", members of JSON as "$.member". The map is never nil.
func (p *Pattern) Extract(message string) (bool, map[string]string) {
	ok, values := p.m.match(message, true)
	if values == nil {
		values = map[string]string{}
	}
	return ok, values
}
