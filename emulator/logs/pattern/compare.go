package pattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// field is a value that was no JSON: it is a number when it reads like one.
type field string

// textOf is a scalar as text.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case field:
		return string(v), true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

func numberOf(v any) (float64, bool) {
	var text string
	switch v := v.(type) {
	case json.Number:
		text = v.String()
	case field:
		text = string(v)
	default:
		return 0, false
	}
	return parseNumber(text)
}

// parseNumber reads decimal numbers, "4e-2" too, but neither words nor
// hexadecimals.
func parseNumber(text string) (float64, bool) {
	digits := strings.TrimLeft(text, "+-.")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || strings.ContainsAny(digits, "xX_") {
		return 0, false
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil
}

// operators, longer ones first.
var operators = []string{"!=", "<=", ">=", "=", "<", ">"}

// bareSymbols may stand in a value without quotes: numbers, addresses, domain
// names and wildcards.
const bareSymbols = ".*+-"

// comparison parses an operator and a value and returns the test they make.
func (p *parser) comparison() (func(v any) bool, error) {
	op := p.accept(operators...)
	if op == "" {
		return nil, badCharacter(p.next())
	}
	p.space()
	switch p.peek() {
	case '%':
		re, err := p.regex()
		if err == nil && p.regexes > maxRegexes {
			err = wrong("Invalid filter pattern: more than %d regular expressions.", maxRegexes)
		}
		return negatable(op, func(v any) bool { text, ok := textOf(v); return ok && re.MatchString(text) }, err)
	case '"':
		text, err := p.quoted()
		return negatable(op, likeText(text), err)
	}
	text := p.run(bareSymbols)
	if text == "" {
		return nil, badCharacter(p.next())
	}
	if n, ok := parseNumber(text); ok {
		return numeric(op, n, text), nil
	}
	return negatable(op, likeText(text), nil)
}

// negatable makes the test of an operator that text has. Null and what has
// parts are equal to no text and, for null, unequal to all.
func negatable(op string, equal func(v any) bool, err error) (func(v any) bool, error) {
	switch {
	case err != nil:
		return nil, err
	case op == "=":
		return equal, nil
	case op == "!=":
		return func(v any) bool {
			_, scalar := textOf(v)
			return (scalar || v == nil) && !equal(v)
		}, nil
	}
	return nil, wrong("Invalid filter pattern: the operator %s needs a number.", op)
}

// likeText compares with a text in which * stands for any characters.
func likeText(want string) func(v any) bool {
	if !strings.Contains(want, "*") {
		return func(v any) bool { text, ok := textOf(v); return ok && text == want }
	}
	parts := strings.Split(want, "*")
	return func(v any) bool { text, ok := textOf(v); return ok && glob(parts, text) }
}

// glob tells whether text is made of the parts with anything between them.
// There are two at least.
func glob(parts []string, text string) bool {
	last := len(parts) - 1
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1:last] {
		at := strings.Index(text, p)
		if at < 0 {
			return false
		}
		text = text[at+len(p):]
	}
	return strings.HasSuffix(text, parts[last])
}

// numeric compares with a number; a text that reads the same is equal too.
func numeric(op string, want float64, text string) func(v any) bool {
	equal := func(v any) bool {
		if n, ok := numberOf(v); ok {
			return n == want
		}
		t, ok := textOf(v)
		return ok && t == text
	}
	order := func(accept func(n float64) bool) func(v any) bool {
		return func(v any) bool { n, ok := numberOf(v); return ok && accept(n) }
	}
	switch op {
	case "<":
		return order(func(n float64) bool { return n < want })
	case "<=":
		return order(func(n float64) bool { return n <= want })
	case ">":
		return order(func(n float64) bool { return n > want })
	case ">=":
		return order(func(n float64) bool { return n >= want })
	}
	test, _ := negatable(op, equal, nil) // = and != never fail
	return test
}
