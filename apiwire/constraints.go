package apiwire

import (
	"embed"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// This file is the tables of what services demand of their inputs. Checking
// inputs against them is validate.go's business, saying what is wrong is
// voice.go's. The tables are made by apiwire/generate: ranges and patterns are
// botocore's, what is required is the pinned SDK's.
//
// A table is text: a line with a Go struct's name, then, each after a tab, its
// members as the model spells them: "!" marks a required one; a range
// ("1..512", "..256") limits a number, the characters of a string, or the
// elements of a list; last a regular expression. "tags[]" speaks of a list's
// elements, "tags{}" of a map's keys, "tags{=}" of its values. The table of
// ECS has only what is required: its other rules are in no model.

//go:embed constraints/*.txt
var constraintTables embed.FS

// Constraints are what a service demands of its inputs. The zero value demands
// nothing but that enums have one of the SDK's values.
type Constraints struct {
	table *constraintTable
}

// ConstraintsOf returns the constraints of a service by its signing name, such
// as "elasticloadbalancing": ecs, eks, logs, sts, iam, ecr,
// elasticloadbalancing and ec2 have tables, others only their enums. A table is
// not read before the first input is checked.
func ConstraintsOf(service string) Constraints {
	text, err := constraintTables.ReadFile("constraints/" + service + ".txt")
	if err != nil {
		text = nil // a service without a table
	}
	t := &constraintTable{}
	t.structs = sync.OnceValue(func() map[string]map[string]*constraint { return parseConstraints(string(text)) })
	return Constraints{table: t}
}

// constraintTable is one service's table with the checks compiled from it.
type constraintTable struct {
	structs  func() map[string]map[string]*constraint // Go struct → Go field, perhaps with [], {} or {=}
	mu       sync.Mutex
	checkers sync.Map // reflect.Type → *checker, complete ones only
}

// constraint is what a table says of one member.
type constraint struct {
	required bool
	min, max *int64
	pattern  string // as the model has it, for messages
	regexp   func() *regexp.Regexp
}

func parseConstraints(text string) map[string]map[string]*constraint {
	structs := map[string]map[string]*constraint{}
	var members map[string]*constraint
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		member, ok := strings.CutPrefix(line, "\t")
		if !ok {
			members = map[string]*constraint{}
			structs[line] = members
			continue
		}
		name, rest, _ := strings.Cut(member, "\t")
		limits, pattern, _ := strings.Cut(rest, "\t")
		c := &constraint{pattern: pattern}
		name, c.required = strings.CutSuffix(name, "!")
		low, high, _ := strings.Cut(limits, "..")
		c.min, c.max = limit(low), limit(high)
		if pattern != "" {
			c.regexp = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(goPattern(pattern)) })
		}
		members[upperFirst(name)] = c
	}
	return structs
}

// limit reads a number of a range, nil when that end is open. The tables'
// numbers fit (a test reads them all).
func limit(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// goPattern writes a Java pattern, which must match the whole value, in Go's
// syntax. Go has no look-ahead; the one pattern that needs it, for account
// aliases, forbids two hyphens in a row.
func goPattern(java string) string {
	if java == `^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$` {
		return `^[a-z0-9]+(?:-[a-z0-9]+)*$`
	}
	java = strings.NewReplacer(`\u10000`, `\x{10000}`, `\u10FFFF`, `\x{10FFFF}`, `\uD7FF`, `\x{D7FF}`).Replace(java)
	var b strings.Builder
	b.WriteString(`^(?:`)
	for i := 0; i < len(java); i++ {
		if java[i] != '\\' || i+1 == len(java) {
			b.WriteByte(java[i])
			continue
		}
		if java[i+1] == 'u' && i+6 <= len(java) {
			b.WriteString(`\x{` + java[i+2:i+6] + `}`)
			i += 5
			continue
		}
		b.WriteString(java[i : i+2])
		i++
	}
	b.WriteString(`)$`)
	return b.String()
}
