package translate

import (
	"fmt"
	"strings"
)

// fluentbit.go reads Fluent Bit's classic configuration: sections of keys and
// values. It knows nothing of what they mean.

// section is one [NAME] with its entries, in order. Names and keys are kept as
// written and compared without regard to case.
type section struct {
	name    string
	entries []entry
}

type entry struct{ key, value string }

// get finds the value of a key, "" when it is not there.
func (s *section) get(key string) string {
	for _, e := range s.entries {
		if strings.EqualFold(e.key, key) {
			return e.value
		}
	}
	return ""
}

// is tells whether the section has that name.
func (s *section) is(name string) bool { return strings.EqualFold(s.name, name) }

// parseSections reads a configuration. Comments and empty lines mean nothing;
// commands such as @INCLUDE are no part of what Fargate takes.
func parseSections(text string) ([]section, error) {
	var all []section
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "@"):
			return nil, fmt.Errorf("line %d: %s: commands are not supported", i+1, line)
		case strings.HasPrefix(line, "["):
			name, rest, ok := strings.Cut(line[1:], "]")
			if !ok || strings.TrimSpace(rest) != "" || strings.TrimSpace(name) == "" {
				return nil, fmt.Errorf("line %d: %s is not a section", i+1, line)
			}
			all = append(all, section{name: strings.TrimSpace(name)})
		case len(all) == 0:
			return nil, fmt.Errorf("line %d: %s stands before the first section", i+1, line)
		default:
			e, err := parseEntry(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			last := &all[len(all)-1]
			last.entries = append(last.entries, e)
		}
	}
	return all, nil
}

func parseEntry(line string) (entry, error) {
	at := strings.IndexAny(line, " \t")
	if at < 0 {
		return entry{}, fmt.Errorf("%s has no value", line)
	}
	return entry{key: line[:at], value: strings.TrimSpace(line[at:])}, nil
}

// matches tells whether a tag fits a Match pattern, in which * is any text.
func matches(pattern, tag string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == tag
	}
	if !strings.HasPrefix(tag, parts[0]) {
		return false
	}
	tag = tag[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(tag, part)
		if at < 0 {
			return false
		}
		tag = tag[at+len(part):]
	}
	return strings.HasSuffix(tag, parts[len(parts)-1])
}
