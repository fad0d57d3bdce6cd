package translate

import (
	"fmt"
	"regexp"
	"strings"
)

// loggrep.go is about the filter grep. Rules about the pod's metadata choose
// whole containers, and are honoured: they decide whether a container's output
// goes anywhere. Rules about the lines themselves are not.

// grep is a filter whose rules are all about metadata.
type grep struct {
	match string
	rules []grepRule
}

type grepRule struct {
	key     string // $kubernetes['namespace_name']
	pattern *regexp.Regexp
	exclude bool
}

// parseGrep reads a filter; the error says why it has no effect.
func parseGrep(s *section) (grep, error) {
	g := grep{match: s.get("Match")}
	for _, e := range s.entries {
		exclude := strings.EqualFold(e.key, "Exclude")
		switch {
		case strings.EqualFold(e.key, "Name"), strings.EqualFold(e.key, "Match"):
			continue
		case !exclude && !strings.EqualFold(e.key, "Regex"):
			return g, fmt.Errorf("the option %s is not known", e.key)
		}
		key, pattern, _ := strings.Cut(e.value, " ")
		if !strings.HasPrefix(key, "$kubernetes[") {
			return g, fmt.Errorf("a rule is about %s, and lines are not looked into", key)
		}
		re, err := regexp.Compile(strings.TrimSpace(pattern))
		if err != nil {
			return g, err
		}
		g.rules = append(g.rules, grepRule{key: key, pattern: re, exclude: exclude})
	}
	return g, nil
}

// keeps tells whether a container's lines pass. As in Fluent Bit, the first
// rule that speaks against them decides; what is not there matches nothing.
func (g *grep) keeps(m *metadata) bool {
	if !matches(g.match, m.tag) {
		return true
	}
	for _, r := range g.rules {
		value, ok := m.field(r.key)
		if fits := ok && r.pattern.MatchString(value); fits == r.exclude {
			return false
		}
	}
	return true
}
