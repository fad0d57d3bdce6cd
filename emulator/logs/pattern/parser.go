package pattern

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// parser reads a pattern from left to right. This file has what all kinds of
// patterns are made of.
type parser struct {
	in      string
	pos     int
	regexes int
}

// maxRegexes is how many regular expressions a pattern of conditions may hold.
const maxRegexes = 2

func (p *parser) rest() string { return p.in[p.pos:] }

// peek is the next byte, 0 at the end.
func (p *parser) peek() byte {
	if p.pos == len(p.in) {
		return 0
	}
	return p.in[p.pos]
}

func (p *parser) space() {
	p.pos = len(p.in) - len(strings.TrimLeftFunc(p.rest(), unicode.IsSpace))
}

// accept takes the first of the tokens that comes next, behind spaces; "" when
// none does. Longer tokens go before those that they begin with.
func (p *parser) accept(tokens ...string) string {
	p.space()
	for _, t := range tokens {
		if strings.HasPrefix(p.rest(), t) {
			p.pos += len(t)
			return t
		}
	}
	return ""
}

// word takes a keyword that stands alone, whatever its case.
func (p *parser) word(w string) bool {
	p.space()
	rest := p.rest()
	if len(rest) < len(w) || !strings.EqualFold(rest[:len(w)], w) {
		return false
	}
	if r, _ := utf8.DecodeRuneInString(rest[len(w):]); letter(r) {
		return false
	}
	p.pos += len(w)
	return true
}

func letter(r rune) bool {
	return r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// run takes letters and what else is allowed.
func (p *parser) run(also string) string {
	rest := p.rest()
	end := strings.IndexFunc(rest, func(r rune) bool { return !letter(r) && !strings.ContainsRune(also, r) })
	if end < 0 {
		end = len(rest)
	}
	p.pos += end
	return rest[:end]
}

// next is the next character, for error texts.
func (p *parser) next() string {
	_, n := utf8.DecodeRuneInString(p.rest())
	return p.rest()[:n]
}

// end checks that nothing follows.
func (p *parser) end() error {
	if p.space(); p.pos < len(p.in) {
		return badCharacter(p.next())
	}
	return nil
}

// quoted takes text in double quotes; a backslash stands before a quote or
// another backslash.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.in); i++ {
		switch c := p.in[i]; {
		case c == '"':
			p.pos = i + 1
			return b.String(), nil
		case c == '\\' && i+1 < len(p.in) && (p.in[i+1] == '"' || p.in[i+1] == '\\'):
			i++
			b.WriteByte(p.in[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", wrong("Invalid filter pattern: a double quotation mark is not closed.")
}

// regexSymbols are the characters beside letters and digits that AWS allows in
// regular expressions: symbols and operators.
const regexSymbols = "_#=@/;:,-" + `^$?[]{}|\*+.`

// regex takes a regular expression between percent signs.
func (p *parser) regex() (*regexp.Regexp, error) {
	text, _, closed := strings.Cut(p.rest()[1:], "%")
	if !closed {
		return nil, wrong("Invalid filter pattern: a regular expression is not closed by a percent sign.")
	}
	for _, r := range text {
		if r >= utf8.RuneSelf || !letter(r) && !strings.ContainsRune(regexSymbols, r) {
			return nil, badCharacter(string(r))
		}
	}
	p.pos += len(text) + 2
	p.regexes++
	re, err := regexp.Compile(text)
	if err != nil || text == "" {
		return nil, wrong("Invalid regular expression in filter pattern: %%%s%%", text)
	}
	return re, nil
}
